"""A room of agents that work together, with scripts in the place of language models.

An editor wants a text about a question. It waits until those whom it needs are in the room (presence), asks the
researcher for facts (request and reply), has the writer draft (private messages), shows each step in the room (events),
and has the critic judge them, who watches the room. A visitor who comes when all is done reads it up (history).
"""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from arqonbus.client import Bus, Message, ReplyError, Subscription, connect

URL = os.environ.get("ARQONBUS_URL", "ws://127.0.0.1:9100/")
FACTS = {"why is the sky blue?": ["air scatters light", "blue is scattered more than red"]}


async def researcher(bus: Bus, room: str) -> None:
    """Answer questions; in the place of FACTS a model or a search would stand."""

    async def look_up(request: Message) -> list[str]:
        if request.data not in FACTS:
            raise ReplyError("unknown", "I know nothing about that")
        return FACTS[request.data]

    await bus.serve(f"{room}:research", look_up, group="researchers")


async def writer(bus: Bus, room: str) -> None:
    """Draft what it is asked for in private, and mend the draft as often as it is asked."""
    async with bus.subscribe(f"{room}:board"), bus.inbox() as inbox:
        async for order in inbox:
            sentences = [fact.capitalize() + "." for fact in order.data["facts"]]
            if order.data["wish"] == "a title":
                sentences.insert(0, "TITLE: About " + order.data["about"])
            await bus.reply(order, " ".join(sentences))


async def critic(bus: Bus, room: str) -> None:
    """Watch the board, and say what is missing from a draft, or that nothing is."""
    async with bus.subscribe(f"{room}:board") as board:
        async for note in board:
            if note.data["kind"] == "draft":
                wish = None if note.data["text"].startswith("TITLE:") else "a title"
                await bus.publish(f"{room}:board", {"kind": "verdict", "by": "critic", "text": wish or "good"})


async def editor(bus: Bus, room: str, question: str) -> str:
    """Lead the work on one question; give the text."""
    async with bus.subscribe(f"{room}:board") as board:
        team = await gather_team(bus, room, {"researcher", "writer", "critic"})
        facts = await bus.request(f"{room}:research", question)
        await note(bus, room, "facts", f"{len(facts)} about {question}")

        wish, n_drafts = None, 0
        while wish != "good":
            n_drafts += 1
            draft = await bus.request(to=team["writer"], data={"about": question, "facts": facts, "wish": wish})
            await note(bus, room, "draft", draft)
            wish = await verdict(board)
        await note(bus, room, "done", f"after {n_drafts} drafts")
        return draft


async def verdict(board: Subscription) -> str:
    """Wait for what the critic says."""
    async for said in board:
        if said.data["kind"] == "verdict":
            return said.data["text"]
    raise EOFError("the board was taken away")


async def gather_team(bus: Bus, room: str, roles: set[str]) -> dict[str, str]:
    """Wait until every role is in the room; give who has it, as client ids."""
    async with bus.presence(f"{room}:*") as here:
        while True:
            team = {member.profile.screen_name: client for client, member in here.members.items()}
            if roles <= team.keys():
                return team
            await here.get(timeout_s=10)


async def note(bus: Bus, room: str, kind: str, text: str) -> None:
    await bus.publish(f"{room}:board", {"kind": kind, "by": "editor", "text": text}, ack=True)


async def visitor(bus: Bus, room: str) -> list[str]:
    """Come late, and read what was said."""
    page = await bus.history(f"{room}:board", limit=50, order="asc")
    return [f"{said.data['by']}: {said.data['kind']}: {said.data['text']}" for said in page.messages]


async def main() -> None:
    room = f"newsroom-{secrets.token_hex(3)}"
    async with asyncio.TaskGroup() as tasks:

        async def agent(role: Callable[..., Awaitable[Any]], *more: str) -> Any:
            async with connect(URL, profile={"screen_name": role.__name__, "client_type": "agent"}) as bus:
                return await role(bus, room, *more)

        others = [tasks.create_task(agent(role)) for role in (researcher, writer, critic)]
        await tasks.create_task(agent(editor, "why is the sky blue?"))
        for line in await tasks.create_task(agent(visitor)):
            print(line)
        for other in others:
            other.cancel()


if __name__ == "__main__":
    asyncio.run(main())
