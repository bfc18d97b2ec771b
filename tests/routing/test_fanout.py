import pytest

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.protocol.envelope import System
from arqonbus.protocol.payloads import Empty
from arqonbus.routing.fanout import deliver_one, deliver_texts, fan_out, fan_out_texts
from arqonbus.routing.mail import Deliver, Place
from tests.flow.world import frames_of


def test_one_envelope_becomes_one_frame_and_its_text() -> None:
    made = deliver_one(System("heartbeat", Empty()))

    assert frames_of(made.chunk) == [b'{"type":"system","event":"heartbeat","payload":{}}']
    assert made.texts == (b'{"type":"system","event":"heartbeat","payload":{}}',)


@pytest.mark.parametrize("sizes", [[1], [125], [126], [65_536], [1, 126, 65_536, 0]])
def test_texts_become_frames_in_their_order(sizes: list[int]) -> None:
    texts = [b"x" * size for size in sizes]

    made = deliver_texts(texts)

    assert frames_of(made.chunk) == texts
    assert made.texts == tuple(texts)


@pytest.mark.parametrize("n", [1, 3])
def test_live_events_say_where_they_are_from(n: int) -> None:
    place = Place("r", "c", "e1")

    assert (deliver_texts([b"x"] * n, place, 7).place, deliver_texts([b"x"] * n, place, 7).last) == (place, 7)
    assert deliver_texts([b"x"] * n).place is None


def test_every_member_gets_the_same_object_and_the_dead_hold_nobody_up() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    probes: list[Probe[Deliver]] = [Probe(system, f"c-{n}") for n in range(3)]
    probes[1].ref.stop()
    manual.run_until_idle()
    made = deliver_texts([b"x"])

    fan_out(made, [probe.ref for probe in probes])
    manual.run_until_idle()

    assert [[mail is made for mail in probe.mails] for probe in probes] == [[True], [], [True]]
    assert system.statistics().dead_letters == 1


@pytest.mark.parametrize("n", [1, 3])
def test_live_events_go_to_every_member_as_one_delivery(n: int) -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    probes: list[Probe[Deliver]] = [Probe(system, f"c-{i}") for i in range(2)]
    texts = [b"x" * size for size in range(1, n + 1)]

    fan_out_texts(texts, Place("r", "c", "e1"), 7, [probe.ref for probe in probes])
    manual.run_until_idle()

    assert [probe.mails for probe in probes] == [[deliver_texts(texts, Place("r", "c", "e1"), 7)]] * 2
