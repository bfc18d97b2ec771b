"""Arguments that several commands take."""

from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest

from arqonbus.cli.kit.arguments import channel, channel_or_room, count, header, place, rate


def test_an_address_is_read_as_the_command_wants_it() -> None:
    assert channel("science:explore") == "science:explore"
    assert channel_or_room("science:explore") == "science:explore"
    assert channel_or_room("science:*") == channel_or_room("science") == "science:*"
    assert place("science") == place("science:*") == "science"
    assert place("science:explore") == "science:explore"


@pytest.mark.parametrize(
    ("read", "text"),
    [(channel, "science"), (channel, "science:*"), (channel, ""), (channel, "a:b:c"), (channel_or_room, "a b"),
     (place, ":x"), (count, "0"), (count, "-1"), (count, "1.5"), (count, "x"), (count, "²"), (rate, "0"), (rate, "x"),
     (rate, "1/d"), (rate, "inf"), (rate, "nan"), (header, "x"), (header, "=x")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_what_was_expected(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"^expected .*, got "):
        read(text)


def test_counts_rates_and_headers() -> None:
    assert count("12") == 12
    assert [rate(text) for text in ("100", "100/s", "6/m", "36/h", "0.5")] == [100, 100, 0.1, 0.01, 0.5]
    assert header("a=b=c") == ("a", "b=c")
