"""A team of one member answers in a stream of events, and an evaluation finds what that leaves in memory.

The function under evaluation reads the stream to its end: a stream that nobody reads asks no model, and its
figures would be those of no work. With `debug_mode` each iteration's peak is printed to standard error as
soon as it is known.
"""

import asyncio
from random import Random

from agno_lite.agent import Agent
from agno_lite.db.postgres import PostgresDb
from agno_lite.eval.performance import PerformanceEval
from agno_lite.models.openai import OpenAIChat
from agno_lite.team import Team

cities = ["Lisbon", "Osaka", "Nairobi", "Montreal", "Hanoi", "Valparaiso"]

db = PostgresDb()


def get_weather(city: str) -> str:
    """Look up today's weather in a city.

    Args:
        city: the city's name.
    """
    return f"In {city} it is mild today, with a light breeze."


weather_agent = Agent(
    name="Weather Agent",
    role="Knows the weather of every city",
    model=OpenAIChat(id="gpt-5.2"),
    tools=[get_weather],
    db=db,
    update_memory_on_run=True,
    add_history_to_context=True,
)

team = Team(
    name="Weather Team",
    members=[weather_agent],
    model=OpenAIChat(id="gpt-5.2"),
    instructions="Answer in one short sentence.",
    db=db,
    update_memory_on_run=True,
    add_history_to_context=True,
)

# A generator of its own: libraries draw from the common one, at moments that differ from run to run.
chance = Random(20)


async def run_team() -> None:
    """Ask the team about some city, and read every event of its answer."""
    city = chance.choice(cities)
    stream = team.arun(
        f"I love {city}! What weather can I expect in {city}?",
        user_id="ana@example.com",
        stream=True,
        stream_events=True,
    )
    async for _ in stream:
        pass


team_response_with_memory_impact = PerformanceEval(
    name="Team Memory Impact",
    func=run_team,
    num_iterations=5,
    warmup_runs=0,
    measure_runtime=False,
    debug_mode=True,
    memory_growth_tracking=True,
)

if __name__ == "__main__":
    asyncio.run(team_response_with_memory_impact.arun(print_results=True, print_summary=True))
