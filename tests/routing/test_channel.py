"""A channel whose store fails: what is not stored is not delivered, and every publisher is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import UNSET, Raw, structs

from arqonbus.actor import ActorSystem, Props, Ref
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.errors import StorageError
from arqonbus.protocol.envelope import Event
from arqonbus.protocol.payloads import ChannelOptions, HistoryArgs, JoinChannelArgs
from arqonbus.routing.cards import ChannelCard
from arqonbus.routing.channel import Channel, ChannelSetup
from arqonbus.routing.mail import (
    Answer,
    Bounced,
    Delete,
    Deliver,
    Drop,
    Join,
    Joined,
    Leave,
    PresenceTick,
    ProfileChanged,
    Publish,
    ReadHistory,
    Receipt,
)
from arqonbus.routing.recovery import ReplayCap
from arqonbus.storage.history import Retention
from arqonbus.storage.memory import MemoryHistory, MemoryLog
from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.log_lines import EventRecord
from arqonbus.telemetry.sampler import Source
from arqonbus.telemetry.tracer import Tracer
from tests.commands.calls import NOW, client_card
from tests.flow.world import frames_of
from tests.telemetry.stage import Stage

OPTIONS = ChannelOptions(
    history_limit=10, history_ttl_s=60.0, history_bytes=1000, durable=False, presence=False, persistent=False
)


class BrittleHistory(MemoryHistory):
    """A store whose logs can be told to fail."""

    def __init__(self, clock: Any) -> None:
        super().__init__(100_000, 3600.0, clock, lambda: "e1")
        self.fails = False
        self.breaks = False  # its promise, to raise nothing but StorageError

    def open(self, room: str, channel: str, retention: Retention, note: bytes = b"") -> MemoryLog:
        log = super().open(room, channel, retention, note)
        return BrittleLog(self, log)  # type: ignore[return-value]  # it is a Log, which is what the seam asks for


class BrittleLog:
    """A log that stores nothing while its store fails."""

    def __init__(self, history: BrittleHistory, log: MemoryLog) -> None:
        self._history = history
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, texts: Sequence[bytes]) -> int:
        if self._history.fails:
            raise StorageError("the disk is full")
        if self._history.breaks:
            raise OSError("what the promise did not say")
        return self._log.append(texts)


class Bench:
    """One channel between a room and clients that are probes."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self.manual = ManualDispatcher()
        self.system = ActorSystem(self.manual.dispatcher)
        self.history = BrittleHistory(self.manual.clock.time)
        self.counters = Counters()
        self.room: Probe[Any] = Probe(self.system, "room")
        setup = ChannelSetup(
            history=self.history,
            counters=self.counters,
            timestamp=lambda: NOW,
            idle_s=60.0,
            page_bytes=10_000,
            replay=ReplayCap(100, 100_000),
            presence_max=200,
            tracer=tracer,
        )
        card = ChannelCard("r", "c", "user", OPTIONS, NOW, None)
        props: Props[Any] = Props(lambda: Channel(setup, card, self.room.ref, ()))
        self.channel: Ref[Any] = self.system.spawn(props, "channel")
        self.client: Probe[Any] = Probe(self.system, "c-1")
        self.card = client_card("c-1", self.client.ref)

    def tell(self, *mails: Any) -> list[Any]:
        for mail in mails:
            self.channel.tell(mail)
        self.manual.run_until_idle()
        return self.client.take()

    def publish(self, message_id: str, ack: bool = True) -> Publish:
        return Publish(self.card, Event(room="r", channel="c", id=message_id, ack=ack, payload=Raw(b"1")))

    def join(self) -> Join:
        return Join(self.card, "j", "c", JoinChannelArgs("r", "c"), False)


def test_what_cannot_be_stored_is_refused_to_all_and_delivered_to_nobody() -> None:
    bench = Bench()
    bench.tell(bench.join())
    bench.history.fails = True

    mails = bench.tell(bench.publish("a"), bench.publish("b", ack=False))

    assert [(type(mail), mail.request_id, mail.result.code) for mail in mails] == [
        (Receipt, "a", "unavailable"),
        (Receipt, "b", "unavailable"),
    ]
    assert bench.counters.messages_in == 0


def test_after_the_store_is_well_again_the_numbers_go_on_without_a_hole() -> None:
    bench = Bench()
    bench.tell(bench.join(), bench.publish("a"))
    bench.history.fails = True
    bench.tell(bench.publish("b"))
    bench.history.fails = False

    delivered, receipt = bench.tell(bench.publish("c"))

    assert isinstance(delivered, Deliver)
    assert (receipt.request_id, receipt.result.seq) == ("c", 2)


def test_the_events_of_one_turn_are_stored_and_delivered_together() -> None:
    bench = Bench()
    bench.tell(bench.join())

    delivered, *receipts = bench.tell(*[bench.publish(f"p{n}") for n in range(5)])

    assert len(frames_of(delivered.chunk)) == 5
    assert [receipt.result.seq for receipt in receipts] == [1, 2, 3, 4, 5]


def test_what_depends_on_the_position_sees_the_events_before_it() -> None:
    bench = Bench()
    read = ReadHistory(bench.card, "h", "c", HistoryArgs("r", "c"))

    mails = bench.tell(bench.publish("a", ack=False), bench.join(), bench.publish("b", ack=False), read)

    joined, delivered, answer = mails
    assert (type(joined), joined.result.seq) == (Joined, 1)
    assert b'"seq":2' in delivered.texts[0]
    assert len(answer.result.messages) == 2


def test_a_leave_of_a_stranger_is_not_found() -> None:
    bench = Bench()

    (answer,) = bench.tell(Leave(bench.card, "l", "c"))

    assert (type(answer), answer.result.code) == (Answer, "not_found")


def test_a_drop_of_a_stranger_is_without_effect() -> None:
    bench = Bench()

    assert bench.tell(Drop(bench.card, "lost")) == []


def test_mail_that_was_not_read_goes_back_to_the_room() -> None:
    bench = Bench()
    publish = bench.publish("a")

    (answer,) = bench.tell(Delete(bench.card, "d", "c", False), publish, Leave(bench.card, "l", "c"))

    assert (answer.request_id, bench.channel.alive) == ("d", False)
    assert bench.room.mails == [Bounced("c", publish), Bounced("c", Leave(bench.card, "l", "c"))]


def test_a_drop_that_was_not_read_is_nobodys_to_route() -> None:
    bench = Bench()
    bench.manual.run_until_idle()

    bench.channel.tell(Delete(bench.card, "d", "c", False))
    bench.manual.run_round()
    bench.channel.tell(Drop(bench.card, "lost"))
    bench.manual.run_until_idle()

    assert bench.room.mails == []


def test_a_store_that_breaks_its_promise_loses_nothing_in_silence() -> None:
    bench = Bench()
    bench.history.breaks = True
    (refused,) = bench.tell(bench.publish("a"))
    bench.history.breaks = False

    (receipt,) = bench.tell(bench.publish("a"))

    assert (refused.request_id, refused.result.code) == ("a", "internal")
    assert (receipt.result.seq, receipt.result.duplicate) == (1, False)


def test_a_profile_that_cannot_be_told_is_answered_to_nobody() -> None:
    bench = Bench()
    watcher: Probe[Any] = Probe(bench.system, "c-2")
    watch = Join(client_card("c-2", watcher.ref), "w", "c", JoinChannelArgs("r", "c", presence=True), False)
    bench.tell(bench.join(), watch)
    bench.card.profile = object()  # type: ignore[assignment]  # something that no encoder takes
    watcher.take()

    mails = bench.tell(ProfileChanged(bench.card, ("r",)))

    assert bench.system.statistics().failures == 1
    assert mails == watcher.mails == []


def test_what_only_the_channel_waits_for_ends_with_it() -> None:
    bench = Bench()

    bench.tell(Delete(bench.card, "d", "c", False), ProfileChanged(bench.card, ("r",)), PresenceTick())

    assert bench.room.mails == []


def test_a_drop_takes_out_whatever_connection_the_client_had() -> None:
    """The room says who is in; a connection that died before it joined is no reason to keep the one before it."""
    bench = Bench()
    (joined,) = bench.tell(bench.join())

    bench.tell(Drop(client_card("c-1"), "lost"))

    (again,) = bench.tell(bench.join())
    assert (joined.result.members, again.result.members) == (1, 1)
    assert [mail.result.members for mail in bench.tell(Drop(bench.card, "lost"), bench.join())] == [1]


@pytest.mark.parametrize(("kinds", "n_left"), [((True, False), 1), ((False, True), 1), ((True, True), 0)])
def test_a_drop_ends_the_memberships_that_it_names(kinds: tuple[bool, bool], n_left: int) -> None:
    bench = Bench()
    star = Join(bench.card, None, "c", JoinChannelArgs("r", "c"), False, star=True)
    bench.tell(bench.join(), star)

    bench.tell(Drop(bench.card, "lost", direct=kinds[0], star=kinds[1]))

    other = client_card("c-2", bench.client.ref)
    (joined,) = bench.tell(Join(other, "j", "c", JoinChannelArgs("r", "c"), False))
    assert joined.result.members == n_left + 1


@pytest.mark.parametrize(("fault", "event"), [("fails", "events_not_stored"), ("breaks", "actor_failed")])
def test_the_line_about_events_that_were_not_stored_leads_to_the_trace_of_the_first(
    fault: str, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage()
    bench = Bench(stage.tracer)
    bench.tell(bench.join())
    setattr(bench.history, fault, True)
    traces = [stage.tracer.begin(UNSET, Source(), 0.0) for _ in range(2)]

    bench.tell(*(structs.replace(bench.publish(f"m-{n}"), trace=trace) for n, trace in enumerate(traces)))

    (record,) = [one for one in caplog.records if one.msg == event]
    assert isinstance(record, EventRecord)
    assert record.fields["trace"] is traces[0]
    assert [span.error for span in stage.spans] == [span.error for span in stage.spans if span.error]
