"""The witness: passes on, writes down, fails when told."""

import msgspec
import pytest

from arqonbus.errors import StorageError
from arqonbus.storage.history import Retention
from arqonbus.storage.memory import MemoryHistory
from arqonbus.testing.ledger import Ledger
from arqonbus.testing.witness import Faults, Injected, WitnessHistory

MUCH = Retention(messages=10, age_s=60.0, size_bytes=10_000)


class Store:
    def __init__(self) -> None:
        self.faults = Faults()
        self.ledger = Ledger(lambda: 0.0, 0.0)
        memory = MemoryHistory(10_000, 60.0, lambda: 0.0, iter(["e1", "e2"]).__next__)
        self.history = WitnessHistory(memory, self.ledger, self.faults)
        self.log = self.history.open("r", "c", MUCH, b"note")

    def append(self) -> int:
        sending = self.ledger.send("c-1", "c-1", ("r", "c"), "a")
        event = {"payload": sending.n, "seq": self.log.top + 1, "from": "c-1", "id": "a"}
        return self.log.append([msgspec.json.encode(event)])


def test_what_is_stored_is_written_down() -> None:
    store = Store()

    assert (store.append(), store.append()) == (1, 2)
    assert (store.ledger.top(("r", "c")), store.ledger.broken) == (2, [])
    assert [seq for seq, _ in store.log.read().events] == [1, 2]


def test_all_else_is_the_store_s() -> None:
    store = Store()
    store.append()

    assert (store.log.epoch, store.log.top, store.log.keeps, len(store.log.recent)) == ("e1", 1, True, 0)
    assert (store.history.backend, store.history.note("r", "c")) == ("memory", b"note")
    assert (store.history.holds("r", "c"), store.history.holds_any("r")) == (True, True)
    store.log.retain(Retention(messages=0, age_s=60.0, size_bytes=10_000))
    store.log.close()
    store.history.sweep()
    assert store.history.holds("r", "c") is False


def test_a_deletion_is_written_down() -> None:
    store = Store()
    store.history.delete("r", "c")

    assert store.ledger.current == {}
    assert store.history.open("r", "c", MUCH).epoch == "e2"


def test_a_refused_append_changes_nothing() -> None:
    store = Store()
    store.faults.appends = 1

    with pytest.raises(StorageError):
        store.append()
    assert (store.log.top, store.ledger.top(("r", "c")), store.append()) == (0, 0, 1)


def test_faults_come_as_often_as_they_are_due() -> None:
    store = Store()
    store.faults.clock = store.faults.reads = store.faults.broken_appends = 1

    for fail in (store.faults.look_at_clock, store.log.read, store.append):
        with pytest.raises(Injected):
            fail()
        fail()


def test_what_is_healed_fails_no_more() -> None:
    store = Store()
    store.faults.clock = store.faults.reads = store.faults.appends = store.faults.broken_appends = 5
    store.faults.heal()

    store.faults.look_at_clock()
    store.history.open("r", "c", MUCH)
    assert store.append() == 1


def test_the_end_of_a_channel_is_counted() -> None:
    store = Store()
    store.log.close()

    assert store.ledger.n_ended(("r", "c")) == 1
