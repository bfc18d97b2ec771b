"""Sending: what goes out and who waits for the answer: ids, outbox, calls, deadlines. Pure; rules R18 to R27."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any, Literal, TypeAlias

from msgspec import Raw, Struct

from arqonbus.client.calls import Answer, Call, Calls, Settle
from arqonbus.client.codec import Outgoing, PrivateIn, ResponseIn, write
from arqonbus.client.codes import error_of
from arqonbus.client.errors import ClientError, Expired, InvalidRequest, OutboxFull, OutcomeUnknown
from arqonbus.client.outbox import AfterLoss, Item, Outbox
from arqonbus.client.timers import Timers

__all__ = ["Sending", "Terms", "WhenOffline"]

WhenOffline: TypeAlias = Literal["queue", "reject", "drop"]
"""What becomes of a message while the bus is away."""


class Terms(Struct, frozen=True):
    """How a message is to be sent."""

    timeout_s: float = 10.0  # for the answer, where one is waited for
    when_offline: WhenOffline = "queue"
    after_loss: AfterLoss = "if_known"  # where an answer is waited for
    is_request: bool = False


class Sending:
    """The way out of one bus.

    Args:
        outbox: empty
        ttl_s: that a message may wait to be sent
        timers: of the bus
        id_prefix: of message ids, unlike that of every other bus
        report: told of errors that no caller waits for
        room: called when there may be room again
    """

    def __init__(
        self,
        outbox: Outbox,
        ttl_s: float,
        timers: Timers,
        id_prefix: str,
        report: Callable[[ClientError], None],
        room: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._ttl_s = ttl_s
        self._timers = timers
        self._report = report
        self._room = room
        self._ids = (f"{id_prefix}-{_base36(n)}" for n in count(1))
        self._calls = Calls()
        self._first: list[Item] | None = None  # the SDK's own messages of a session that begins
        self.max_message_bytes: int | None = None  # of the server; None: not known yet
        self.expired = 0  # messages that waited too long

    def new_id(self) -> str:
        """Make an id for a message."""
        return next(self._ids)

    @property
    def has_work(self) -> bool:
        """Whether something waits to be sent or to be answered."""
        return not self._outbox.is_empty or len(self._calls) > 0

    @property
    def depth(self) -> tuple[int, int]:
        """How much waits or is not answered: messages, bytes of text."""
        return self._outbox.messages, self._outbox.bytes

    @property
    def is_flushed(self) -> bool:
        """Whether nothing waits to be sent, and no event to be acknowledged."""
        return self._outbox.is_empty and not self._outbox.has_waiting

    def fits(self, size: int) -> bool:
        """Whether a message of so many bytes may be sent now."""
        return self._outbox.fits(size)

    # --- messages ---------------------------------------------------------------------------------------------------

    def send(self, envelope: Outgoing, text: bytes, terms: Terms, now: float, settle: Settle | None = None) -> None:
        """Put a message into the outbox.

        Args:
            envelope: with an id
            text: of it
            terms: how
            now: monotonic seconds
            settle: takes the answer; None: nobody waits for one

        Raises:
            OutboxFull: it is not taken
            InvalidRequest: it is larger than the server takes
        """
        if self.max_message_bytes is not None and len(text) > self.max_message_bytes:
            raise _too_large(len(text), self.max_message_bytes)
        if not self._outbox.fits(len(text)):
            held = f"{self._outbox.messages} messages, {self._outbox.bytes} bytes"
            raise OutboxFull(f"the outbox holds {held}; {len(text)} bytes more do not fit")
        ttl_s, after_loss = self._ttl_s, terms.after_loss
        if settle is None:
            after_loss = "forget"
        else:
            self._calls.add(Call(envelope.id, settle, _what(envelope), terms.is_request))
            self._timers.set(("call", envelope.id), now + terms.timeout_s, partial(self._deadline, envelope.id))
            ttl_s = max(ttl_s, terms.timeout_s)  # its own deadline is what counts
        is_awaited = settle is not None
        self._outbox.put(Item(envelope.id, text, expires_at=now + ttl_s, answered=is_awaited, after_loss=after_loss))
        if "outbox" not in self._timers:
            self._timers.set("outbox", now + ttl_s, self._expire)

    def ask(self, command: str, args: Mapping[str, Any], then: Callable[[Any, float], None], now: float) -> None:
        """Run a command for the SDK itself; its answer is lost with the connection."""
        id = self.new_id()
        item = Item(id, write(Outgoing("command", id, command=command, args=args)), answered=True, counted=False)
        self._calls.add(Call(id, partial(_pass_on, then), command))
        if self._first is None:
            self._outbox.put(item)
        else:
            self._first.append(item)

    def next_text(self, now: float) -> bytes | None:
        """Give the next frame to be written; None: none now."""
        while (item := self._outbox.pop()) is not None:
            if self.max_message_bytes is None or len(item.text) <= self.max_message_bytes:
                if not item.answered:
                    self._room()
                return item.text
            self._outbox.refuse(item)
            self._fail(item.id, _too_large(len(item.text), self.max_message_bytes), now)
        return None

    def withdraw(self, id: str) -> None:
        """The caller does not wait any more; what was not sent is not sent."""
        self._timers.cancel(("call", id))
        self._calls.forget(id)
        self._outbox.withdraw(id)
        self._room()

    def _deadline(self, id: str, now: float) -> None:
        what = self._calls.what(id)
        was_sent = self._outbox.withdraw(id)
        self._calls.fail(id, _unknown(what) if was_sent else Expired(f"{what} was not sent in time"), now)
        self._room()

    def _expire(self, now: float) -> None:
        for item in self._outbox.expire(now):
            self.expired += 1
            self._fail(item.id, Expired(f"message {item.id} waited too long and was not sent"), now)
        self._room()
        if (at := self._outbox.next_expiry) is not None:
            self._timers.set("outbox", at, self._expire)

    def _fail(self, id: str, error: ClientError, now: float) -> None:
        self._timers.cancel(("call", id))
        if not self._calls.fail(id, error, now):
            self._report(error)

    # --- answers ----------------------------------------------------------------------------------------------------

    def answered(self, response: ResponseIn, now: float) -> None:
        """Give an answer to its call; a refusal that nobody waits for is reported."""
        id = response.request_id or ""
        self._outbox.answered(id)
        if self._calls.answered(response, now):
            if id not in self._calls:
                self._timers.cancel(("call", id))
        elif response.error is not None:
            error = response.error
            refused = error_of(error.code, error.message, retryable=error.retryable, details=error.details)
            refused.add_note(f"message {response.request_id}")
            self._report(refused)
        self._room()

    def replied(self, frame: PrivateIn, now: float) -> bool:
        """Give a reply to the request that waits for it. False: none does."""
        if frame.reply_to is None or not self._calls.replied(frame, now):
            return False
        self._timers.cancel(("call", frame.reply_to))
        return True

    # --- over a reconnect -------------------------------------------------------------------------------------------

    def down(self, now: float) -> None:
        """The connection is lost: give up what cannot be asked again."""
        for item in self._outbox.lost():
            self._fail(item.id, _unknown(self._calls.what(item.id)), now)

    def rewind(self, *, kept: bool, known: bool, now: float) -> None:
        """A session began: have what was not answered sent again, give up what could be done twice.

        From here to `begin`, what the SDK asks for itself goes before all of that.

        Args:
            kept: the client id is as before
            known: the server can know repeats
            now: monotonic seconds
        """
        for item in self._outbox.rewind(known=known):
            self._fail(item.id, _unknown(self._calls.what(item.id)), now)
        for call in () if kept else self._calls.requests():
            if not self._outbox.holds(call.id):
                self._fail(call.id, _unknown(call.what), now)
        self._first = []

    def begin(self) -> None:
        """Let everything go out."""
        self._outbox.put_first(self._first or [])
        self._first = None

    def over(self, error: ClientError) -> None:
        """No session will come: nobody waits any longer."""
        self._outbox.clear()
        for call in self._calls.clear():
            call.settle(error, 0.0)
        self._room()


def _pass_on(then: Callable[[Any, float], None], answer: Answer, now: float) -> None:
    if isinstance(answer, Raw | ClientError):
        then(answer, now)


def _what(envelope: Outgoing) -> str:
    """Name a message for errors."""
    if envelope.command is not None:
        return envelope.command
    place = ":".join(part for part in (envelope.room, envelope.channel) if part)
    return place or f"the {envelope.type} message"


def _unknown(what: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"{what} was sent, but not answered in time or before the connection ended")


def _too_large(size: int, limit: int) -> InvalidRequest:
    return InvalidRequest(f"the message has {size} bytes, the server takes {limit}", code="too_large")


def _base36(n: int) -> str:
    digits = ""
    while n:
        n, digit = divmod(n, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits
