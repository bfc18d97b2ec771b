"""Buses with one fault each, by subclass: the real actors, with a hand between them and their mail or their store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Raw, json
from msgspec.structs import astuple, replace

from arqonbus.actor import Context
from arqonbus.errors import StorageError
from arqonbus.protocol.codes import NORMAL, REPLACED
from arqonbus.protocol.frames import text_frame
from arqonbus.routing.mail import (
    Answer,
    Deliver,
    Drain,
    GraceOver,
    Joined,
    LetGo,
    Lost,
    Receipt,
    Request,
    SessionMail,
    TookOver,
)
from arqonbus.routing.session import Session
from arqonbus.routing.socket import Hello, Socket
from arqonbus.storage.history import History, Log, Page, Retention
from arqonbus.storage.recent import Recent
from arqonbus.testing.line import frames_of
from arqonbus.testing.simulation import SimulatedBus

__all__ = ["MUTANTS"]

NTH = 5  # event delivery, or answer, of a run that goes wrong: early enough for short runs

Change = Callable[[Iterator[SessionMail]], Iterator[SessionMail]]


def is_event(mail: SessionMail) -> bool:
    return type(mail) is Deliver and b'"type":"event"' in mail.texts[0]


class TouchedSession(Session):
    """A session whose mail passes through ``change`` first."""

    __slots__ = ("_change",)

    def __init__(self, change: Change, *args: Any) -> None:
        super().__init__(*args)
        self._change = change

    def turn(self, batch: Iterator[SessionMail], ctx: Context[SessionMail]) -> None:
        super().turn(self._change(batch), ctx)


class MailBus(SimulatedBus):
    """Base of those that touch mail: counts what is touched over the whole run."""

    n_seen = 0

    def make_session(self, client: str, socket: Socket, hello: Hello) -> Session:
        return TouchedSession(self.change, self._session_setup, client, socket, hello)

    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        raise NotImplementedError

    def is_due(self, mail: SessionMail) -> bool:
        self.n_seen += is_event(mail)
        return is_event(mail) and self.n_seen == NTH


class DropsOneMail(MailBus):
    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        return (mail for mail in batch if not self.is_due(mail))


class SwapsTwoDeliveries(MailBus):
    """The fifth event delivery waits for the next one of the same session, in whatever turn that comes."""

    def make_session(self, client: str, socket: Socket, hello: Hello) -> Session:
        kept: list[SessionMail] = []
        return TouchedSession(lambda batch: self.swap(batch, kept), self._session_setup, client, socket, hello)

    def swap(self, batch: Iterator[SessionMail], kept: list[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            if self.is_due(mail):
                kept.append(mail)
                continue
            yield mail
            if kept and is_event(mail):
                yield kept.pop()


class ReplaysOneTwice(MailBus):
    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            yield mail
            if self.is_due(mail):
                yield mail


class AnswersTwice(MailBus):
    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            yield mail
            self.n_seen += type(mail) is Receipt
            if type(mail) is Receipt and self.n_seen == NTH:
                yield mail


class ForgetsAnAnswer(MailBus):
    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            self.n_seen += type(mail) is Answer
            if type(mail) is not Answer or self.n_seen != 1:
                yield mail


class SwallowingSocket:
    """Passes everything on but gaps."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    def write(self, chunk: bytes, texts: Sequence[bytes]) -> bool:
        kept = [text for text in frames_of(chunk) if b'"event":"gap"' not in text]
        return self._socket.write(b"".join([text_frame(text) for text in kept]), kept)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class DropsInSilence(SimulatedBus):
    def make_session(self, client: str, socket: Socket, hello: Hello) -> Session:
        return super().make_session(client, SwallowingSocket(socket), hello)


class ConflatesAll(MailBus):
    """Every membership bears all but the newest event, whatever the join said."""

    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        return (replace(mail, overflow="conflate") if type(mail) is Joined else mail for mail in batch)


class TouchedLog:
    """A log that passes everything on; the base of those that lie."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


class TouchedHistory:
    """A history whose logs pass through ``touch``."""

    def __init__(self, history: History, touch: Callable[[Log], Any]) -> None:
        self._history = history
        self._touch = touch

    def open(self, room: str, channel: str, retention: Retention, note: bytes = b"") -> Log:
        log: Log = self._touch(self._history.open(room, channel, retention, note))
        return log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._history, name)


class StoreBus(SimulatedBus):
    """Base of those that touch the store."""

    touch: Callable[[Log], Any]

    def wrap_history(self, history: History) -> History:
        touched: Any = TouchedHistory(history, type(self).touch)
        return touched  # type: ignore[no-any-return] # History by its __getattr__


class BoastingLog(TouchedLog):
    """Says that it stored what it did not."""

    def append(self, texts: Sequence[bytes]) -> int:
        try:
            return self._log.append(texts)
        except StorageError:
            return self._log.top + len(texts)


class AcknowledgesBeforeStoring(StoreBus):
    touch = BoastingLog


class SkippingLog(TouchedLog):
    """Counts one seq too many once it has three events."""

    @property
    def top(self) -> int:
        return self._log.top + (self._log.top >= 3)


class SkipsASeq(StoreBus):
    touch = SkippingLog


class ForgetfulLog(TouchedLog):
    """Knows no id for longer than a turn or so."""

    @property
    def recent(self) -> Recent:
        return Recent(0.0, 0)


class ForgetsIds(StoreBus):
    touch = ForgetfulLog


class TruncatingLog(TouchedLog):
    """Loses the newest event of what it reads, once that is four or more."""

    def read(self, **bounds: Any) -> Page:
        page = self._log.read(**bounds)
        if len(page.events) < 4:
            return page
        return Page(page.events[1:] if bounds.get("newest_first") else page.events[:-1], *astuple(page)[1:])


class ReplaysTooLittle(StoreBus):
    touch = TruncatingLog


class StickyHistory(TouchedHistory):
    """Gives a channel that was deleted its old log again."""

    def delete(self, room: str, channel: str) -> None:
        """Do nothing."""


class KeepsWhatWasDeleted(SimulatedBus):
    def wrap_history(self, history: History) -> History:
        sticky: Any = StickyHistory(history, lambda log: log)
        return sticky  # type: ignore[no-any-return] # History by its __getattr__


class LingeringSession(Session):
    """A session that does not hear that its connection was cut."""

    __slots__ = ()

    def turn(self, batch: Iterator[SessionMail], ctx: Context[SessionMail]) -> None:
        super().turn((mail for mail in batch if type(mail) is not Lost or mail.code == NORMAL), ctx)


class KeepsLostSessions(SimulatedBus):
    def make_session(self, client: str, socket: Socket, hello: Hello) -> Session:
        return LingeringSession(self._session_setup, client, socket, hello)


class ForgetsAMembership(MailBus):
    """A connection that continues another is not told of the last thing that this one was in."""

    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        return (
            replace(mail, memberships=mail.memberships[:-1]) if isinstance(mail, TookOver) else mail for mail in batch
        )


class KnowsNoTicket(MailBus):
    """Whoever comes back is somebody new, and who it was is let go."""

    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            if isinstance(mail, TookOver) and mail.old is not None:
                mail.old.signal(LetGo())
                yield TookOver(None)
            else:
                yield mail


class LetsGoTooEarly(MailBus):
    """Who was replaced goes before the other connection is in its channels: for a moment the client is lost."""

    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            if isinstance(mail, TookOver) and mail.old is not None:
                mail.old.signal(LetGo())
            yield mail


def is_rejoin(mail: SessionMail) -> bool:
    return isinstance(mail, Joined) and mail.request_id == f"{mail.room}:{mail.channel}"


class DropsAReplay(MailBus):
    """Who comes back is told that all was recovered, and gets nothing of it."""

    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            yield replace(mail, replay=None) if isinstance(mail, Joined) and is_rejoin(mail) else mail


class ReplaysTwiceOver(MailBus):
    """Who comes back gets what it missed two times."""

    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            yield mail
            if isinstance(mail, Joined) and is_rejoin(mail) and mail.replay is not None:
                yield mail.replay


class DeafSocket:
    """A socket that is not closed for another connection's sake."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    def close(self, code: int, reason: str) -> None:
        if code != REPLACED:
            self._socket.close(code, reason)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class DoesNotTellTheReplaced(SimulatedBus):
    def make_session(self, client: str, socket: Socket, hello: Hello) -> Session:
        deaf: Any = DeafSocket(socket)
        return super().make_session(client, deaf, hello)


class GraspingSession(Session):
    """A session that leaves all channels when it is let go, in the name of the client that another one has now."""

    __slots__ = ()

    def turn(self, batch: Iterator[SessionMail], ctx: Context[SessionMail]) -> None:
        super().turn(self.grasp(batch), ctx)

    def grasp(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            if isinstance(mail, LetGo):
                for room, channel in self._memberships:
                    args = Raw(json.encode({"room": room, "channel": channel}))
                    self._setup.registry.tell_past_bound(Request(self._card, None, "leave_channel", args, ()))
            yield mail


class LetsALateEndHurt(SimulatedBus):
    def make_session(self, client: str, socket: Socket, hello: Hello) -> Session:
        return GraspingSession(self._session_setup, client, socket, hello)


class HastySession(Session):
    """A session that does not hold back what comes before the answer to its connect."""

    __slots__ = ()

    def flush(self, ctx: Context[SessionMail]) -> None:
        self._outbox.cork_at = None
        super().flush(ctx)


class AnswersTooLate(SimulatedBus):
    def make_session(self, client: str, socket: Socket, hello: Hello) -> Session:
        return HastySession(self._session_setup, client, socket, hello)


class ForgetsOneInTheDrain(MailBus):
    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            self.n_seen += type(mail) is Drain
            if type(mail) is not Drain or self.n_seen != 1:
                yield mail


class TellsOfTheDrainTwice(MailBus):
    def change(self, batch: Iterator[SessionMail]) -> Iterator[SessionMail]:
        for mail in batch:
            yield mail
            self.n_seen += type(mail) is Drain
            if type(mail) is Drain and self.n_seen == 1:
                yield mail


class LingeringReplacedSession(Session):
    """A session that is not let go, and does not go by itself."""

    __slots__ = ()

    def turn(self, batch: Iterator[SessionMail], ctx: Context[SessionMail]) -> None:
        super().turn((mail for mail in batch if not isinstance(mail, LetGo | GraceOver)), ctx)


class KeepsReplacedSessions(SimulatedBus):
    def make_session(self, client: str, socket: Socket, hello: Hello) -> Session:
        return LingeringReplacedSession(self._session_setup, client, socket, hello)


MUTANTS: tuple[type[SimulatedBus], ...] = (
    DropsOneMail,
    SwapsTwoDeliveries,
    ReplaysOneTwice,
    AnswersTwice,
    ForgetsAnAnswer,
    AcknowledgesBeforeStoring,
    SkipsASeq,
    ForgetsIds,
    ReplaysTooLittle,
    KeepsWhatWasDeleted,
    KeepsLostSessions,
    DropsInSilence,
    ConflatesAll,
    ForgetsAMembership,
    KnowsNoTicket,
    LetsGoTooEarly,
    DropsAReplay,
    ReplaysTwiceOver,
    DoesNotTellTheReplaced,
    LetsALateEndHurt,
    AnswersTooLate,
    ForgetsOneInTheDrain,
    TellsOfTheDrainTwice,
    KeepsReplacedSessions,
)
