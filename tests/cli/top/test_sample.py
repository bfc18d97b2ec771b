"""A sample holds what a server may or may not tell."""

import msgspec

from arqonbus.cli.top.sample import Stats


def test_stats_of_a_newer_server_are_read() -> None:
    stats = msgspec.json.decode(b'{"members":1,"loop_lag_ms":0.5,"news":[]}', type=Stats)

    assert stats == Stats(members=1, loop_lag_ms=0.5)
