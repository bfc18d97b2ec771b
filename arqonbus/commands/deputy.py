"""Deputy: stands in for a session of another node, towards a session of this one that it continues."""

from __future__ import annotations

from typing import Any

from arqonbus.actor import Actor, Context, Ref
from arqonbus.routing.mail import HandedOver, Kick, LetGo, Replaced, TakeOver, TookOver

__all__ = ["Deputy", "FarSession"]

PATIENCE_S = 10.0  # for the old session, which handles what its client sent before: as long as any waits for its heir


class Deputy(Actor[Any]):
    """One for each claim of another node. Spawned by the registry; stops with the answer of the old session.

    Args:
        client: that is claimed.
        node: that claims it.
        number: of the claim.
        registry: is told HandedOver.
    """

    __slots__ = ("_client", "_node", "_number", "_registry")

    def __init__(self, client: str, node: str, number: int, registry: Ref[Any]) -> None:
        self._client = client
        self._node = node
        self._number = number
        self._registry = registry

    def started(self, ctx: Context[Any]) -> None:
        """Wait, but not for ever."""
        ctx.after(PATIENCE_S, TookOver(None))

    def receive(self, mail: Any, ctx: Context[Any]) -> None:
        """Handle one mail."""
        match mail:
            case TookOver():
                self._registry.signal(HandedOver(self._node, self._number, mail))
                ctx.stop("handed over")
            case Replaced():  # somebody else came for the client meanwhile: the registry knows where it is by now
                self._registry.tell_past_bound(TakeOver(mail.card, self._client))
            case Kick():  # the client is on its way to another node: it may be kicked there
                pass

    def stopped(self, unread: list[Any], ctx: Context[Any]) -> None:
        """Let the registry find the client for who came for it too late."""
        for mail in unread:
            if isinstance(mail, Replaced):
                self._registry.tell_past_bound(TakeOver(mail.card, self._client))
        unread.clear()


class FarSession:
    """A session of another node, as far as who continues it has to speak to it: it can be let go.

    Args:
        client: that it was.
        let_go: tells its node.
    """

    __slots__ = ("_client", "_let_go")

    def __init__(self, client: str, let_go: Any) -> None:
        self._client = client
        self._let_go = let_go

    def signal(self, mail: object) -> bool:
        """Pass LetGo on; as a Ref does."""
        if isinstance(mail, LetGo):
            self._let_go(self._client)
        return True
