"""Census: who is in a room on other nodes, as far as they have told. Pure; owned by the room, used in its turns.

Each node tells of the members of its own, and only those; nothing of it is kept anywhere else, so nobody has to clear
up after a node that dies. Deltas go to all nodes on which the room lives; who comes later, or has missed one, says
hello, and each of them answers with all that it has.

    this node ──delta──▶ line of the room ──▶ all nodes of the room      at most one in DEBOUNCE_S
              ──hello──▶                  ──▶
              ◀───full─────────────────────── each of them, to this node alone
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, ClassVar

from msgspec import Raw

from arqonbus.actor import Context
from arqonbus.routing.census_letters import Delta, Full, Hello, PageLetter, RoomLetter, RowsLetter, read, write
from arqonbus.routing.census_mail import Beside, CensusTick, FarNews, HelloOver, OwnMember, PageOver
from arqonbus.routing.crowd_pages import CrowdPages
from arqonbus.routing.members import PAGE_BYTES
from arqonbus.routing.other_nodes import Changes, OtherNodes
from arqonbus.routing.own_members import OwnMembers
from arqonbus.storage.cluster import Lapsed, LineDown, LineUp, NodeGone, NodeTold, RoomSaid

__all__ = ["Census", "CensusMail"]

DEBOUNCE_S = 0.25  # between two deltas
HELLO_S = 1.0  # for all nodes to answer; then the rest is asked again, and meanwhile nobody waits

CensusMail = (LineUp, LineDown, RoomSaid, NodeTold, NodeGone, Lapsed, OwnMember, CensusTick, HelloOver, PageOver)
"""What a room passes on to its census."""


class Census:
    """One room's.

    Args:
        node: this one.
        room: its name.
        life: of the room on this node; never used before.
        most: members of a channel up to which this node tells rows.
        say: has a letter heard by all nodes of the room; True: how many these are is told then.
        tell: has a letter for the registry of another node brought there.
    """

    __slots__ = (
        "_answered",
        "_expected",
        "_is_ticking",
        "_is_up",
        "_is_waiting",
        "_life",
        "_node",
        "_number",
        "_numbers",
        "_others",
        "_own",
        "_pages",
        "_room",
        "_say",
        "_tell",
        "_was_partial",
        "is_settled",
        "pages",
    )

    def __init__(
        self,
        node: str,
        room: str,
        life: str,
        most: int,
        say: Callable[[bytes, bool], None],
        tell: Callable[[str, bytes], None],
    ) -> None:
        self._node = node
        self._room = room
        self._life = life
        self._say = say
        self._tell = tell
        self._number = 0  # of the last delta
        self._own = OwnMembers(most)
        self._others = OtherNodes()
        self._pages = CrowdPages()
        self._numbers = count(1)  # of what it asks for
        self.pages: list[tuple[Any, Beside]] = []  # mail that may be answered now, with rows of crowds elsewhere
        self._is_ticking = False  # a CensusTick is on its way
        self._is_waiting = False  # a HelloOver is
        self._is_up = False  # the line hears
        self._answered: set[str] = set()  # nodes, since the last hello to all
        self._expected = -1  # answers to it; -1: not known
        self._was_partial = True  # as told last
        self.is_settled = False  # all have answered, or it is not waited for any more

    def handle(self, mail: Any, ctx: Context[Any]) -> list[FarNews]:
        """Handle one of CensusMail. Gives what is to be told in this node's room and channels."""
        changes = Changes()
        self._handlers[type(mail)](self, mail, changes, ctx)
        is_partial = self.is_partial
        self.is_settled = self.is_settled or not is_partial
        news = [
            FarNews(
                channel,
                tuple(change.joined.values()),
                tuple(change.left.items()),
                tuple(change.dropped),
                self._others.crowd(channel),
                is_partial,
            )
            for channel, change in changes.by_channel.items()
        ]
        if is_partial is not self._was_partial:
            self._was_partial = is_partial
            news.append(FarNews("", is_partial=is_partial))
        return news

    @property
    def is_partial(self) -> bool:
        """Whether there may be members elsewhere that are not known."""
        return not self._is_up or self._expected < 0 or len(self._answered) < self._expected

    def news_of(self, channel: str) -> FarNews:
        """Give all that is known of one channel."""
        crowd = self._others.crowd(channel)
        return FarNews(channel, self._others.rows(channel), crowd=crowd, is_partial=self.is_partial)

    def ask_for_rows(self, mail: Any, channel: str, after: str, limit: int, ctx: Context[Any]) -> bool:
        """Ask other nodes for rows of the crowds that they have; ``pages`` gets the mail then.

        Returns:
            False: nobody has to be asked.
        """
        crowded = self._others.crowded(channel)
        if not crowded or not self._is_up:
            return False
        number = next(self._numbers)
        self._pages.ask(number, mail, crowded)
        self._say(write(PageLetter(self._node, number, channel, after, limit)), False)
        ctx.after(HELLO_S, PageOver(number))
        return True

    def wait(self, ctx: Context[Any]) -> None:
        """Give the others HELLO_S to answer."""
        if not self._is_waiting:
            self._is_waiting = True
            ctx.after(HELLO_S, HelloOver())

    def settle(self) -> None:
        """Wait for no answer: the others are out of reach."""
        self.is_settled = True

    def close(self) -> None:
        """Tell at once what is left to be told."""
        self._tell_delta(all_of_it=True)

    # --- this node ----------------------------------------------------------------------------------------------

    def _note_own(self, mail: OwnMember, changes: Changes, ctx: Context[Any]) -> None:
        if mail.reason is None:
            self._own.enter(mail.channel, mail.row)
        else:
            self._own.exit(mail.channel, mail.row.client, mail.reason)
        self._tick(ctx)

    def _tick(self, ctx: Context[Any]) -> None:
        if not self._is_ticking:
            self._is_ticking = True
            ctx.after(DEBOUNCE_S, CensusTick())

    def _ticked(self, mail: CensusTick, changes: Changes, ctx: Context[Any]) -> None:
        self._is_ticking = False
        self._tell_delta()
        if self._own.has_more:
            self._tick(ctx)

    def _tell_delta(self, *, all_of_it: bool = False) -> None:
        told = self._own.take(all_of_it=all_of_it)
        if told:
            self._number += 1
            self._say(write(Delta(self._node, self._life, self._number, told)), False)

    def _full(self) -> bytes:
        return write(Full(self._node, self._life, self._number, self._own.everybody()))

    def _lapsed(self, mail: Lapsed, changes: Changes, ctx: Context[Any]) -> None:
        self._say(self._full(), False)

    # --- other nodes --------------------------------------------------------------------------------------------

    def _line_up(self, mail: LineUp, changes: Changes, ctx: Context[Any]) -> None:
        self._is_up = True
        self._hello(ctx)
        self._repeat()

    def _line_down(self, mail: LineDown, changes: Changes, ctx: Context[Any]) -> None:
        self._is_up = False

    def _hello(self, ctx: Context[Any]) -> None:
        """Ask all nodes of the room what they have."""
        self._answered, self._expected = set(), -1
        self._say(write(Hello(self._node)), True)
        self.wait(ctx)

    def _counted(self, mail: NodeTold, changes: Changes, ctx: Context[Any]) -> None:
        self._expected = mail.n_nodes - 1 if mail.n_nodes > 0 else -1
        if self._expected < 0:
            self.wait(ctx)

    def _hello_over(self, mail: HelloOver, changes: Changes, ctx: Context[Any]) -> None:
        self._is_waiting, self.is_settled = False, True
        if self._is_up and self.is_partial:
            self._say(write(Hello(self._node)), True)
            self._repeat()
            self.wait(ctx)

    def _repeat(self) -> None:
        """Tell all again: the last of it may not have been heard."""
        if self._number:
            self._say(self._full(), False)

    def _heard(self, mail: RoomSaid, changes: Changes, ctx: Context[Any]) -> None:
        letter = read(mail.data)
        if letter is None or letter.node == self._node:
            return
        match letter:
            case Hello():
                if letter.to in ("", self._node):
                    self._tell(letter.node, write(RoomLetter(self._room, Raw(self._full()))))
            case PageLetter():
                self._answer_page(letter)
            case RowsLetter():
                self._note_page(self._pages.take(letter))
            case Full():
                self._answered.add(letter.node)
                self._others.take_full(letter, changes)
            case Delta():
                if not self._others.take_delta(letter, changes):
                    self._say(write(Hello(self._node, letter.node)), False)

    def _answer_page(self, letter: PageLetter) -> None:
        rows, has_more = self._own.page(letter.channel, letter.after, letter.limit, PAGE_BYTES)
        answer = write(RowsLetter(self._node, letter.number, rows, has_more))
        self._tell(letter.node, write(RoomLetter(self._room, Raw(answer))))

    def _note_page(self, done: tuple[Any, Beside] | None) -> None:
        if done is not None:
            self.pages.append(done)

    def _page_over(self, mail: PageOver, changes: Changes, ctx: Context[Any]) -> None:
        self._note_page(self._pages.give_up(mail.number))

    def _node_gone(self, mail: NodeGone, changes: Changes, ctx: Context[Any]) -> None:
        self._others.forget(mail.node, "drained" if mail.is_orderly else "lost", changes)
        if self._is_up and self.is_partial:
            self._hello(ctx)  # it may be the one that did not answer

    _handlers: ClassVar[dict[type, Callable[[Census, Any, Changes, Context[Any]], None]]] = {
        OwnMember: _note_own,
        CensusTick: _ticked,
        RoomSaid: _heard,
        LineUp: _line_up,
        LineDown: _line_down,
        NodeTold: _counted,
        HelloOver: _hello_over,
        PageOver: _page_over,
        NodeGone: _node_gone,
        Lapsed: _lapsed,
    }
