"""What the scripts do to a log, on a real Redis; told by their answers and by what is in Redis afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import redis as redis_py

from arqonbus.storage.redis_reads import CATCH_UP
from arqonbus.storage.redis_scripts import APPEND, BUMP, DELETE, OPEN, Script
from tests.storage.redis_server import RedisServer

pytestmark = pytest.mark.integration

FRESH = 1_000
TTL = 60_000


class Log:
    """One log, spoken to in scripts only."""

    def __init__(self, client: redis_py.Redis) -> None:
        self.client = client

    def run(self, script: Script, keys: list[str], *args: Any) -> Any:
        assert len(keys) == script.n_keys
        return self.client.eval(script.text, len(keys), *keys, *args)

    def append(
        self,
        *entries: tuple[str, str, str],
        known: int = 0,
        fresh: int = FRESH,
        keep: int = 100,
        ids_ttl: int = 5000,
        tried: str = "",
        most_grouped: int = 0,
        now: int = 1,
        touch: int = 0,
    ) -> Any:
        return self.run(
            APPEND,
            ["log", "ids:1", "ids:0", "groups"],
            *("feed", "PUBLISH", keep, known, fresh, TTL, touch, ids_ttl, now, tried, most_grouped),
            *(part for entry in entries for part in entry),
        )

    def open(self, note: str = "note", fresh: int = FRESH, make: int = 1) -> Any:
        return self.run(OPEN, ["log", "note", "channels"], fresh, note, TTL, "explore", 7, "room", "PUBLISH", make)

    def bump(self, known: int, fresh: int = FRESH) -> Any:
        return self.run(BUMP, ["log"], "feed", "PUBLISH", known, fresh, TTL)

    def marks(self) -> list[tuple[str, str]]:
        return [(position, fields["m"]) for position, fields in self.client.xrange("log")]

    def top(self) -> str:
        return str(self.client.xinfo_stream("log")["last-generated-id"])


@pytest.fixture
def log(redis_server: RedisServer) -> Any:
    with redis_server.client() as client:
        yield Log(client)


def one(mark: str, key: str = "", text: str = "{}") -> tuple[str, str, str]:
    return key, mark, text


def many(first: int, last: int) -> list[tuple[str, str, str]]:
    return [one(f"m{n}") for n in range(first, last + 1)]


# --- append -----------------------------------------------------------------------------------------------------


def test_the_first_append_makes_the_log_in_a_fresh_epoch(log: Log) -> None:
    assert log.append(one("m1"), one("m2")) == ["1000-1", "1000-2"]
    assert 0 < log.client.pttl("log") <= TTL


def test_entries_hold_mark_time_and_text(log: Log) -> None:
    log.append(one("m1", text='{"n":1}'), now=77)

    assert log.client.xrange("log") == [("1000-1", {"m": "m1", "t": "77", "d": '{"n":1}'})]


def test_seqs_go_on_whether_the_node_knows_the_epoch_or_not(log: Log) -> None:
    log.append(one("m1"))

    assert log.append(one("m2"), known=FRESH) == ["1000-2"]
    assert log.append(one("m3"), known=0) == ["1000-3"]
    assert log.append(one("m4"), known=999) == ["1000-4"]


def test_what_is_appended_is_published_with_its_positions_in_one_frame(log: Log, redis_server: RedisServer) -> None:
    with redis_server.client() as listener, listener.pubsub() as feed:
        feed.subscribe("feed")
        assert feed.get_message(timeout=5)["type"] == "subscribe"
        log.append(one("m1", text="ab"), one("m2", text="c\n"))

        assert feed.get_message(timeout=5)["data"] == "1000-1 m1 2\nab1000-2 m2 2\nc\n"


def test_the_oldest_go_when_there_are_too_many(log: Log) -> None:
    log.append(*many(1, 5), keep=3)

    assert log.marks() == [("1000-3", "m3"), ("1000-4", "m4"), ("1000-5", "m5")]


def test_a_log_may_keep_nothing_and_count_all_the_same(log: Log) -> None:
    assert log.append(*many(1, 2), keep=0) == ["1000-1", "1000-2"]
    assert log.append(one("m3"), keep=0, known=FRESH) == ["1000-3"]
    assert log.marks() == []


def test_the_same_key_is_the_same_event(log: Log) -> None:
    assert log.append(one("m1", "ada:a1"), one("m2", "ada:a1"), one("m3", "bob:a1")) == [
        "1000-1",
        "=1000-1 m1",
        "1000-2",
    ]
    assert log.append(one("m4", "ada:a1")) == ["=1000-1 m1"]
    assert log.marks() == [("1000-1", "m1"), ("1000-2", "m3")]


def test_a_key_of_the_window_before_is_known_too(log: Log) -> None:
    log.client.hset("ids:0", "ada:a1", "900-4 m0")

    assert log.append(one("m1", "ada:a1")) == ["=900-4 m0"]


def test_keys_are_forgotten_by_redis(log: Log) -> None:
    log.append(one("m1", "ada:a1"), ids_ttl=5000)

    assert 0 < log.client.pttl("ids:1") <= 5000


def test_without_dedupe_every_event_is_another_one(log: Log) -> None:
    assert log.append(one("m1", "ada:a1"), one("m2", "ada:a1"), ids_ttl=0) == ["1000-1", "1000-2"]


def test_nothing_is_published_when_nothing_is_new(log: Log, redis_server: RedisServer) -> None:
    log.append(one("m1", "ada:a1"))
    with redis_server.client() as listener, listener.pubsub() as feed:
        feed.subscribe("feed")
        feed.get_message(timeout=5)
        log.append(one("m2", "ada:a1"))

        assert feed.get_message(timeout=0.05) is None


def test_a_log_that_went_back_behind_our_epoch_is_carried_over_and_appended_to(log: Log) -> None:
    log.append(*many(1, 3))

    assert log.append(one("m4"), known=5000) == ["5001-4"]
    assert log.marks() == [("5001-1", "m1"), ("5001-2", "m2"), ("5001-3", "m3"), ("5001-4", "m4")]


def test_the_life_of_the_log_is_lengthened_when_the_node_says_so(log: Log) -> None:
    log.append(one("m1"))
    log.client.pexpire("log", 1000)

    log.append(one("m2"))
    assert log.client.pttl("log") <= 1000
    log.append(one("m3"), touch=1)
    assert log.client.pttl("log") > 1000


def test_a_log_with_groups_is_not_trimmed_but_full_at_a_bound(log: Log) -> None:
    log.append(*many(1, 2))
    log.client.xgroup_create("log", "g", "0")
    log.client.hset("groups", "g", "{}")

    assert log.append(*many(3, 5), keep=1, most_grouped=5) == ["1000-3", "1000-4", "1000-5"]
    assert len(log.marks()) == 5
    with pytest.raises(redis_py.ResponseError, match="FULL"):
        log.append(one("m6"), keep=1, most_grouped=5)
    assert len(log.append(one("m6"), keep=1)) == 1


def test_a_key_of_another_kind_is_an_error_for_each_entry(log: Log) -> None:
    log.client.set("log", "x")

    (answer,) = log.append(one("m1"))
    assert answer.startswith("!WRONGTYPE")


# --- append again, after an answer was lost ---------------------------------------------------------------------


def test_an_attempt_that_was_executed_is_found_by_its_mark(log: Log) -> None:
    log.append(*many(1, 3))
    log.append(*many(4, 5), known=FRESH)

    assert log.append(*many(4, 6), known=FRESH, tried="3") == ["=1000-4 m4", "=1000-5 m5", "1000-6"]


def test_an_attempt_that_was_not_executed_is_made_now(log: Log) -> None:
    log.append(*many(1, 3))

    assert log.append(*many(4, 5), known=FRESH, tried="3") == ["1000-4", "1000-5"]


def test_others_entries_do_not_hide_an_attempt(log: Log) -> None:
    log.append(*many(1, 3))
    log.append(one("other"), known=FRESH)
    log.append(one("m4"), known=FRESH)

    assert log.append(one("m4"), known=FRESH, tried="3") == ["=1000-5 m4"]


def test_an_attempt_whose_trace_was_trimmed_stays_unsure(log: Log) -> None:
    log.append(*many(1, 3))
    log.append(*many(4, 9), known=FRESH, keep=2)

    assert log.append(one("m4"), known=FRESH, tried="3", keep=2) == ["?"]
    assert log.append(one("m9"), known=FRESH, tried="3", keep=2) == ["=1000-9 m9"]
    assert log.top() == "1000-9"


def test_an_attempt_on_a_log_that_keeps_nothing_stays_unsure_when_anything_was_appended(log: Log) -> None:
    log.append(*many(1, 3), keep=0)
    assert log.append(one("m4"), known=FRESH, tried="3", keep=0) == ["1000-4"]

    assert log.append(one("m4"), known=FRESH, tried="3", keep=0) == ["?"]


def test_an_attempt_on_a_log_that_is_gone_is_made_anew(log: Log) -> None:
    assert log.append(one("m4"), known=900, tried="3") == ["1000-1"]


def test_an_attempt_before_a_change_of_epoch_is_found_behind_it(log: Log) -> None:
    log.append(*many(1, 4))
    log.bump(FRESH, 2000)

    assert log.append(one("m4"), one("m5"), known=FRESH, tried="3") == ["=2000-4 m4", "2000-5"]


def test_an_attempt_on_a_log_that_went_back_is_made_anew(log: Log) -> None:
    log.append(*many(1, 2))

    assert log.append(one("m4"), known=FRESH, tried="3") == ["1000-3"]


# --- open, bump, delete -----------------------------------------------------------------------------------------


def test_opening_makes_a_log_at_position_zero_with_its_note(log: Log) -> None:
    assert log.open("options") == ["1000-0", "options", "1"]
    assert log.append(one("m1"), known=FRESH) == ["1000-1"]
    assert log.client.zrange("channels", 0, -1, withscores=True) == [("explore", 7.0)]
    assert log.client.pttl("note") > 0


def test_the_note_of_the_first_stands(log: Log) -> None:
    log.open("first")

    assert log.open("second", fresh=2000) == ["1000-0", "first", "0"]


def test_a_log_that_an_append_made_gets_its_note_from_the_next_who_opens_it(log: Log) -> None:
    log.append(one("m1"))

    assert log.open("note") == ["1000-1", "note", "0"]
    assert log.client.zrange("channels", 0, -1) == ["explore"]


def test_looking_makes_nothing(log: Log) -> None:
    assert log.open(make=0) is None
    assert log.client.keys() == []
    log.open("note")
    assert log.open("other", make=0) == ["1000-0", "note", "0"]


def test_a_bump_carries_everything_over_into_a_newer_epoch(log: Log) -> None:
    log.append(*many(1, 3), keep=2)
    log.client.pexpire("log", 30_000)

    assert log.bump(FRESH, 2000) == "2000-2"
    assert log.client.xrange("log") == [
        ("2000-1", {"m": "m2", "t": "1", "d": "{}", "o": "1000-2"}),
        ("2000-2", {"m": "m3", "t": "1", "d": "{}", "o": "1000-3"}),
    ]
    assert log.append(one("m4"), known=2000) == ["2000-3"]


def test_a_bump_that_another_node_made_already_changes_nothing(log: Log) -> None:
    log.append(*many(1, 3))
    log.bump(FRESH, 2000)

    assert log.bump(FRESH, 3000) == "2000-3"


def test_a_bump_of_an_empty_log_begins_anew_at_zero(log: Log) -> None:
    log.append(*many(1, 3), keep=0)

    assert log.bump(FRESH, 2000) == "2000-0"
    assert log.append(one("m4"), known=2000) == ["2000-1"]


def test_a_bump_of_no_log_makes_one_in_an_epoch_newer_than_any_known(log: Log) -> None:
    assert log.bump(5000, 2000) == "5001-0"
    assert log.client.pttl("log") > 0


def test_a_bump_is_told_to_all_nodes(log: Log, redis_server: RedisServer) -> None:
    log.append(one("m1"))
    with redis_server.client() as listener, listener.pubsub() as feed:
        feed.subscribe("feed")
        feed.get_message(timeout=5)
        log.bump(FRESH, 2000)

        assert feed.get_message(timeout=5)["data"] == "!bumped 2000-1"


def test_a_bump_keeps_what_groups_have_in_work_and_what_they_have_had(log: Log) -> None:
    log.append(*many(1, 5))
    client = log.client
    client.xgroup_create("log", "g", "0")
    client.xgroup_create("log", "idle", "1000-2")
    client.xreadgroup("g", "worker", {"log": ">"}, count=3)
    client.xack("log", "g", "1000-1")

    log.bump(FRESH, 2000)

    pending = client.xpending_range("log", "g", "-", "+", 10)
    assert [(p["message_id"], p["consumer"], p["times_delivered"]) for p in pending] == [
        ("2000-2", "worker", 1),
        ("2000-3", "worker", 1),
    ]
    fresh = client.xreadgroup("g", "worker", {"log": ">"}, count=9)
    assert [position for position, _ in fresh[0][1]] == ["2000-4", "2000-5"]
    fresh = client.xreadgroup("idle", "worker", {"log": ">"}, count=9)
    assert [position for position, _ in fresh[0][1]] == ["2000-3", "2000-4", "2000-5"]


def test_deleting_forgets_everything_and_tells_both_feeds(log: Log, redis_server: RedisServer) -> None:
    log.open()
    log.append(one("m1", "ada:a1"))
    with redis_server.client() as listener, listener.pubsub() as feed:
        feed.subscribe("feed", "room")
        feed.get_message(timeout=5)
        feed.get_message(timeout=5)
        keys = ["log", "note", "groups", "ids:1", "ids:0", "channels"]
        assert log.run(DELETE, keys, "explore", "feed", "room", "PUBLISH") == 1

        assert [feed.get_message(timeout=5)["data"] for _ in range(2)] == ["!deleted", "-explore"]
        assert log.run(DELETE, keys, "explore", "feed", "room", "PUBLISH") == 0
    assert log.client.keys() == []


def test_what_was_deleted_begins_in_another_epoch(log: Log) -> None:
    log.append(one("m1"))
    log.client.delete("log")

    assert log.append(one("m2"), known=FRESH, fresh=2000) == ["2000-1"]


def test_scripts_are_known_by_the_hash_of_their_text(log: Log) -> None:
    assert log.client.script_load(APPEND.text) == APPEND.sha
    assert len({script.sha for script in (APPEND, OPEN, BUMP, DELETE, CATCH_UP)}) == 5
