"""Far: the clients of other nodes, as the registry of this one reaches them, and this one's as others reach them.

A client has a feed of its own while it is there, and another one while it is away: who sends to either is told at once
whether anybody has it. So there is no table of who is where.

node of the new session              node of the old session
    ├──claim──────────────────────────▶├──Replaced──────▶ session
    │                                  │   Deputy ◀──TookOver──┤
    │◀──found (all that it was)────────┤                       │ waits
    ├──let_go─────────────────────────▶├──LetGo───────────────▶│ stops
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from msgspec import MsgspecError, Raw

from arqonbus.actor import Context, Props, Ref
from arqonbus.commands.deputy import Deputy, FarSession
from arqonbus.commands.letters import (
    ClaimLetter,
    FoundLetter,
    KickLetter,
    LetGoLetter,
    Letter,
    PrivateLetter,
    read,
    write,
)
from arqonbus.errors import NotFound, Overloaded, Unavailable
from arqonbus.protocol.payloads import Empty, Profile
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.directory import Directory
from arqonbus.routing.fanout import deliver_texts
from arqonbus.routing.mail import (
    Answer,
    ClaimOver,
    ClaimSent,
    HandedOver,
    Kick,
    KickSent,
    LetGo,
    LetGoNow,
    PrivateMail,
    PrivateSent,
    Replaced,
    Request,
    TakeOver,
    TookOver,
)
from arqonbus.security.gate import Identity
from arqonbus.storage.cluster import Cluster, Delivery, ForClient
from arqonbus.telemetry.logs import get_log

__all__ = ["Far", "open_letter"]

AWAY = ".away"  # ends the name of the feed of a client that is away; no client's id has a dot in it
CLAIM_S = 2.0  # for the other node to say what a client was: far longer than it takes where that node is well
LINGER_S = 1.0  # for rooms of other nodes to tell those of this one that a client is there by now: they do each 0.25 s
MOST_UNDER_WAY = 10_000  # messages that Redis has not answered yet; it answers within a second, or not at all

_log = get_log("commands")


def open_letter(data: bytes) -> Letter | None:
    """Read what came from another node; None: it can't be read, which is logged."""
    try:
        return read(data)
    except MsgspecError as error:
        _log.warning("letter_not_read", error=error)
        return None


class Far:
    """Owned by the registry, used in its turns.

    Args:
        cluster: the way to the other nodes.
        directory: of this one.
    """

    __slots__ = ("_claims", "_cluster", "_directory", "_handed", "_n_under_way", "_numbers")

    def __init__(self, cluster: Cluster, directory: Directory) -> None:
        self._cluster = cluster
        self._directory = directory
        self._claims: dict[int, TakeOver] = {}  # of clients of other nodes, by number, that have no answer yet
        self._handed: dict[str, Ref[Any]] = {}  # sessions of clients that went on elsewhere, until they are let go
        self._n_under_way = 0
        self._numbers = count(1)

    # --- the clients of this node -------------------------------------------------------------------------------

    def opened(self, card: ClientCard) -> None:
        """Have what others send to a client brought here, by each id that it can be found by."""
        self._cluster.leave(card.client + AWAY)
        self._cluster.enter(card.client)
        for former in self._directory.ids_of(card.ref):
            if former != card.client:
                self._cluster.leave(former)
                self._cluster.enter(former + AWAY)

    def set_away(self, client: str) -> None:
        """Let a client be absent to others, but for who continues it or sends it away for good."""
        self._cluster.leave(client)
        self._cluster.enter(client + AWAY)

    def gone(self, client: str) -> None:
        """Take nothing more for a client, unless another session of this node has it."""
        if self._directory.to_continue(client) is None:
            self._cluster.leave(client)
            self._cluster.leave(client + AWAY)

    # --- private messages ---------------------------------------------------------------------------------------

    def send_private(
        self,
        mail: PrivateMail,
        copies: dict[str, bytes],
        absent: list[str],
        flight: Any,
        ctx: Context[Any],
    ) -> None:
        """Send copies of a private message to clients that are not known here; PrivateSent follows.

        Raises:
            Overloaded: too many are under way.
        """
        if self._n_under_way >= MOST_UNDER_WAY:
            raise Overloaded("too many messages to clients of other servers wait for Redis")
        self._n_under_way += 1
        asked = tuple(copies)
        letters = [write(PrivateLetter(Raw(text))) for text in copies.values()]
        self._pipe(asked, letters, lambda told: PrivateSent(mail, asked, told, tuple(absent), flight), ctx)

    def settled(self) -> None:
        """Note that one of them is answered."""
        self._n_under_way -= 1

    def why_unknown(self) -> str:
        """Say why it is not known what became of a letter."""
        if self._cluster.state == "up":
            return "Redis did not answer in time"
        return "Redis is away, and clients of other servers with it"

    # --- kick ---------------------------------------------------------------------------------------------------

    def kick(self, request: Request, client: str, reason: str, ctx: Context[Any]) -> None:
        """Send a client of another node away; KickSent follows."""
        letter = write(KickLetter(reason))
        self._pipe((client, client + AWAY), [letter, letter], lambda told: KickSent(request, client, told), ctx)

    def kicked(self, mail: KickSent, ctx: Context[Any]) -> None:
        """Answer who wanted it."""
        client = mail.client
        result: Any = NotFound(f"no client {client!a} - at `$.args.client`")
        if "delivered" in mail.deliveries:
            result = Empty()
        elif "unknown" in mail.deliveries:
            result = Unavailable(f"it is not known whether there is a client {client!a}: {self.why_unknown()}")
        mail.request.card.ref.signal(Answer(mail.request.request_id, result))

    # --- a client that goes on here -----------------------------------------------------------------------------

    def claim(self, mail: TakeOver, ctx: Context[Any]) -> None:
        """Look for the session of a client that another one continues here; TookOver follows, to that one."""
        number = next(self._numbers)
        self._claims[number] = mail
        letter = write(ClaimLetter(mail.client, mail.card.identity.user, self._cluster.node, number))
        feeds = (mail.client, mail.client + AWAY)
        self._pipe(feeds, [letter, letter], lambda told: ClaimSent(number, told), ctx)
        ctx.after(CLAIM_S, ClaimOver(number))

    def claim_sent(self, mail: ClaimSent, ctx: Context[Any]) -> None:
        """Go on without it, if nobody has it."""
        if "delivered" not in mail.deliveries:
            self.claim_over(ClaimOver(mail.number), ctx)

    def claim_over(self, mail: ClaimOver, ctx: Context[Any]) -> None:
        """Let the new session go on as nobody else, if it still waits."""
        claim = self._claims.pop(mail.number, None)
        if claim is not None:
            claim.card.ref.signal(TookOver(None))

    def found(self, letter: FoundLetter, sender: str) -> None:
        """Give the new session all that the old one was."""
        claim = self._claims.pop(letter.number, None)
        if claim is None:
            return  # it came too late
        if letter.client is None:
            claim.card.ref.signal(TookOver(None))
            return
        old: Any = FarSession(letter.client, lambda client: self._cluster.tell(sender, write(LetGoLetter(client))))
        overflows = {(room, channel): overflow for room, channel, overflow in letter.overflows}
        groups = {(room, channel): group for room, channel, group in letter.groups}
        took = TookOver(letter.client, letter.memberships, letter.profile, old, overflows, letter.will, groups)
        claim.card.ref.signal(took)

    # --- a client that goes on elsewhere ------------------------------------------------------------------------

    def take(self, mail: ForClient, ctx: Context[Any]) -> None:
        """Handle a letter for a client of this node."""
        letter = open_letter(mail.data)
        client = mail.client.removesuffix(AWAY)
        match letter:
            case PrivateLetter():
                card = self._directory.client(client)
                if card is not None:
                    card.ref.signal(deliver_texts([bytes(letter.text)]))
            case KickLetter():
                card = self._directory.to_continue(client)
                if card is not None:
                    card.ref.signal(Kick(letter.reason))
            case ClaimLetter():
                self._hand_over(letter, ctx)

    def _hand_over(self, letter: ClaimLetter, ctx: Context[Any]) -> None:
        """Let the old session answer, if there is one and it is the same user's."""
        old = self._directory.to_continue(letter.client)
        if old is None or old.identity.user != letter.user:
            self._cluster.tell(letter.node, write(FoundLetter(letter.number)))
            return
        props: Props[Any] = Props(lambda: Deputy(letter.client, letter.node, letter.number, ctx.ref))
        deputy = ctx.spawn(props, f"deputy-{letter.node}-{letter.number}")
        heir = ClientCard(deputy, Identity(letter.client, letter.user, letter.user is None), Profile())
        if not old.ref.signal(Replaced(heir)):
            deputy.signal(TookOver(None))
            return
        self._directory.set_away(old)
        self.set_away(old.client)

    def handed_over(self, mail: HandedOver, ctx: Context[Any]) -> None:
        """Tell the other node what the client was, and forget it here: its will goes along, nobody is to do it."""
        took = mail.found
        if took.client is None or took.old is None:
            self._cluster.tell(mail.node, write(FoundLetter(mail.number)))
            return
        ids = self._directory.ids_of(took.old)
        self._directory.remove(took.old)
        for client in ids:
            self.gone(client)
        self._handed[took.client] = took.old
        overflows = tuple((room, channel, overflow) for (room, channel), overflow in took.overflows.items())
        groups = tuple((room, channel, group) for (room, channel), group in took.groups.items())
        memberships = took.memberships
        found = FoundLetter(mail.number, took.client, memberships, overflows, groups, took.profile, took.will)
        self._cluster.tell(mail.node, write(found))

    def let_go(self, client: str, ctx: Context[Any]) -> None:
        """Let the session of a client end that goes on elsewhere, once rooms here have heard that it does."""
        ctx.after(LINGER_S, LetGoNow(client))

    def let_go_now(self, mail: LetGoNow, ctx: Context[Any]) -> None:
        """Let it end."""
        old = self._handed.pop(mail.client, None)
        if old is not None:
            old.signal(LetGo())

    def ended(self, ref: Ref[Any]) -> None:
        """Forget a session that ended before it was let go."""
        for client in [client for client, old in self._handed.items() if old is ref]:
            del self._handed[client]

    # --- letters ------------------------------------------------------------------------------------------------

    def _pipe(
        self,
        clients: tuple[str, ...],
        letters: list[bytes],
        done: Callable[[Any], Any],
        ctx: Context[Any],
    ) -> None:
        unknown: list[Delivery] = ["unknown"] * len(clients)  # should Cluster break its promise not to raise
        ctx.pipe(self._cluster.send(clients, letters), done, lambda error: done(unknown))
