"""States of a bus and their changes, and what the core asks its driver to do. Data only; rules R1 and R2."""

from typing import Literal, TypeAlias

from msgspec import Struct

from arqonbus.client.errors import ClientError

__all__ = ["Cause", "Dial", "Effect", "HangUp", "State", "StateChange", "TokenReason"]

State: TypeAlias = Literal["idle", "connecting", "connected", "reconnecting", "draining", "closed"]

Cause: TypeAlias = Literal["user", "opened", "resumed", "dial_failed", "lost", "closed_by_server", "silent", "refused"]
"""Why a state changed: the user wanted it, a session began (anew or continued), a dial failed, the connection broke,
the server closed it, nothing came for too long, the server refused the client."""

TokenReason: TypeAlias = Literal["first", "reconnect", "expired", "rejected"]
"""Why a token is asked for."""


class StateChange(Struct, frozen=True):
    """One step of a bus."""

    before: State
    after: State
    cause: Cause
    attempt: int = 0  # dials since the last stable session
    code: int | None = None  # of the close, if there was one
    reason: str = ""  # of the close, or what went wrong
    retry_in_s: float | None = None  # until the next dial, if one is planned
    resumed: bool = False  # True: the client id was kept
    error: ClientError | None = None  # with which the bus ended, or its last dial


class Dial(Struct, frozen=True):
    """Get a token and open a socket; then call `opened` or `dial_failed` with the number."""

    number: int
    reason: TokenReason


class HangUp(Struct, frozen=True):
    """Close the socket of that dial, or give the dial up."""

    number: int
    code: int | None  # of the close frame; None: cut it, without a closing handshake


Effect: TypeAlias = Dial | HangUp
