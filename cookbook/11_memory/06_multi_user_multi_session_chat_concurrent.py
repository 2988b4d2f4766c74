"""One agent talks with three users at the same time and remembers each of them.

Each user's conversation is a coroutine, and `asyncio.gather` runs the three of them on one event loop: while
one waits for the model, the others go on. The users are those of the example before, and their memories come
out the same, whoever is answered first.
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


async def user_1_conversation() -> None:
    """Talk as the first user, in two sessions."""
    await chat_agent.arun(
        "Hi, my name is Mina Park. I love anime and video games.",
        user_id=user_1_id,
        session_id=user_1_session_1_id,
    )
    await chat_agent.arun(
        "On rainy days I also enjoy reading manga.",
        user_id=user_1_id,
        session_id=user_1_session_1_id,
    )
    await chat_agent.arun(
        "What do you know about me?",
        user_id=user_1_id,
        session_id=user_1_session_2_id,
    )
    await chat_agent.arun(
        "What do you suggest I do this weekend?",
        user_id=user_1_id,
        session_id=user_1_session_1_id,
    )
    print("User 1 Done")


async def user_2_conversation() -> None:
    """Talk as the second user."""
    await chat_agent.arun(
        "Hello, I'm Omar Haddad.",
        user_id=user_2_id,
        session_id=user_2_session_1_id,
    )
    await chat_agent.arun(
        "I'm planning to go hiking this weekend.",
        user_id=user_2_id,
        session_id=user_2_session_1_id,
    )
    await chat_agent.arun(
        "What do you know about me?",
        user_id=user_2_id,
        session_id=user_2_session_1_id,
    )
    print("User 2 Done")


async def user_3_conversation() -> None:
    """Talk as the third user, who says everything at once."""
    await chat_agent.arun(
        "Hey! You can call me Julia Lind. Tomorrow I'm going to the gym.",
        user_id=user_3_id,
        session_id=user_3_session_1_id,
    )
    print("User 3 Done")


async def run_concurrent_chat_agent() -> None:
    """Hold the three conversations at the same time."""
    await asyncio.gather(
        user_1_conversation(),
        user_2_conversation(),
        user_3_conversation(),
    )


if __name__ == "__main__":
    asyncio.run(run_concurrent_chat_agent())

    for number, user_id in enumerate((user_1_id, user_2_id, user_3_id), start=1):
        print(f"User {number}'s memories:")
        for memory in chat_agent.get_user_memories(user_id=user_id):
            print(f"- {memory.memory}")
