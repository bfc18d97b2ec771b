"""Exposition: the numbers of `/metrics`, read back from their text. Pure.

Source: Prometheus text format 0.0.4. Only what our own server writes is read: no timestamps, no escapes in names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["Numbers", "quantile_between", "read"]

Numbers = Mapping[str, float]
"""By name with labels, as `arqonbus_io_bytes_total{direction="in"}`."""

_LINE: Final = re.compile(r"^([a-z_:]+(?:\{[^}]*\})?) (\S+)$")
_BOUND: Final = re.compile(r'le="([^"]+)"')


def read(text: str) -> Numbers:
    """Read every number; what cannot be read is left out."""
    found = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            try:
                found[match[1]] = float(match[2])
            except ValueError:
                continue
    return found


def quantile_between(before: Numbers, now: Numbers, histogram: str, part: float) -> float | None:
    """Give a quantile of what was counted between two readings: the upper bound of its bucket.

    Args:
        before: the first reading; may be empty, for everything since the start
        now: the second
        histogram: name, without labels
        part: 0 to 1

    Returns:
        None: nothing was counted. A value above the last bound is that bound.
    """
    rows = []
    for name, value in now.items():
        if name.startswith(f"{histogram}_bucket{{") and (bound := _BOUND.search(name)) is not None:
            rows.append((float(bound[1]), value - before.get(name, 0.0)))
    rows.sort()
    if not rows or rows[-1][1] <= 0:
        return None
    wanted = part * rows[-1][1]
    last = max((bound for bound, _ in rows if bound != float("inf")), default=0.0)
    return next(min(bound, last) for bound, count in rows if count >= wanted)
