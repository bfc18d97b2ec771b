"""The core as a whole: its rules, and a model of all that can happen to it."""

import json
from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arqonbus.client.errors import BusClosed, Expired, NotConnected, OutboxFull, OutcomeUnknown
from arqonbus.client.feed import FeedBounds
from tests.client.stage import Box, Dice, Reader, Stage


@pytest.mark.rules("R23")
def test_a_message_may_want_to_be_refused_while_away() -> None:
    stage = Stage()

    with pytest.raises(NotConnected, match="the bus is idle"):
        stage.publish("x", when_offline="reject")


@pytest.mark.rules("R23", "R50")
def test_a_message_may_want_to_be_dropped_while_away() -> None:
    stage = Stage()
    stage.publish("x", when_offline="drop")

    stage.connect()
    stage.publish("y", when_offline="drop")

    assert [frame["payload"] for frame in stage.sent()] == ["y"]
    assert stage.core.stats().dropped == 1


@pytest.mark.rules("R17")
def test_a_probe_goes_before_what_waits() -> None:
    stage = Stage()
    stage.connect()
    stage.publish("x")
    stage.core.tick(stage.now + 27)  # two seconds too late to judge

    assert [frame["type"] for frame in stage.sent()] == ["command", "event"]


@pytest.mark.rules("R41")
def test_a_full_feed_that_blocks_stops_the_reading_until_there_is_room() -> None:
    stage = Stage()
    stage.connect()
    reader = stage.join(Reader(bounds=FeedBounds(messages=1, when_full="block")))

    stage.event(1)
    assert stage.core.is_paused
    stage.advance(300)
    assert stage.core.link.state == "connected"
    reader.entries()

    assert not stage.core.is_paused
    assert stage.n_read_on == 1


@pytest.mark.rules("R48")
def test_a_drain_refuses_new_handles_and_requests_but_not_messages() -> None:
    stage = Stage()
    stage.connect()
    stage.core.drain(stage.now)

    with pytest.raises(BusClosed, match="draining"):
        stage.subscribe()
    with pytest.raises(BusClosed, match="draining"):
        stage.publish("?", ack=True, is_request=True)
    stage.publish("!")

    assert [frame["payload"] for frame in stage.sent()] == ["!"]


@pytest.mark.rules("R48")
def test_a_drain_while_away_dials_on_and_sends_what_waits() -> None:
    stage = Stage()
    stage.connect()
    stage.lose()
    stage.publish("x")

    stage.core.drain(stage.now)
    stage.connect()

    assert [frame["payload"] for frame in stage.sent()] == ["x"]
    assert stage.core.link.state == "draining"


@pytest.mark.rules("R3")
def test_after_the_end_every_call_says_what_it_was() -> None:
    stage = Stage()
    stage.connect()
    stage.lose(4503, "spam")

    with pytest.raises(BusClosed, match="spam") as caught:
        stage.publish("x")
    assert caught.value.__cause__ is stage.core.link.error


@pytest.mark.rules("R49")
def test_to_close_twice_is_one_close() -> None:
    stage = Stage()
    stage.connect()

    stage.core.close(stage.now)
    stage.core.close(stage.now)

    assert [change.after for change in stage.changes].count("closed") == 1
    assert stage.hung_up() == [1000]


@pytest.mark.rules("R50")
def test_stats_count_what_came_and_went() -> None:
    stage = Stage()
    stage.connect()
    stage.lose()
    stage.connect()
    stage.publish("x", ack=True)
    stage.publish("y")
    stage.event(1)

    stage.sent()
    stats = stage.core.stats()

    assert (stats.dials, stats.sessions, stats.sent, stats.received) == (2, 2, 4, 3)
    assert (stats.outbox_messages, stats.unheard) == (1, 1)
    assert stats.outbox_bytes > 0


# --- a model ----------------------------------------------------------------------------------------------------------


class Server:
    """Enough of a server to judge a client by: one channel, a dedupe window, sessions that come back."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.log: list[Any] = []  # payloads, seq 1 at the front
        self.seqs: dict[str, int] = {}  # by id
        self.member = False
        self.to_client: deque[dict[str, Any]] = deque()  # on its way
        self.kept = 0  # events before this are not kept any more

    def handle(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "event":
            self._publish(frame)
        elif frame["command"] == "connect":
            self._connect(frame["args"])
        elif frame["command"] == "join_channel":
            self._join(frame)
        else:
            self._answer(frame["id"], {})

    def _publish(self, frame: dict[str, Any]) -> None:
        duplicate = frame["id"] in self.seqs
        if not duplicate:
            self.log.append(frame["payload"])
            self.seqs[frame["id"]] = len(self.log)
            self._deliver(len(self.log))
        if frame.get("ack"):
            result = {"seq": self.seqs[frame["id"]], "epoch": "e1", "duplicate": duplicate, "stored": "memory"}
            self._answer(frame["id"], result)

    def _connect(self, args: dict[str, Any]) -> None:
        entries = []
        self.member = False
        for place in args.get("resume", {}).get("positions", []):
            entry, _ = self._recovered(place["seq"])
            entries.append({"room": "science", "channel": "explore", "epoch": "e1", **entry})
            self.member = True
        welcome = {
            "client": "c-1",
            "server": "s",
            "version": "1.0",
            "heartbeat_s": 1000.0,
            "limits": {"max_message_bytes": 9999},
            "user": None,
            "ticket": "t",
            "resumed": entries,
        }
        self._answer("connect", welcome)
        for place in args.get("resume", {}).get("positions", []):
            self._replay(place["seq"])

    def _join(self, frame: dict[str, Any]) -> None:
        since = frame["args"].get("since")
        outcome = {"recovered": False, "reason": None, "replayed": 0, "seq": len(self.log)}
        if since is not None:
            outcome, n = self._recovered(since["seq"])
            outcome["replayed"] = n
        self.member = True
        self._answer(frame["id"], {"room": "science", "channel": "explore", "epoch": "e1", "members": 1, **outcome})
        if since is not None:
            self._replay(since["seq"])

    def _recovered(self, seq: int) -> tuple[dict[str, Any], int]:
        top = len(self.log)
        if seq >= self.kept:
            return {"recovered": True, "reason": None, "seq": top}, top - seq
        return {"recovered": False, "reason": "evicted", "seq": top, "lost": {"from": seq + 1, "to": top}}, 0

    def _replay(self, seq: int) -> None:
        for at in range(seq + 1, len(self.log) + 1) if seq >= self.kept else ():
            self._deliver(at)

    def _deliver(self, seq: int) -> None:
        if self.member:
            frame = {"type": "event", "room": "science", "channel": "explore", "seq": seq, "id": "x"}
            self.to_client.append({**frame, "payload": self.log[seq - 1]})

    def _answer(self, id: str, result: Any) -> None:
        self.to_client.append({"type": "response", "request_id": id, "status": "ok", "result": result})


STEPS = st.lists(
    st.sampled_from(["publish", "publish", "tell", "send", "hear", "hear", "lose", "evict", "wait", "read", "handle"]),
    max_size=80,
)


class Play:
    """A client and the server, and the network between them, one step at a time."""

    def __init__(self) -> None:
        self.stage = Stage(dice=Dice(0.5), outbox_messages=8, outbox_bytes=4000)
        self.server = Server(self.stage)
        self.to_server: deque[dict[str, Any]] = deque()
        self.boxes: dict[int, Box] = {}
        self.told: list[int] = []  # payloads of events without ack that were taken
        self.n = 0
        self.readers: list[Reader] = []
        self.given: dict[int, list[Any]] = {}
        self.stage.start()

    def step(self, name: str) -> None:
        getattr(self, name)()
        sending = self.stage.core.sending
        assert sending.depth[0] <= 8 and sending.depth[1] <= 4000

    def publish(self) -> None:
        self.n += 1
        try:
            self.boxes[self.n] = self.stage.publish(self.n, ack=True, timeout_s=1000.0)
        except OutboxFull:
            self.boxes.pop(self.n, None)

    def tell(self) -> None:
        self.n += 1
        try:
            self.stage.publish(self.n)
            self.told.append(self.n)
        except OutboxFull:
            return

    def handle(self) -> None:
        if len(self.readers) < 3:
            self.given[len(self.readers)] = []
            self.readers.append(self.stage.subscribe(reader=Reader(bounds=FeedBounds(messages=5))))

    def send(self) -> None:
        """The client writes; the server handles what it has got."""
        for effect in self.stage.take():
            if type(effect).__name__ == "Dial":
                self.stage.core.opened(effect.number, None, self.stage.now)
        self.to_server += self.stage.sent()
        while self.to_server:
            self.server.handle(self.to_server.popleft())

    def hear(self) -> None:
        for _ in range(2):
            if self.server.to_client:
                frame = self.server.to_client.popleft()
                self.stage.core.received(self.stage.core.link.number, json.dumps(frame).encode(), self.stage.now)

    def lose(self) -> None:
        """Both directions are cut; what was on its way is lost."""
        self.to_server.clear()
        self.server.to_client.clear()
        self.server.member = False
        self.stage.lose()

    def evict(self) -> None:
        self.server.kept = len(self.server.log)

    def wait(self) -> None:
        self.stage.advance(1.0)

    def read(self) -> None:
        for n, reader in enumerate(self.readers):
            entry = reader.feed.take()
            if entry is not None:
                self.given[n].append(entry)

    def settle(self) -> None:
        """Let everything come to rest."""
        for _ in range(60):
            self.stage.advance(1.0)
            self.send()
            while self.server.to_client:
                self.hear()
        for n, reader in enumerate(self.readers):
            self.given[n] += reader.entries()


@pytest.mark.rules("R19", "R21", "R24", "R29", "R36", "R37")
@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_no_ack_is_lost_nothing_comes_twice_and_every_gap_is_owned_to(steps: list[str]) -> None:
    play = Play()
    for step in steps:
        play.step(step)
    play.settle()

    log = play.server.log
    assert len(log) == len(set(log))
    assert log == sorted(log), "the order of the calls"
    for n, box in play.boxes.items():
        (answer,) = box.answers
        assert isinstance(answer, Expired | OutcomeUnknown) or log[box.result["seq"] - 1] == n
    for n, reader in enumerate(play.readers):
        seqs = [entry.frame.seq for entry in play.given[n]]
        assert seqs == sorted(set(seqs))
        cursor = reader.feed.cursors["explore"]
        assert cursor.seq == len(log)
        began = cursor.seq - len(seqs) - reader.feed.stats.missed
        assert began >= 0
        assert sorted([*seqs, *missing(reader)]) == list(range(began + 1, len(log) + 1))


def missing(reader: Reader) -> list[int]:
    return [seq for gap in reader.gaps for seq in range(gap.first, gap.last + 1)]
