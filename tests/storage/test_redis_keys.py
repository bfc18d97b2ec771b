"""Keys: one slot for each room, nothing unchecked in a name."""

from binascii import crc_hqx
from collections import Counter

import pytest

from arqonbus.storage.redis_keys import PARTITIONS, TAGS, Keys, partition_of, slot_of


def test_each_tag_is_the_middle_slot_of_its_partition() -> None:
    assert len(set(TAGS)) == PARTITIONS == 128
    assert [crc_hqx(tag.encode(), 0) % 16384 for tag in TAGS] == [128 * i + 64 for i in range(128)]
    assert [slot_of(i) for i in range(128)] == [128 * i + 64 for i in range(128)]


def test_the_partition_of_a_name_never_changes() -> None:
    assert [partition_of(name) for name in ("science", "a", "_telemetry")] == [40, 67, 96]


def test_rooms_spread_over_the_partitions() -> None:
    counts = Counter(partition_of(f"room-{i}") for i in range(12_800))

    assert len(counts) == 128
    assert max(counts.values()) < 200


def test_all_keys_of_a_room_have_one_tag() -> None:
    keys = Keys("bus")
    names = [
        keys.log("science", "explore"),
        keys.ids("science", "explore"),
        keys.note("science", "explore"),
        keys.groups("science", "explore"),
        keys.feed("science", "explore"),
        keys.channels("science"),
        keys.room_feed("science"),
        keys.room_line("science"),
        keys.probe(partition_of("science"), "node-1"),
    ]

    assert {name.partition("}")[0] for name in names} == {f"bus:{{{TAGS[40]}"}
    assert len(set(names)) == len(names)


def test_channels_of_pub_sub_name_the_database_since_redis_does_not_tell_them_apart() -> None:
    keys, other = Keys("bus"), Keys("bus", 2)

    assert keys.log("science", "explore") == other.log("science", "explore")
    assert other.feed("science", "explore") == f"bus:{{{TAGS[40]}}}:2:c:science/explore"
    for name in ("room_feed", "client_feed", "inbox"):
        assert getattr(keys, name)("a") != getattr(other, name)("a")
    assert keys.probe(0, "a") != other.probe(0, "a")
    assert keys.all_nodes != other.all_nodes


def test_keys_look_as_documented() -> None:
    keys = Keys("abus")

    assert keys.log("science", "explore") == f"abus:{{{TAGS[40]}}}:h:science/explore"
    assert keys.meta == "abus:{qfs}:meta"
    assert keys.node("node-1") == "abus:{qfs}:n:node-1"


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a:b", "{a}", "a\n", "é", "x" * 65, "*"])
def test_no_key_is_made_of_a_name_that_is_none(name: str) -> None:
    keys = Keys("bus")
    makers = [
        lambda: keys.log(name, "c"),
        lambda: keys.log("r", name),
        lambda: keys.channels(name),
        lambda: keys.room_feed(name),
        lambda: keys.client_feed(name),
        lambda: keys.inbox(name),
        lambda: keys.node(name),
        lambda: keys.probe(0, name),
        lambda: keys.room_line(name),
        lambda: keys.reaping(name),
    ]

    for make in makers:
        with pytest.raises(ValueError, match="checked name"):
            make()
