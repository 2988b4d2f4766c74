"""What the offline model finds in what people say, and what it makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_lite.models.offline.rules import Answer, decide
from agno_lite.models.offline.rules.facts import extract
from agno_lite.models.offline.rules.language import gerund, second_person, third_person, to_you

MEMORY_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {field: {"type": "string"} for field in fields},
                "required": fields,
            },
        },
    }
    for name, fields in (("add_memory", ["memory"]), ("update_memory", ["memory_id", "memory"]))
]


def existing(*memories: str) -> str:
    """A memory manager's system message, with ids m0 and up."""
    entries = "\n\n".join(f"ID: m{number}\nMemory: {text}" for number, text in enumerate(memories))
    return f"Look after memories.\n<existing_memories>\n{entries}\n</existing_memories>\nBe brief."


def remembered(*memories: str) -> str:
    """An agent's system message with memories."""
    items = "\n".join(f"- {text}" for text in memories)
    return f"<memories_from_previous_interactions>\n{items}\n</memories_from_previous_interactions>"


def answer(*said: str, system: str = "", **more: Any) -> Answer:
    """What the model answers to the last of a user's messages."""
    messages = [{"role": "developer", "content": system}] if system else []
    for text in said[:-1]:
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": "I see."}]
    return decide({"model": "m", "messages": [*messages, {"role": "user", "content": said[-1]}], **more})


def stored(text: str, *known: str) -> list[tuple[str, dict[str, Any]]]:
    """The changes that a memory manager is told to make."""
    calls = answer(text, system=existing(*known), tools=MEMORY_TOOLS).calls
    return [(call.name, call.arguments) for call in calls]


SAID = [
    ("My name is Mina Park.", ["User's name is Mina Park"]),
    ("hi, my name is mina", ["User's name is Mina"]),
    ("I'm Mina Park, nice to meet you!", ["User's name is Mina Park"]),
    ("Please call me Al.", ["User's name is Al"]),
    ("I’m John and I’m from Ohio", ["User's name is John", "User is from Ohio"]),
    ("I like anime and video games.", ["User likes anime", "User likes video games"]),
    (
        "I also enjoy reading manga, chess, and tea.",
        ["User likes reading manga", "User likes chess", "User likes tea"],
    ),
    ("I love to swim and read books!", ["User likes swimming", "User likes reading books"]),
    ("I'm really into jazz. I'm a big fan of opera.", ["User likes jazz", "User likes opera"]),
    ("Cycling is something I enjoy.", ["User likes cycling"]),
    (
        "My favourite food is ramen and my hobbies are chess and yoga.",
        ["User's favorite food is ramen", "User likes chess", "User likes yoga"],
    ),
    ("Baking is my favorite hobby.", ["User likes baking"]),
    ("I live in Paris and work as a baker.", ["User lives in Paris", "User works as a baker"]),
    ("I recently moved to Berlin.", ["User lives in Berlin"]),
    ("I have two cats, but I don't like dogs.", ["User has two cats", "User dislikes dogs"]),
    ("I'm allergic to nuts and shellfish", ["User is allergic to nuts", "User is allergic to shellfish"]),
    ("I'm planning to hike this weekend.", ["User plans to hike this weekend"]),
    ("I'm going to the gym tomorrow.", ["User is going to the gym tomorrow"]),
    ("I'm going to cook for my family tonight.", ["User plans to cook for their family tonight"]),
    (
        "I want to learn Spanish. I'd like to visit Japan.",
        ["User wants to learn Spanish", "User wants to visit Japan"],
    ),
    (
        "I usually run in the morning and play chess.",
        ["User usually runs in the morning", "User plays chess"],
    ),
    ("Tomorrow I'm going to the gym.", ["User is going to the gym tomorrow"]),
    ("Hi! This weekend, I'm planning to hike.", ["User plans to hike this weekend"]),
    ("My dog is called Rex. I am 34 years old.", ["User's dog is called Rex", "User is 34 years old"]),
    (
        "I'm a nurse, and I speak German and English.",
        ["User is a nurse", "User speaks German", "User speaks English"],
    ),
    ("I like anime, what should I watch?", ["User likes anime"]),
    ("I like tea. I like tea!", ["User likes tea"]),
]
NOTHING = [
    "",
    "Hello!",
    "How are you?",
    "What do you suggest I do this weekend?",
    "Do I like anime?",
    "If I like anime, what should I watch?",
    "I'm fine, thanks. I'm tired.",
    "I have a question.",
    "I have to go. I want to know the time.",
    "I like it. I like how you write.",
    "My question is whether that works.",
    "The weather is nice.",
    "Tell me a story about a man who likes anime.",
    "我喜欢动漫。",
]


@pytest.mark.parametrize(("text", "facts"), SAID)
def test_facts_are_found_by_grammar(text: str, facts: list[str]) -> None:
    """Each thing that somebody says of themselves becomes a short statement in the third person."""
    assert extract(text) == facts


@pytest.mark.parametrize("text", NOTHING)
def test_questions_and_small_talk_give_no_fact(text: str) -> None:
    """What says nothing of the user gives no fact, and a memory manager then gets text and no call."""
    assert extract(text) == []
    told = answer(text, system=existing(), tools=MEMORY_TOOLS)
    assert (told.calls, told.finish_reason) == ((), "stop")
    assert told.content


@given(things=st.lists(st.from_regex(r"[b-hj-z]{3,8}", fullmatch=True), min_size=1, max_size=4, unique=True))
def test_any_enumeration_gives_a_fact_each(things: list[str]) -> None:
    """However many things a user likes and whatever they are, each is one fact."""
    listed = " and ".join([*([", ".join(things[:-1])] if things[1:] else []), things[-1]])
    assert [fact for fact in extract(f"I like {listed}.") if fact.split()[-1] in things] == [
        f"User likes {thing}" for thing in things
    ]


def test_one_call_for_each_new_fact() -> None:
    """A memory manager is told to add each fact, and nothing that it has already."""
    text = "My name is Mina and I like anime and playing video games."
    assert [arguments["memory"] for _, arguments in stored(text)] == [
        "User's name is Mina",
        "User likes anime",
        "User likes playing video games",
    ]
    assert stored(text, "User's name is Mina", "user likes ANIME.", "User likes video games") == []


def test_what_can_be_only_one_is_replaced() -> None:
    """A new name, home, job or opinion updates the memory that it supersedes; a part of a name does not."""
    assert stored("I moved to Rome.", "User likes tea", "User lives in Paris") == [
        ("update_memory", {"memory_id": "m1", "memory": "User lives in Rome"})
    ]
    assert stored("I work as a cook.", "User works as a baker")[0][0] == "update_memory"
    assert stored("I no longer like tea.", "User likes tea")[0][1]["memory"] == "User dislikes tea"
    assert stored("My name is Mina Park.", "User's name is Mina")[0][0] == "update_memory"
    assert stored("My name is Mina.", "User's name is Mina Park") == []
    assert stored("I like tea.", "User likes coffee")[0][0] == "add_memory"


def test_arguments_follow_the_schema() -> None:
    """Topics are given only to a tool that has them, and unknown required arguments are filled in."""
    parameters = {
        "properties": {
            "memory": {"type": "string"},
            "topics": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
            "weight": {"type": "number"},
        },
        "required": ["memory", "topics", "weight"],
    }
    tool = {"type": "function", "function": {"name": "add_memory", "parameters": parameters}}
    (call,) = answer("I like tea.", tools=[tool]).calls
    assert call.arguments == {"memory": "User likes tea", "topics": ["interests"], "weight": 0}
    assert "topics" not in stored("I like tea.")[0][1]


def test_memories_done_are_not_done_again() -> None:
    """After the results of memory tools comes a short text and no further call."""
    call = {"id": "c", "type": "function", "function": {"name": "add_memory", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "I like tea."},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "ok"},
    ]
    done = decide({"model": "m", "messages": messages, "tools": MEMORY_TOOLS})
    assert (done.calls, done.content) == ((), "The memories are up to date.")


ADVICE = "What do you suggest I do this weekend?"


def test_advice_needs_and_names_an_interest() -> None:
    """A suggestion names an interest from memories or history; without one, the model asks for it."""
    for known in (
        answer(ADVICE, system=remembered("User's name is Mark", "User likes anime")),
        answer("I like anime.", ADVICE),
    ):
        assert "anime" in (known.content or "")
        assert "this weekend" in (known.content or "")
    unknown = answer(ADVICE).content or ""
    assert "anime" not in unknown
    assert unknown.endswith("?")
    assert "hiking" in (answer(ADVICE, system=remembered("User plans to hike this weekend")).content or "")


def test_questions_about_oneself_are_answered_from_what_is_known() -> None:
    """Name, tastes and other facts come from memories and history; what is not known is said to be so."""
    system = remembered("User's name is Mark Gonzales", "User lives in Paris", "User likes tea")
    assert answer("What's my name?", system=system).content == "Your name is Mark Gonzales."
    assert answer("Where do I live?", system=system).content == "You live in Paris."
    assert "tea" in (answer("What do I like?", system=system).content or "")
    everything = answer("What do you know about me?", system=system).content or ""
    assert all(word in everything for word in ("Mark Gonzales", "Paris", "tea"))
    assert answer("What's my name?").content == "You haven't told me your name yet."
    assert answer("I'm Mina.", "What is my name?").content == "Your name is Mina."


def test_answers_take_up_what_is_said() -> None:
    """A name is greeted, facts are said back to the user, and different messages get different answers."""
    first = answer("My name is Mark and I like anime and tea.").content
    assert first == "Nice to meet you, Mark! So you like anime and tea: good to know."
    assert "John" in (answer("Hi my name is John.").content or "")
    assert "you plan to hike" in (answer("I'm planning to hike.").content or "")
    said = [
        "Hello",
        "Thanks!",
        "Bye",
        "How are you?",
        "What is the capital of France?",
        "Write a poem.",
        "Hm",
        "7",
    ]
    assert len({answer(text).content for text in said}) == len(said)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=3))
def test_no_answer_claims_to_be_a_language_model(texts: list[str]) -> None:
    """Rules never pretend to be something else."""
    told = answer(*texts).content or ""
    if not any("model" in text.lower() for text in texts):
        assert "model" not in told.lower()


def test_grammar() -> None:
    """Verbs change person and form, and statements can be said to the user."""
    pairs = [
        ("play", "plays"),
        ("go", "goes"),
        ("study", "studies"),
        ("watch", "watches"),
        ("have", "has"),
        ("like", "likes"),
    ]
    for base, third in pairs:
        assert third_person(base) == third
        assert second_person(third) == base
    assert [gerund(verb) for verb in ("read", "hike", "run", "play", "study")] == [
        "reading",
        "hiking",
        "running",
        "playing",
        "studying",
    ]
    assert to_you("User's dog is called Rex") == "your dog is called Rex"
    assert to_you("User usually goes to their gym") == "you usually go to your gym"
    assert to_you("The user is 34 years old.") == "you are 34 years old"


def test_text_parts_and_calls_without_results_are_read() -> None:
    """Content in parts counts as text, and odd but legal messages do no harm."""
    messages: list[Any] = [
        {"role": "system", "content": [{"type": "text", "text": remembered("User likes tea")}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "x"}}, 7]},
        {"role": "user", "content": [{"type": "text", "text": ADVICE}, {"type": "image_url"}, "x"]},
    ]
    assert "tea" in (decide({"model": "m", "messages": messages}).content or "")
    results = [{"role": "tool", "tool_call_id": "c", "content": text} for text in ('[1, "a"]', "fine")]
    told = decide({"model": "m", "messages": [messages[1], *results]})
    assert told.content == "- x: 1 and a\n- x: fine"


# --- teams -------------------------------------------------------------------------------------

DELEGATE = {
    "type": "function",
    "function": {
        "name": "delegate_task_to_member",
        "description": "Give a member of the team a task and get its answer.",
        "parameters": {
            "type": "object",
            "properties": {"member_id": {"type": "string"}, "task": {"type": "string"}},
            "required": ["member_id", "task"],
        },
    },
}
TRAVEL = {
    "weather-agent": "  name: Weather Agent\n  role: Tells the weather of a city\n  tools: get_weather",
    "guide": "  role: Suggests activities in a city",
    "calc": "  name: Calculator\n  tools: add, multiply",
}


def led(text: str, members: dict[str, str], *more: Any) -> Answer:
    """What a team's leader does about a question."""
    listed = "\n".join(f"- id: {name}\n{about}" for name, about in members.items())
    return answer(
        text, system=f"You lead.\n<team_members>\n{listed}\n</team_members>", tools=[DELEGATE, *more]
    )


def tasks(text: str, members: dict[str, str]) -> dict[str, str]:
    """The tasks that a question leads to, by member."""
    calls = led(text, members).calls
    assert {call.name for call in calls} <= {"delegate_task_to_member"}
    return {call.arguments["member_id"]: call.arguments["task"] for call in calls}


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("What is the weather in Rome?", ["weather-agent"]),
        ("What can I do in Rome? I need activities.", ["guide"]),
        ("I love Rome! What activities and weather can I expect in Rome?", ["weather-agent", "guide"]),
        ("Please ask the weather agent about Oslo.", ["weather-agent"]),
        ("Multiply 12 and 7.", ["calc"]),
        ("Hello!", []),
        ("I like tea.", []),
        ("What is the meaning of life?", []),
        ("Thank you, agent!", []),
    ],
)
def test_a_question_goes_to_the_members_that_it_is_for(text: str, chosen: list[str]) -> None:
    """Members are chosen by name, role and tools, several where several fit, and none for small talk."""
    assert list(tasks(text, TRAVEL)) == chosen
    if not chosen:
        assert led(text, TRAVEL).content


def test_tasks_say_what_the_member_needs_in_other_words() -> None:
    """A task names the member's part, the place and the numbers, and is not the user's own sentence."""
    text = "I love New York! What activities and weather can I expect there?"
    told = tasks(text, TRAVEL)
    assert "weather in New York" in told["weather-agent"]
    assert "activities in New York" in told["guide"]
    assert all("love" not in task and task not in text for task in told.values())
    assert "12 and 7" in tasks("I have 3 cats. Multiply 12 and 7.", TRAVEL)["calc"]
    assert "3" not in tasks("I have 3 cats. Multiply 12 and 7.", TRAVEL)["calc"]


SKILL = st.from_regex(r"[b-df-hj-np-tv-xz]{4,8}", fullmatch=True)
CITY = st.from_regex(r"[B-DF-HJ-NP-TV-Z][b-df-hj-np-tv-xz]{3,7}", fullmatch=True)


@given(skills=st.lists(SKILL, min_size=1, max_size=5, unique=True), city=CITY, data=st.data())
def test_whatever_members_can_do_the_fitting_ones_are_asked(
    skills: list[str], city: str, data: st.DataObject
) -> None:
    """For any team, exactly those are asked whose skill is asked for, each for its own and the place."""
    wanted = data.draw(st.lists(st.sampled_from(skills), min_size=1, unique=True))
    members = {f"m{number}": f"  tools: get_{skill}" for number, skill in enumerate(skills)}
    told = tasks(f"What is the {' and the '.join(wanted)} in {city}?", members)
    assert set(told) == {f"m{skills.index(skill)}" for skill in wanted}
    for name, task in told.items():
        assert f"{skills[int(name[1:])]} in {city}." in task


def test_a_leader_answers_from_what_members_found() -> None:
    """After the results come no more tasks but an answer with all of them, by member."""
    calls = [
        {
            "id": name,
            "type": "function",
            "function": {
                "name": "delegate_task_to_member",
                "arguments": f'{{"member_id": "{name}", "task": "x"}}',
            },
        }
        for name in ("weather-agent", "long_memory")
    ]
    messages = [
        {"role": "system", "content": "<team_members>\n- id: weather-agent\n- id: guide\n</team_members>"},
        {"role": "user", "content": "What weather and activities can I expect?"},
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "weather-agent", "content": "Sunny."},
        {"role": "tool", "tool_call_id": "long_memory", "content": "Walk."},
    ]
    told = decide({"model": "m", "messages": messages, "tools": [DELEGATE]})
    assert told.calls == ()
    assert told.content == "- weather agent: Sunny.\n- long memory: Walk."


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=30))
def test_no_description_of_a_team_breaks_the_rules(text: str, listed: str, arguments: str) -> None:
    """Whatever stands in the list of members or in earlier calls, there is an answer, or are tasks."""
    system = f"<team_members>\n{listed}\n- id: guide\n  role: {listed}\n</team_members>"
    call = {"id": "c", "function": {"name": "delegate_task_to_member", "arguments": arguments}}
    told = answer(text, system=system, tools=[DELEGATE])
    assert told.content or all(call.arguments["task"] for call in told.calls)
    messages = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c"}]
    assert decide({"model": "m", "messages": messages, "tools": [DELEGATE]}).finish_reason == "stop"


def test_a_leaders_own_tools_are_called_beside_members() -> None:
    """What a tool of the leader fits is not left undone because a member is asked too."""
    tool = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}
    calls = led("What are the time and the weather in Rome?", TRAVEL, tool).calls
    assert [call.name for call in calls] == ["delegate_task_to_member", "get_time"]
