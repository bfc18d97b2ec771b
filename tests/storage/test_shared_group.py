"""The seam of durable groups: who keeps to it, and what its defaults are. What it promises is in group_contract."""

from arqonbus.storage.memory_group import MemoryGroup
from arqonbus.storage.redis_group import RedisGroup
from arqonbus.storage.shared_group import GroupOptions, SharedGroup


def test_both_stores_have_what_the_seam_asks_for() -> None:
    wanted = {name for name in vars(SharedGroup) if not name.startswith("_")}

    assert wanted == {"open", "take", "ack", "give_back", "standing", "close"}
    for kind in (MemoryGroup, RedisGroup):
        assert wanted <= set(dir(kind))


def test_who_says_nothing_gets_half_a_minute_and_five_tries() -> None:
    assert GroupOptions() == GroupOptions(ack_wait_s=30.0, max_deliver=5, dead_letter="", prefetch=32)
