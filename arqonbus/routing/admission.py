"""Admission: who a client is, by what it shows, and what it is told at the door. Pure.

The session asks at two moments: at its start, with what the handshake held, and at a first command ``connect``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Raw, Struct

from arqonbus.errors import Unauthenticated
from arqonbus.protocol.codec import decode_args
from arqonbus.protocol.payloads import (
    ConnectArgs,
    ConnectResult,
    Limits,
    Profile,
    Resumed,
    Welcome,
    merge_profile,
)
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.socket import Hello
from arqonbus.routing.will import WillRules
from arqonbus.security.gate import Identity
from arqonbus.security.tickets import Tickets

__all__ = ["Admission", "first_profile"]

MAX_NAME = 128  # characters of a profile's short texts, as protocol.shapes.Profile has it


class Admission(Struct, frozen=True):
    """The rules of the door, and what stands on it."""

    user_of: Callable[[str], str | None]  # key -> user, None: unknown key
    anonymous: bool  # clients without a key are welcome
    timeout_s: float  # that a client without credentials has to send connect
    server: str  # name of this server
    version: str  # of the protocol
    heartbeat_s: float
    max_message_bytes: int
    tickets: Tickets
    wills: WillRules

    def identify(self, client: str, token: str | None) -> Identity:
        """Say who a client is.

        Args:
            client: the id of its connection.
            token: what it shows; None: nothing.

        Raises:
            Unauthenticated: nobody's token, or none where one is needed.
        """
        if token is None:
            if not self.anonymous:
                raise Unauthenticated("expected a token, got none - at `$.args.token`")
            return Identity(client, None, True)
        user = self.user_of(token)
        if user is None:
            raise Unauthenticated("the token is not valid")
        return Identity(client, user, False)

    def admit(self, card: ClientCard, args: Raw, *, is_open: bool) -> ConnectArgs:
        """Read ``connect`` and write on the card who the client is, what it says of itself, and its will.

        Args:
            card: of the client; unchanged where the connect is refused.
            args: of connect.
            is_open: the client is let in already; a connect without a token changes nothing about that.

        Raises:
            Unauthenticated: see identify.
            Refusal: InvalidArgs, or what is wrong about the will.
        """
        read = decode_args(args, ConnectArgs)
        identity = card.identity
        if read.token is not None or not is_open:
            identity = self.identify(identity.client, read.token)
        will = None if read.will is None else self.wills.read(read.will, identity)
        card.identity = identity
        card.will = will
        if read.profile is not None:
            card.profile = merge_profile(card.profile, read.profile)
        return read

    def welcome(self, card: ClientCard) -> Welcome:
        """Make the payload of the event ``welcome``."""
        return Welcome(
            client=card.client,
            server=self.server,
            version=self.version,
            heartbeat_s=self.heartbeat_s,
            limits=Limits(self.max_message_bytes),
            user=card.identity.user,
            ticket=self.tickets.issue(card.client),
        )

    def connected(self, card: ClientCard, resumed: Iterable[Resumed] = ()) -> ConnectResult:
        """Make the result of ``connect``: the welcome, and what became of the channels to be resumed."""
        welcome = msgspec.structs.asdict(self.welcome(card))
        return ConnectResult(**welcome, resumed=tuple(resumed), debug=card.is_debugged)


def first_profile(hello: Hello) -> Profile:
    """Make the profile that the query of the handshake gives."""
    return Profile(_short(hello.client_type), _short(hello.screen_name))


def _short(text: str | None) -> str | None:
    return text[:MAX_NAME] if text else None
