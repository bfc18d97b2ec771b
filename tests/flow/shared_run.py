"""A seeded run of several nodes over one store that fails now and then, and what every client may rely on.

Each client keeps the books of what it was told: its position moves by one with each event, over what a gap names, or
to another epoch that a gap declares. Whatever else it is told is a broken promise.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.flow.nodes import Nodes
from tests.flow.world import Client

__all__ = ["Book", "Run"]

CHANNELS = ("a", "b")
FAULTS = ("cut", "give_up", "mend", "lose", "rewind")


class Book:
    """What one connection was told of one channel."""

    def __init__(self, run: Run, epoch: str, seq: int) -> None:
        self.run = run
        self.epoch, self.seq = epoch, seq
        self.got: list[str] = []  # payloads
        self.n_breaks = 0  # gaps and changes of the epoch: something may be missing, and it was said

    def event(self, channel: str, message: dict[str, Any]) -> None:
        assert message["seq"] == self.seq + 1, f"{channel}: expected {self.seq + 1} of {self.epoch}, got {message}"
        self.seq += 1
        assert message["payload"] not in self.got, f"{message['payload']} came twice"
        self.got.append(message["payload"])
        self.run.place(channel, self.epoch, self.seq, message["payload"])

    def gap(self, channel: str, gap: dict[str, Any]) -> None:
        self.n_breaks += 1
        if gap["reason"] == "epoch_changed":
            assert gap["epoch"] != self.epoch, f"the epoch is {self.epoch} already"
        else:
            assert (gap["epoch"], gap["from"]) == (self.epoch, self.seq + 1), f"{channel}: {gap} at {self.seq}"
            assert gap["to"] >= gap["from"]
        self.epoch, self.seq = gap["epoch"], gap["to"]


class Member:
    """One client, in a channel or in all of the room, on one node at a time."""

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name
        self.books: dict[str, Book] = {}
        self.whole = name.startswith("*")
        self.channel = "*" if self.whole else run.random.choice(CHANNELS)
        self.client: Client
        self.n_read = 0
        self.joined = ""  # id of the join under way
        self.acked: dict[str, tuple[str, int]] = {}
        self.since: tuple[str, int] | None = None
        self.is_out = False  # its channel was deleted

    def arrive(self, node: int) -> None:
        self.client = self.run.nodes[node].connect()
        self.n_read = 0
        self.is_out = False
        args: dict[str, Any] = {"room": "r", "channel": self.channel}
        book = self.books.get(self.channel)
        self.since = (book.epoch, book.seq) if book is not None and not self.whole else None
        if self.since is not None:
            args["since"] = {"epoch": self.since[0], "seq": self.since[1]}
        self.books = {} if self.whole else self.books
        self.joined = "join"
        self.client.post_command("join_channel", "join", **args)

    def leave(self) -> None:
        self.read()
        self.client.lose(1000)
        if self.joined:
            self.books.clear()  # what it was told before it was a member counts for nothing

    def read(self) -> None:
        """Take what came."""
        received = self.client.received()
        for message in received[self.n_read :]:
            self._take(message)
        self.n_read = len(received)

    def _take(self, message: dict[str, Any]) -> None:
        kind, channel = message["type"], message.get("channel", "")
        if kind == "response":
            self._answer(message)
        elif kind == "event" and channel in self.books:
            self.books[channel].event(channel, message)
        elif kind == "event":
            assert self.whole, f"{self.name} is no member of {channel}"
            self.books[channel] = Book(self.run, "", message["seq"] - 1)
            self.books[channel].event(channel, message)
        elif message.get("event") == "gap" and channel in self.books:
            self.books[channel].gap(channel, message["payload"])
        elif message.get("event") == "gap" and self.whole:  # before the answer to its join
            self.books[channel] = Book(self.run, message["payload"]["epoch"], message["payload"]["to"])
        elif message.get("event") == "channel_deleted":
            self.books.pop(channel, None)
            self.is_out = self.is_out or not self.whole
        elif message.get("event") == "channel_created":
            self.books[channel] = Book(self.run, message["payload"]["epoch"], message["payload"]["seq"])

    def _answer(self, message: dict[str, Any]) -> None:
        request = message["request_id"]
        if request != "join":
            if message["status"] == "ok":
                self.run.acked[request] = (message["result"]["epoch"], message["result"]["seq"])
            return
        self.joined = ""
        if message["status"] != "ok":
            self.books.clear()
            return
        result = message["result"]
        if self.whole:
            for place in result["positions"]:
                book = self.books.get(place["channel"])
                if book is None:
                    self.books[place["channel"]] = Book(self.run, place["epoch"], place["seq"])
                elif not book.epoch:
                    book.epoch = place["epoch"]
            return
        known = self.books.get(self.channel)
        start = result["seq"] - result["replayed"]
        if result["recovered"]:
            assert known is not None
            assert (known.epoch, known.seq) == (result["epoch"], start), f"{result} from {known.epoch}:{known.seq}"
            return
        assert known is None or result["reason"], result
        book = self.books[self.channel] = Book(self.run, result["epoch"], start)
        book.n_breaks = 1 + (known.n_breaks if known else 0)
        if known is not None and result["reason"] != "epoch_changed":  # else it may get again what it had before
            book.got = known.got


class Run:
    """One run. ``plant`` may break something before it begins."""

    def __init__(
        self, seed: int, plant: Callable[[Nodes], None] = lambda nodes: None, faults: int = 10, deletes: bool = False
    ) -> None:
        self.random = random = Random(seed)
        limit = random.choice((3, 1000))
        self.nodes = Nodes(random.choice((2, 3)), random=random, history__limit=limit, telemetry__activity=False)
        plant(self.nodes)
        self.is_calm = not faults
        self.faults = faults
        self.deletes, self.n_deleted = deletes, 0
        self.places: dict[tuple[str, str, int], str] = {}  # channel, epoch, seq -> payload
        self.acked: dict[str, tuple[str, int]] = {}  # payload -> place
        self.members = [Member(self, name) for name in ("m0", "m1", "m2", "m3", "*0")]
        self.publishers = [world.connect() for world in self.nodes.worlds]
        self.n_published = 0
        for member in self.members:
            member.arrive(random.randrange(len(self.nodes.worlds)))

    def place(self, channel: str, epoch: str, seq: int, payload: str) -> None:
        """Note where an event is: everybody must see it there."""
        if epoch:
            known = self.places.setdefault((channel, epoch, seq), payload)
            assert known == payload, f"{channel} {epoch}:{seq} is {known} to one and {payload} to another"

    def play(self, steps: int = 120) -> None:
        for _ in range(steps):
            self._step()
            self.nodes.manual.clock.advance(self.random.choice((0.0, 0.001, 0.01, 0.05)))
            for _ in range(self.random.randrange(40)):
                self.nodes.manual.run_round()
            for member in self.members:
                member.read()
                if member.is_out and not member.joined:
                    member.leave()
                    member.arrive(self.random.randrange(len(self.nodes.worlds)))
        self._end()

    def _step(self) -> None:
        random, nodes = self.random, self.nodes
        node = random.randrange(len(nodes.worlds))
        if self.faults and random.random() < 0.15:
            self.faults -= 1
            self._fail(str(node), random.choice(FAULTS))
        elif self.deletes and random.random() < 0.04:
            self.n_deleted += 1
            args = {"room": "r", "channel": random.choice(CHANNELS), "force": True}
            self.publishers[node].post_command("delete_channel", f"d{self.n_deleted}", **args)
        elif random.random() < 0.12:
            member = random.choice(self.members)
            member.leave()
            member.arrive(node)
        else:
            for _ in range(random.randrange(4)):
                self.n_published += 1
                name = f"{node}.{self.n_published}"
                self.publishers[node].post_event("r", random.choice(CHANNELS), name, id=name, ack=True)

    def _fail(self, node: str, fault: str) -> None:
        store, address = self.nodes.store, ("r", self.random.choice(CHANNELS))
        match fault:
            case "rewind":
                store.rewind(address, self.random.randrange(3))
            case "lose":
                store.lose(node, address)
            case "give_up":
                if store.nodes[node].state == "holding":
                    store.give_up(node)
            case "cut":
                store.cut(node)
            case _:
                store.mend(node)

    def _end(self) -> None:
        """Mend all, and see that everybody has come to the same place."""
        store = self.nodes.store
        for name in store.nodes:
            store.mend(name)
        self.nodes.advance(10)
        for channel in CHANNELS:
            for node in store.nodes.values():
                node.look_again(("r", channel))
        self.nodes.advance(10)
        for member in self.members:
            member.read()
            assert not member.joined, f"{member.name} was never answered"
            assert not member.is_out or not member.books
            for channel, book in member.books.items():
                log = store.logs.get(("r", channel))
                if log is None and member.whole:
                    continue  # it was told that the channel is gone, before the answer to its join
                assert log is not None
                at = (book.epoch or log.epoch, book.seq)
                assert at == (log.epoch, log.top), f"{member.name} is at {at} of {channel}, not {log.epoch}:{log.top}"
        self._judge_answers()

    def _judge_answers(self) -> None:
        """All that was published was answered; what was acknowledged is where the answer says, to all who saw it."""
        answered: dict[str, str] = {}
        n_ended = 0
        for publisher in self.publishers:
            for message in publisher.received():
                if message["type"] == "response" and message["request_id"].startswith("d"):
                    n_ended += 1
                elif message["type"] == "response":
                    assert message["request_id"] not in answered, "answered twice"
                    answered[message["request_id"]] = message["status"]
                    if message["status"] == "ok":
                        place = (message["result"]["epoch"], message["result"]["seq"])
                        self.acked[message["request_id"]] = place
        assert (len(answered), n_ended) == (self.n_published, self.n_deleted)
        by_place = {(epoch, seq): payload for (_, epoch, seq), payload in self.places.items()}
        for payload, place in self.acked.items():
            assert by_place.get(place, payload) == payload
        if self.is_calm:
            assert set(answered.values()) == {"ok"}
