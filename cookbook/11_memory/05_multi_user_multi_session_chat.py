"""One agent talks with three users in four sessions and remembers each of them.

The users take turns. After each run, what the user told about themselves is kept as memories. A user's
memories are there in all sessions of that user, and in no session of anybody else. At the end the first
user asks for advice in a session in which the answer was never mentioned.
"""

import asyncio
from uuid import uuid4

from agno_lite.agent import Agent
from agno_lite.db.postgres import PostgresDb
from agno_lite.models.openai import OpenAIChat

db = PostgresDb()

chat_agent = Agent(
    name="Chat Agent",
    model=OpenAIChat(id="gpt-4o-mini"),
    db=db,
    update_memory_on_run=True,
)

user_1_id = "user_1@example.com"
user_2_id = "user_2@example.com"
user_3_id = "user_3@example.com"

user_1_session_1_id = str(uuid4())
user_1_session_2_id = str(uuid4())
user_2_session_1_id = str(uuid4())
user_3_session_1_id = str(uuid4())


async def run_chat_agent() -> None:
    """Hold the conversations, one turn after the other."""
    # The first user, in two sessions
    await chat_agent.aprint_response(
        "Hi, my name is Mina Park. I love anime and video games.",
        user_id=user_1_id,
        session_id=user_1_session_1_id,
    )
    await chat_agent.aprint_response(
        "On rainy days I also enjoy reading manga.",
        user_id=user_1_id,
        session_id=user_1_session_1_id,
    )
    await chat_agent.aprint_response(
        "What do you know about me?",
        user_id=user_1_id,
        session_id=user_1_session_2_id,
    )

    # The second user
    await chat_agent.aprint_response(
        "Hello, I'm Omar Haddad.",
        user_id=user_2_id,
        session_id=user_2_session_1_id,
    )
    await chat_agent.aprint_response(
        "I'm planning to go hiking this weekend.",
        user_id=user_2_id,
        session_id=user_2_session_1_id,
    )

    # The third user
    await chat_agent.aprint_response(
        "Hey! You can call me Julia Lind.",
        user_id=user_3_id,
        session_id=user_3_session_1_id,
    )
    await chat_agent.aprint_response(
        "Tomorrow I'm going to the gym.",
        user_id=user_3_id,
        session_id=user_3_session_1_id,
    )

    # The first user again
    await chat_agent.aprint_response(
        "What do you suggest I do this weekend?",
        user_id=user_1_id,
        session_id=user_1_session_1_id,
    )


if __name__ == "__main__":
    asyncio.run(run_chat_agent())

    for number, user_id in enumerate((user_1_id, user_2_id, user_3_id), start=1):
        print(f"User {number}'s memories:")
        for memory in chat_agent.get_user_memories(user_id=user_id):
            print(f"- {memory.memory}")
