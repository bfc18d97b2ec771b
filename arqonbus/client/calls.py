"""Calls: who waits for which answer, and until when. Pure; rules R20, R26, R44 and R45 of docs/sdk-spec.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct

from arqonbus.client.codec import ErrorIn, PrivateIn, ResponseIn
from arqonbus.client.codes import error_of
from arqonbus.client.errors import ClientError, NoResponder

__all__ = ["Answer", "Call", "Calls", "Settle"]

Answer: TypeAlias = Raw | PrivateIn | ClientError
"""What a call comes to: a result as it came, the reply to a request, or an error."""

Settle: TypeAlias = Callable[[Answer, float], None]
"""Takes the answer of a call, and when it came; called once."""


class Call(Struct, eq=False):
    """One call that waits."""

    id: str
    settle: Settle
    what: str  # for errors: a command, or an address
    is_request: bool = False  # True: waits for a private message, and its ack says only that it is under way


class _Delivered(Struct):
    delivered: int | None = None
    absent: tuple[str, ...] = ()


class Calls:
    """All calls of one bus, by the id of the message."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, id: str) -> bool:
        return id in self._calls

    def add(self, call: Call) -> None:
        """Note a call. Raises ValueError: one with the same id waits."""
        if call.id in self._calls:
            raise ValueError(f"a message with the id {call.id!r} waits for its answer already")
        self._calls[call.id] = call

    def answered(self, response: ResponseIn, now: float) -> bool:
        """Settle the call that the response answers. False: nobody waits for it."""
        call = self._calls.get(response.request_id or "")
        if call is None:
            return False
        if response.error is not None:
            self._settle(call, _error(call, response.error), now)
        elif not call.is_request:
            self._settle(call, response.result, now)
        elif (error := _nobody(call, response.result)) is not None:
            self._settle(call, error, now)
        return True

    def replied(self, frame: PrivateIn, now: float) -> bool:
        """Settle the request that the private message answers. False: it answers none of ours."""
        call = self._calls.get(frame.reply_to or "")
        if call is None or not call.is_request:
            return False
        self._settle(call, frame, now)
        return True

    def fail(self, id: str, error: ClientError, now: float) -> bool:
        """Settle a call with an error. False: there is none of that id."""
        call = self._calls.get(id)
        if call is not None:
            self._settle(call, error, now)
        return call is not None

    def forget(self, id: str) -> None:
        """Its caller does not wait any more."""
        self._calls.pop(id, None)

    def requests(self) -> list[Call]:
        """Give the requests that wait."""
        return [call for call in self._calls.values() if call.is_request]

    def what(self, id: str) -> str:
        """Say what a call is about, for errors."""
        call = self._calls.get(id)
        return call.what if call is not None else id

    def clear(self) -> list[Call]:
        """Give all, and forget them."""
        left = list(self._calls.values())
        self._calls.clear()
        return left

    def _settle(self, call: Call, answer: Answer, now: float) -> None:
        del self._calls[call.id]
        call.settle(answer, now)


def _error(call: Call, error: ErrorIn) -> ClientError:
    if call.is_request and error.code == "not_found":
        return NoResponder(f"{call.what} does not exist: {error.message}")
    return error_of(error.code, error.message, retryable=error.retryable, details=error.details)


def _nobody(call: Call, result: Raw) -> ClientError | None:
    """Say that a request reached nobody, if its ack tells."""
    ack = msgspec.json.decode(result, type=_Delivered)
    if ack.absent or ack.delivered == 0:
        return NoResponder(f"nobody is there to answer at {call.what}")
    return None
