"""Link: one session after the other, each over a socket of its own. Says when to dial, and when to give up. Pure.

    IDLE ─start─▶ DIALLING ─opened─▶ GREETING ─answer to connect─▶ UP
                     ▲  └──failed──▶ WAITING ◀────lost, closed──────┘
                     └──────────────────┘          OVER ◀── from everywhere, for ever

Rules R1 to R17 and R28 of docs/sdk-spec.md.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from arqonbus.client import backoff
from arqonbus.client.codec import ErrorIn, Outgoing, ResponseIn, write
from arqonbus.client.codes import after_close, error_of, error_of_close
from arqonbus.client.errors import CannotConnect, ClientError, Unauthorized
from arqonbus.client.link_owner import LinkOwner, LinkSettings
from arqonbus.client.liveness import Liveness
from arqonbus.client.results import Connected
from arqonbus.client.state import Cause, Dial, Effect, HangUp, State, StateChange, TokenReason
from arqonbus.client.timers import Timers
from arqonbus.protocol import codes

__all__ = ["Link"]

DRAIN_GRACE_S: Final = 1.0
"""Past the deadline of a drain: then the server has forgotten to close."""

CONNECT_ID: Final = "connect"


class _Phase(Enum):
    IDLE = "idle"
    DIALLING = "dialling"
    GREETING = "greeting"
    UP = "up"
    WAITING = "waiting"
    OVER = "over"


class Link:
    """The sessions of one bus.

    Args:
        settings: bounds
        owner: is told what happens
        timers: of the bus
        random: for delays
    """

    def __init__(self, settings: LinkSettings, owner: LinkOwner, timers: Timers, random: backoff.Random) -> None:
        self._settings = settings
        self._owner = owner
        self._timers = timers
        self._random = random
        self._phase = _Phase.IDLE
        self.effects: list[Effect] = []  # for the driver, in order
        self.number = 0  # of the last dial; what older ones say is ignored
        self.attempt = 0  # dials since the last stable session
        self.state: State = "idle"
        self.is_draining = False  # the user wants the end
        self.error: ClientError | None = None  # that ended it, or that the last dial ended with
        self.welcome: Connected | None = None  # of the last session
        self.greeting: bytes | None = None  # the frame to be sent before all others
        self._token: str | None = None
        self._reason: TokenReason = "first"
        self._was_rejected = False  # the last token was; a second one in a row is the end
        self._refusal: ErrorIn | None = None  # what the server said before it closed
        self._spread_s: float | None = None  # of a drain of the server on this connection
        self.liveness = Liveness(timers, self._silent)

    @property
    def is_up(self) -> bool:
        """Whether a session stands."""
        return self._phase is _Phase.UP

    @property
    def is_over(self) -> bool:
        """Whether no session will come any more."""
        return self._phase is _Phase.OVER

    # --- dialling ---------------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Begin with the first dial; without effect after that."""
        if self._phase is _Phase.IDLE:
            self._dial(now)
            self._change("connecting", "user")

    def _dial(self, now: float) -> None:
        self._phase = _Phase.DIALLING
        self.number += 1
        self._refusal, self._spread_s = None, None
        self.effects.append(Dial(self.number, self._reason))
        self._timers.set("dial", now + self._settings.dial_timeout_s, self._timed_out)

    def opened(self, number: int, token: str | None, now: float) -> None:
        """The socket of a dial is open: greet."""
        if number != self.number or self._phase is not _Phase.DIALLING:
            self.effects.append(HangUp(number, codes.NORMAL))
            return
        if self._reason == "rejected" and token == self._token:
            self._end(Unauthorized("the token function gave the token again that was rejected"), "refused")
            return
        self._token = token
        self._phase = _Phase.GREETING
        args = self._owner.connect_args()
        if token is not None:
            args["token"] = token
        if self.welcome is not None and self.welcome.ticket is not None:
            args.setdefault("resume", {})["ticket"] = self.welcome.ticket
        self.greeting = write(Outgoing("command", CONNECT_ID, command="connect", args=args))

    def dial_failed(self, number: int, error: Exception, now: float) -> None:
        """A dial led to no socket, or to no token."""
        if number != self.number or self._phase is not _Phase.DIALLING:
            return
        if isinstance(error, Unauthorized):
            self._end(error, "refused")
            return
        failure = error if isinstance(error, CannotConnect) else CannotConnect(_words(error))
        failure.__cause__ = failure.__cause__ or (None if failure is error else error)
        self._failed(failure, now)

    def _timed_out(self, now: float) -> None:
        self.effects.append(HangUp(self.number, None))
        self._failed(CannotConnect(f"no session within {self._settings.dial_timeout_s:g} s of the dial"), now)

    def _failed(self, error: CannotConnect, now: float, *, least_s: float = 0.0) -> None:
        self.error = error
        delay_s = max(least_s, backoff.delay_s(self.attempt, self._random))
        self._wait(delay_s, "dial_failed", now, reason=error.message)

    def _wait(self, delay_s: float, cause: Cause, now: float, *, code: int | None = None, reason: str = "") -> None:
        self._leave_phase(now)
        self._phase = _Phase.WAITING
        self.attempt += 1
        self._timers.set("retry", now + delay_s, self._dial)
        self._change("reconnecting", cause, code=code, reason=reason, retry_in_s=delay_s)

    def _leave_phase(self, now: float) -> None:
        was_up, self._phase = self.is_up, _Phase.WAITING
        self.greeting = None
        self.liveness.stop()
        for name in ("dial", "stable", "drain_over", "retry"):
            self._timers.cancel(name)
        if was_up:
            self._owner.down(now)

    # --- the greeting -----------------------------------------------------------------------------------------------

    def is_answer(self, response: ResponseIn) -> bool:
        """Whether this is what the greeting waits for."""
        return self._phase is _Phase.GREETING and response.request_id == CONNECT_ID

    def answered(self, response: ResponseIn, now: float) -> None:
        """Take in the answer to `connect`."""
        if response.error is not None:
            self._refused(response.error, now)
            return
        welcome = msgspec.json.decode(response.result, type=Connected)
        before, self.welcome = self.welcome, welcome
        kept = before is not None and before.client == welcome.client
        known = kept or (before is not None and welcome.user is not None and before.user == welcome.user)
        self._phase = _Phase.UP
        self._was_rejected, self._reason, self.error = False, "reconnect", None
        self._timers.cancel("dial")
        self._timers.set("stable", now + backoff.STABLE_S, self._stable)
        self.liveness.start(welcome.heartbeat_s, now)
        self._change("connected", "resumed" if kept else "opened", resumed=kept)
        self._owner.up(welcome, kept=kept, known=known, now=now)

    def _refused(self, error: ErrorIn, now: float) -> None:
        if error.code in ("unauthenticated", "forbidden"):
            code = codes.UNAUTHENTICATED if error.code == "unauthenticated" else codes.FORBIDDEN
            self._refusal = error
            self.effects.append(HangUp(self.number, codes.NORMAL))
            self._closed(code, error.message, "refused", now)
            return
        failure = error_of(error.code, error.message, retryable=error.retryable, details=error.details)
        if not error.retryable:
            self._end(failure, "refused")
            return
        self.effects.append(HangUp(self.number, codes.NORMAL))
        cannot = CannotConnect(error.message)
        cannot.__cause__ = failure
        self._failed(cannot, now, least_s=float((error.details or {}).get("retry_after_ms", 0)) / 1000)

    def refused(self, error: ErrorIn) -> None:
        """Keep what the server says before it closes."""
        self._refusal = error

    # --- the session ------------------------------------------------------------------------------------------------

    def _stable(self, now: float) -> None:
        self.attempt = 0

    def _silent(self, now: float) -> None:
        silence_s = now - self.liveness.heard_at
        self.effects.append(HangUp(self.number, None))
        self._closed(codes.NO_CLOSE_FRAME, f"nothing came for {silence_s:.0f} s", "silent", now)

    def draining(self, deadline_s: float, spread_s: float, now: float) -> None:
        """The server says that it goes."""
        self._spread_s = spread_s
        self._timers.set("drain_over", now + deadline_s + DRAIN_GRACE_S, self._drain_over)

    def _drain_over(self, now: float) -> None:
        self.effects.append(HangUp(self.number, None))
        self._closed(codes.DRAIN_OVER, "the drain is over", "lost", now)

    # --- the end of a session ---------------------------------------------------------------------------------------

    def ended(self, number: int, code: int, reason: str, now: float) -> None:
        """The socket of a dial is closed."""
        if number == self.number and self._phase in (_Phase.GREETING, _Phase.UP):
            cause: Cause = "lost" if code == codes.NO_CLOSE_FRAME else "closed_by_server"
            self._closed(code, reason, cause, now)

    def _closed(self, code: int, reason: str, cause: Cause, now: float) -> None:
        was_greeting = self._phase is _Phase.GREETING
        what = after_close(code)
        has_function = self._settings.has_token_function
        if what == "new_token" and has_function:
            self._reason, what = "expired", "at_once"
        elif what == "other_token" and has_function and not self._was_rejected:
            self._was_rejected = True
            self._reason, what = "rejected", "at_once"
        if what not in ("at_once", "back_off"):
            self._leave_phase(now)
            said = self._refusal.message if self._refusal is not None else reason
            self._end(error_of_close(code, said), cause, code=code, reason=reason)
            return
        if was_greeting:
            self.error = CannotConnect(f"the connection ended with {code} before the session began: {reason}")
        delay_s = self._delay_at_once() if what == "at_once" else backoff.delay_s(self.attempt, self._random)
        self._wait(delay_s, cause, now, code=code, reason=reason)

    def _delay_at_once(self) -> float:
        if self.attempt:
            return backoff.delay_s(self.attempt, self._random)
        return self._random.random() * (self._spread_s or 0.0)

    # --- the end ----------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Note that the user wants the end; sessions come and go until `close`."""
        if not self.is_over and not self.is_draining:
            self.is_draining = True
            self._change("draining", "user")

    def close(self, now: float) -> None:
        """End, as the user wants."""
        if self.is_over:
            return
        if self._phase is not _Phase.IDLE:
            self.effects.append(HangUp(self.number, codes.NORMAL))
        self._leave_phase(now)
        self._end(None, "user")

    def _end(self, error: ClientError | None, cause: Cause, *, code: int | None = None, reason: str = "") -> None:
        if self._phase is _Phase.DIALLING or self._phase is _Phase.GREETING:
            self.effects.append(HangUp(self.number, codes.NORMAL))
        self._phase = _Phase.OVER
        self.error = error
        self.greeting = None
        self._timers.clear()
        self._change("closed", cause, code=code, reason=reason)
        self._owner.over(error)

    def _change(
        self,
        after: State,
        cause: Cause,
        *,
        code: int | None = None,
        reason: str = "",
        retry_in_s: float | None = None,
        resumed: bool = False,
    ) -> None:
        if self.is_draining and after != "closed":
            after = "draining"
        before, self.state = self.state, after
        if before != after or after == "reconnecting":
            change = StateChange(before, after, cause, self.attempt, code, reason, retry_in_s, resumed, self.error)
            self._owner.changed(change)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
