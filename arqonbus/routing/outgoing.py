"""Outgoing: the events of one node on their way to a shared store, from the turn that took them until they are seen.

taken ──packed──▶ under way ──outcome──▶ stored, not heard yet ──heard──▶ (answered)
                                └─ not stored, or it was heard before its outcome ──▶ (answered)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from arqonbus.routing.cards import ClientCard
from arqonbus.routing.hops import Leg
from arqonbus.routing.mail import Publish
from arqonbus.storage.shared_log import Entry, Stored

__all__ = ["Outgoing", "Unheard"]


class Unheard(Struct, frozen=True, gc=False):
    """One event that the store has and this node has not heard of."""

    mail: Publish
    stored: Stored
    text: bytes = b""  # as it was stored; empty: not known, since it is another's of the same id


class Outgoing:
    """Owned by one channel, used in its turns."""

    __slots__ = ("_entries", "_legs", "_n_appends", "_publishes", "_unanswered", "_under_way", "n_under_way", "unheard")

    def __init__(self) -> None:
        self._entries: list[Entry] = []  # of this turn
        self._publishes: list[Publish] = []  # the mail of each of them
        self._under_way: dict[int, list[tuple[Publish, bytes]]] = {}  # mail and text, by the number of the append
        self._n_appends = 0
        self.n_under_way = 0  # events
        self.unheard: deque[Unheard] = deque()
        self._legs: dict[bytes, Leg] = {}  # traced events by their text: so they are known again
        self._unanswered: dict[bytes, Leg] = {}  # those of them that the store has not answered for

    # --- to the store -------------------------------------------------------------------------------------------

    def take(self, mail: Publish, entry: Entry, leg: Leg | None) -> None:
        """Take one event."""
        self._entries.append(entry)
        self._publishes.append(mail)
        if leg is not None:
            self._legs[entry.text] = self._unanswered[entry.text] = leg

    def pack(self) -> tuple[int, Sequence[Entry]] | None:
        """Give what was taken, to be appended under that number; None: nothing was."""
        if not self._entries:
            return None
        entries, publishes = self._entries, self._publishes
        self._entries, self._publishes = [], []
        self._n_appends += 1
        texts = [entry.text for entry in entries]
        self._under_way[self._n_appends] = list(zip(publishes, texts, strict=True))
        self.n_under_way += len(entries)
        return self._n_appends, entries

    def settled(self, n: int) -> list[tuple[Publish, bytes]]:
        """Give the events of an append that is answered, mail and text of each."""
        publishes = self._under_way.pop(n)
        self.n_under_way -= len(publishes)
        return publishes

    # --- what is not seen yet -----------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on its way."""
        return not (self._entries or self._under_way or self.unheard)

    def is_of(self, card: ClientCard) -> bool:
        """Whether an event of that connection is. O(events on their way)."""
        if self.is_empty:
            return False
        under_way = any(mail.card is card for mails in self._under_way.values() for mail, _ in mails)
        return (
            under_way
            or any(mail.card is card for mail in self._publishes)
            or any(one.mail.card is card for one in self.unheard)
        )

    # --- back from the store ------------------------------------------------------------------------------------

    def take_heard(self, top: int, first: int = 0, texts: Sequence[bytes] = ()) -> list[tuple[Unheard, bool]]:
        """Give those whose place is heard of by now, in the order of their outcomes, and whether it is theirs.

        Args:
            top: up to which is heard.
            first: seq of the first of ``texts``.
            texts: what was heard just now. Another one in the place of an event: a store that took over never had it.
        """
        heard = []
        while self.unheard and self.unheard[0].stored.seq <= top:
            one = self.unheard.popleft()
            at = one.stored.seq - first
            is_replaced = bool(one.text) and 0 <= at < len(texts) and texts[at] != one.text
            heard.append((one, not is_replaced))
        return heard

    def take_all(self) -> list[Unheard]:
        """Give all that are stored and not heard."""
        unheard, self.unheard = list(self.unheard), deque()
        return unheard

    def answered_leg(self, text: bytes) -> Leg | None:
        """Give a traced event that the store has answered for, once."""
        return self._unanswered.pop(text, None)

    def forget_leg(self, text: bytes) -> None:
        """Drop what is known of a traced event that is not delivered from here."""
        self._legs.pop(text, None)

    def legs_of(self, first: int, texts: Sequence[bytes]) -> list[Leg]:
        """Give the traced ones among events that were heard, each once, with their seqs."""
        if not self._legs:
            return []
        found = [(seq, self._legs.pop(text)) for seq, text in enumerate(texts, first) if text in self._legs]
        return [replace(leg, seq=seq) for seq, leg in found]
