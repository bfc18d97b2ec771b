"""A visit without a bus: what the client sends is kept, what the server says is said by the test."""

from typing import Any

import msgspec

from arqonbus.config.settings import Auth, Settings
from arqonbus.protocol.frames import text_frame
from arqonbus.testing.ledger import Ledger
from arqonbus.testing.line import Line
from arqonbus.testing.plan import ACTIONS, Plan
from arqonbus.testing.post import Post
from arqonbus.testing.promises import Keeping
from arqonbus.testing.visit import Visit

__all__ = ["Stage", "plain_plan"]


def plain_plan(order: str = "random") -> Plan:
    """Default settings, one channel, one client that is known as ada and one that is not."""
    settings = Settings(auth=Auth(keys={"ada": "key of ada"}, anonymous=True))
    return Plan(1, settings, (("r", "c"),), ("ada", ""), 10, ACTIONS, order, calm=0.5, high_bytes=4000, drains=False)


class _Session:
    """Stands for a session's ref; takes all."""

    alive = True
    name = "c-1"

    def __init__(self) -> None:
        self.mails: list[Any] = []

    def tell(self, mail: Any, size: int) -> bool:
        self.mails.append(mail)
        return True

    def signal(self, mail: Any) -> bool:
        return True


class Stage:
    """One visit of ada's."""

    def __init__(self) -> None:
        self.ledger = Ledger(lambda: 1000.0, 0.0)
        self.ledger.trace = []
        self.post = Post(self.ledger)
        self.line = Line(1000, False)
        self.session: Any = _Session()
        self.line.session = self.session
        self.visit = Visit("ada", "ada", self.line, self.ledger, self.post, Keeping(1000, True, True))

    def say(self, message: dict[str, Any]) -> None:
        """Let the server say something, and the client read it."""
        self.line.write(text_frame(msgspec.json.encode(message)), ())
        self.visit.read(1)

    def answer(self, message_id: str | None, result: dict[str, Any] | None = None, code: str | None = None) -> None:
        outcome = (
            {"status": "ok", "result": result or {}} if code is None else {"status": "error", "error": {"code": code}}
        )
        self.say({"type": "response", "request_id": message_id, **outcome})

    def sent(self) -> list[Any]:
        """Envelopes that the client sent, or refusals where they are none."""
        return [getattr(mail, "envelope", mail) for mail in self.session.mails]

    @property
    def rules(self) -> list[str]:
        return [broken.partition(":")[0] for broken in self.ledger.broken]
