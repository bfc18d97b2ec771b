"""A service: answers requests that come to a channel. Start as many as you like; each request goes to one of them.

Try it with caller.py. Ctrl-C lets it finish what it is at, and ends it.
"""

import asyncio
import os
import signal
from dataclasses import dataclass

from arqonbus.client import Message, ReplyError, connect

URL = os.environ.get("ARQONBUS_URL", "ws://127.0.0.1:9100/")
RATES = {"EUR": 1.0, "USD": 1.16, "JPY": 180.0}


@dataclass
class Question:
    """How much is `amount` of one currency in another?"""

    amount: float
    of: str
    to: str


async def convert(request: Message[Question]) -> float:
    """Answer one request; what is raised as ReplyError is an answer too."""
    question = request.data
    for currency in (question.of, question.to):
        if currency not in RATES:
            raise ReplyError("no_such_currency", f"{currency} is not one of {', '.join(RATES)}")
    return round(question.amount / RATES[question.of] * RATES[question.to], 2)


async def main() -> None:
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    async with connect(URL) as bus, asyncio.TaskGroup() as tasks:
        tasks.create_task(bus.serve("money:convert", convert, type=Question, group="converters"))
        print("ready to convert", ", ".join(RATES), flush=True)
        await interrupted.wait()
        await bus.drain()


asyncio.run(main())
