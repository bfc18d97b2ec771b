"""What a session does with shares: each is written in its turn, or given back. Its channel is a probe."""

from __future__ import annotations

from typing import Any

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.protocol.payloads import Empty
from arqonbus.routing.fanout import deliver_texts
from arqonbus.routing.group_mail import Gone
from arqonbus.routing.mail import Joined, Ready, Sent, Share, Unsent
from arqonbus.routing.outbox import Outbox, OutboxBounds
from arqonbus.routing.shares import NO_SHARES, Shares
from arqonbus.routing.socket import NO_SOCKET
from tests.flow.world import FakeSocket

BOUNDS = OutboxBounds(1000, 10, 1000, 1.0, 1.0)
PLACE = ("r", "c")
SEAT = 7


class Bench:
    """The shares of one session that is a member of one group, its outbox and its socket."""

    def __init__(self) -> None:
        self.manual = ManualDispatcher()
        self.channel: Probe[Any] = Probe(ActorSystem(self.manual.dispatcher), "channel")
        self.socket = FakeSocket()
        self.outbox = self.new_outbox()
        self.shares = NO_SHARES.sit(self.joined("g"))

    def new_outbox(self) -> Outbox:
        return Outbox(self.socket, BOUNDS, with_texts=False)

    def joined(self, group: str | None, place: tuple[str, str] = PLACE, channel: Probe[Any] | None = None) -> Joined:
        return Joined("k", *place, (channel or self.channel).ref, Empty(), None, group=group, seat=SEAT)

    def take(self, *texts: bytes, n_round: int = 0) -> None:
        self.shares.take(Share(PLACE, SEAT, n_round, deliver_texts(texts)), self.outbox, self.socket)

    def end_turn(self) -> list[Any]:
        """Do what the session does at the end of a turn; give what the channel was told in it."""
        if self.outbox.waiting and not self.outbox.is_blocked:
            self.outbox.flush()
        self.shares.settle(self.outbox, self.socket)
        self.manual.run_until_idle()
        return self.channel.take()

    def congest(self) -> None:
        """Let the socket say stop."""
        self.socket.is_congested = True
        self.outbox.waiting.append(deliver_texts([b"fills"]))
        self.outbox.flush()

    def drain(self) -> None:
        self.socket.is_congested = False
        self.outbox.writable()


def test_shares_of_a_turn_are_written_together_and_confirmed_once() -> None:
    bench = Bench()

    bench.take(b"1", b"2")
    bench.take(b"3")

    assert bench.end_turn() == [Sent(SEAT, 3)]
    assert bench.socket.texts == [b"1", b"2", b"3"]
    assert bench.end_turn() == []


def test_a_socket_that_holds_much_refuses_once_and_says_when_it_can_go_on() -> None:
    bench = Bench()
    bench.take(b"1")
    bench.socket.is_congested = True
    assert bench.end_turn() == [Sent(SEAT, 1), Unsent(SEAT)]

    bench.take(b"2")
    assert bench.end_turn() == []
    bench.drain()

    assert bench.end_turn() == [Ready(SEAT)]
    bench.take(b"void: of the round that was given back")
    bench.take(b"3", n_round=1)
    assert bench.end_turn() == [Sent(SEAT, 1)]
    assert bench.socket.texts == [b"1", b"3"]


def test_what_is_refused_voids_all_that_follows_of_its_round_though_the_socket_drains() -> None:
    bench = Bench()
    bench.congest()
    bench.take(b"1")
    bench.drain()
    bench.take(b"2")

    assert bench.end_turn() == [Unsent(SEAT), Ready(SEAT)]
    assert bench.socket.texts == [b"fills"]


def test_while_an_answer_has_to_go_first_shares_are_refused() -> None:
    bench = Bench()
    bench.outbox.cork()
    bench.take(b"1")
    assert bench.end_turn() == [Unsent(SEAT)]

    bench.outbox.uncork(deliver_texts([b"answer"]))

    assert bench.end_turn() == [Ready(SEAT)]
    assert bench.socket.texts == [b"answer"]


def test_what_was_in_an_outbox_that_is_thrown_away_is_given_back() -> None:
    bench = Bench()
    bench.take(b"1")

    bench.outbox, bench.socket = bench.new_outbox(), NO_SOCKET  # type: ignore[assignment]
    bench.take(b"2")

    assert bench.end_turn() == [Unsent(SEAT), Gone(SEAT)]
    bench.take(b"3", n_round=1)
    assert bench.end_turn() == [Unsent(SEAT)]
    assert bench.end_turn() == []


def test_what_was_written_before_the_outbox_was_thrown_away_is_confirmed() -> None:
    bench = Bench()
    bench.take(b"1")
    bench.outbox.writable()  # a socket may say so at any time
    bench.take(b"2")

    bench.outbox, bench.socket = bench.new_outbox(), NO_SOCKET  # type: ignore[assignment]

    assert bench.end_turn() == [Sent(SEAT, 1), Unsent(SEAT), Gone(SEAT)]


def test_what_was_written_before_the_socket_closed_in_the_same_turn_is_confirmed() -> None:
    bench = Bench()
    bench.take(b"1")
    bench.outbox.flush()
    bench.socket.close(4000, "drain over")
    bench.take(b"2")

    assert bench.end_turn() == [Sent(SEAT, 1), Unsent(SEAT)]


def test_a_socket_that_is_busy_and_then_gone_is_told_once() -> None:
    bench = Bench()
    bench.congest()
    assert bench.end_turn() == [Unsent(SEAT)]

    bench.socket.close(1000, "")

    assert bench.end_turn() == []


def test_a_client_that_bears_losses_is_written_each_share_alone_and_keeps_none() -> None:
    bench = Bench()
    bench.outbox.set_overflow(("r", "d"), "drop_oldest", (), lambda n, place, rule: None, 0.0)
    bench.outbox.waiting.append(deliver_texts([b"before"]))
    bench.take(b"1")
    bench.take(b"2" * 70_000)
    bench.socket.is_congested = True
    bench.take(b"3", b"4")
    bench.take(b"5")

    assert bench.outbox.waiting == []
    assert bench.end_turn() == [Sent(SEAT, 4), Unsent(SEAT)]
    assert bench.socket.texts == [b"before", b"1", b"2" * 70_000, b"3", b"4"]


def test_a_share_behind_a_piece_that_is_too_much_is_refused() -> None:
    bench = Bench()
    bench.outbox.set_overflow(("r", "d"), "drop_oldest", (), lambda n, place, rule: None, 0.0)
    bench.outbox.waiting += [deliver_texts([b"x" * 70_000]), deliver_texts([b"y"])]
    bench.socket.is_congested = True
    bench.take(b"1")

    assert bench.end_turn() == [Unsent(SEAT)]
    assert len(bench.outbox.waiting) == 1


def test_what_was_put_before_the_client_bears_losses_is_written_in_one_piece() -> None:
    bench = Bench()
    bench.socket.is_congested = True
    bench.take(b"1" * 70_000)
    bench.take(b"2")
    bench.outbox.set_overflow(("r", "d"), "drop_oldest", (), lambda n, place, rule: None, 0.0)

    assert bench.end_turn() == [Sent(SEAT, 2), Unsent(SEAT)]
    assert bench.socket.texts == [b"1" * 70_000, b"2"]


def test_a_member_no_more_writes_what_came_before_and_says_the_last_word() -> None:
    bench = Bench()
    bench.take(b"1")
    bench.shares.rise(PLACE)
    assert bench.shares.groups == {}

    assert bench.end_turn() == [Sent(SEAT, 1), Unsent(SEAT)]
    bench.take(b"2", n_round=1)
    assert bench.end_turn() == []
    assert bench.socket.texts == [b"1"]


def test_to_sit_again_changes_nothing_but_a_channel_made_anew_begins_anew() -> None:
    bench = Bench()
    bench.congest()
    bench.end_turn()
    bench.drain()
    bench.end_turn()
    assert bench.shares.sit(bench.joined("g")) is bench.shares
    bench.take(b"1", n_round=1)
    assert bench.end_turn() == [Sent(SEAT, 1)]

    anew: Probe[Any] = Probe(ActorSystem(bench.manual.dispatcher), "anew")
    bench.shares.rise(PLACE)
    bench.shares.sit(bench.joined("h", channel=anew))
    bench.take(b"2")

    assert bench.shares.groups == {PLACE: "h"}
    assert bench.end_turn() == [Unsent(SEAT)]
    assert anew.take() == [Sent(SEAT, 1)]


def test_a_session_that_ends_says_the_last_word_to_all_its_groups() -> None:
    bench = Bench()
    bench.shares.rise(PLACE)

    bench.shares.close()
    bench.manual.run_until_idle()

    assert bench.channel.take() == [Unsent(SEAT)]
    assert bench.end_turn() == []


def test_a_channel_that_is_gone_is_told_nothing() -> None:
    bench = Bench()
    bench.take(b"1")
    bench.channel.ref.stop()
    bench.manual.run_until_idle()

    assert bench.end_turn() == []
    bench.shares.close()
    assert bench.channel.take() == []


def test_who_is_in_no_group_has_nothing_to_do() -> None:
    bench = Bench()

    assert NO_SHARES.sit(bench.joined(None)) is NO_SHARES
    NO_SHARES.rise(PLACE)
    NO_SHARES.take(Share(PLACE, SEAT, 0, deliver_texts([b"1"])), bench.outbox, bench.socket)
    NO_SHARES.settle(bench.outbox, bench.socket)
    NO_SHARES.close()

    assert NO_SHARES.groups == {}
    assert isinstance(bench.shares, Shares)
    assert bench.outbox.waiting == []
