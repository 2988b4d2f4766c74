"""Five users ask one team at the same time, and an evaluation finds what that costs in memory.

Each iteration starts five runs of the team, one for each user, each in a session of its own. The leader has
one member look up the weather and the other one the activities. One team and one database serve everybody.
Five iterations follow each other, so that memory which is never given back would show.
"""

import asyncio
from random import Random
from uuid import uuid4

from agno_lite.agent import Agent
from agno_lite.db.postgres import PostgresDb
from agno_lite.eval.performance import PerformanceEval
from agno_lite.models.openai import OpenAIChat
from agno_lite.team import Team

users = [
    "ana@example.com",
    "bilal@example.com",
    "chen@example.com",
    "dalia@example.com",
    "emil@example.com",
]
cities = ["Lisbon", "Osaka", "Nairobi", "Montreal", "Hanoi", "Valparaiso"]

db = PostgresDb()


def get_weather(city: str) -> str:
    """Look up today's weather in a city.

    Args:
        city: the city's name.
    """
    return f"In {city} it is mild today, with a light breeze."


def get_activities(city: str) -> str:
    """Look up what a visitor can do in a city.

    Args:
        city: the city's name.
    """
    return f"In {city} you can walk along the water, visit the market and listen to music."


weather_agent = Agent(
    name="Weather Agent",
    role="Knows the weather of every city",
    model=OpenAIChat(id="gpt-5.2"),
    tools=[get_weather],
    db=db,
    add_history_to_context=True,
)

activities_agent = Agent(
    name="Activities Agent",
    role="Knows the activities that a city offers to visitors",
    model=OpenAIChat(id="gpt-5.2"),
    tools=[get_activities],
    db=db,
    add_history_to_context=True,
)

team = Team(
    name="City Team",
    members=[weather_agent, activities_agent],
    model=OpenAIChat(id="gpt-5.2"),
    instructions="Answer in one short paragraph.",
    db=db,
    update_memory_on_run=True,
    add_history_to_context=True,
)

# A generator of its own: libraries draw from the common one, at moments that differ from run to run.
chance = Random(20)


async def run_team() -> None:
    """Let every user ask about some city, all at the same time."""

    async def run_team_for_user(user_id: str) -> None:
        city = chance.choice(cities)
        await team.arun(
            f"I love {city}! What weather and which activities can I expect in {city}?",
            user_id=user_id,
            session_id=f"session_{uuid4()}",
        )

    await asyncio.gather(*(run_team_for_user(user_id) for user_id in users))


team_response_with_memory_impact = PerformanceEval(
    name="Team Memory Impact",
    func=run_team,
    num_iterations=5,
    warmup_runs=0,
    measure_runtime=False,
    memory_growth_tracking=True,
    top_n_memory_allocations=10,
)

if __name__ == "__main__":
    asyncio.run(team_response_with_memory_impact.arun(print_results=True, print_summary=True))
