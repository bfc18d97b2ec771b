"""A caller: asks the service of service.py, and shows how each kind of failure looks.

Needs a service that runs, and says so when there is none.
"""

import asyncio
import os
import sys

from arqonbus.client import NoResponder, OutcomeUnknown, RequestFailed, connect

URL = os.environ.get("ARQONBUS_URL", "ws://127.0.0.1:9100/")
QUESTIONS = [
    {"amount": 100, "of": "EUR", "to": "USD"},
    {"amount": 9000, "of": "JPY", "to": "EUR"},
    {"amount": 1, "of": "EUR", "to": "XYZ"},
]


async def main() -> int:
    async with connect(URL) as bus:
        for question in QUESTIONS:
            asked = f"{question['amount']} {question['of']} in {question['to']}"
            try:
                answer = await bus.request("money:convert", question, type=float, timeout_s=2)
            except RequestFailed as error:  # the service says no
                print(f"{asked}: {error.code}, {error.message}")
            except NoResponder:  # known at once, not after the timeout
                print("nobody answers: start service.py")
                return 1
            except OutcomeUnknown:
                print(f"{asked}: no answer within 2 s")
            else:
                print(f"{asked}: {answer}")
    return 0


sys.exit(asyncio.run(main()))
