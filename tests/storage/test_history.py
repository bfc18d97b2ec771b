"""The seam of history is small, and memory fills it; what it promises is in contract.py."""

from arqonbus.storage.history import History, Log
from arqonbus.storage.memory import MemoryHistory, MemoryLog


def promised(seam: type) -> set[str]:
    return {name for name in (*vars(seam), *seam.__annotations__) if not name.startswith("_")}


def test_the_seams_hold_what_they_hold() -> None:
    assert promised(History) == {"backend", "open", "holds", "holds_any", "note", "delete", "sweep"}
    assert promised(Log) == {"epoch", "top", "keeps", "recent", "append", "read", "retain", "close"}


def test_memory_has_all_of_it() -> None:
    assert {name for name in promised(History) if not hasattr(MemoryHistory, name)} == set()
    assert {name for name in promised(Log) if not hasattr(MemoryLog, name)} == set()
