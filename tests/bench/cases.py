"""The cases of the benchmark and what each must reach. Data only, nothing runs here.

`prototype_us` and `bare_us` were measured together, on one machine, with a 100-line prototype of the bus and with one
bare uvloop write per delivery. A machine twice as slow doubles both, so the bar is told in bare writes of the same run.
"""

from __future__ import annotations

import json

import msgspec

BAR = 1.3  # the bus with validation, limits and metrics may cost this many times the prototype, which has none of them
IDLE_BAR_BYTES = 10 * 1024  # resident memory of the server per idle connection with one membership
PAYLOAD_BYTES = 128
MARKER = "@T" + "0" * 24  # load.c writes the time of sending and the number of the publish into the digits

__all__ = ["BAR", "CASES", "IDLE_BAR_BYTES", "Case", "Texts", "bare_texts", "bus_texts", "case_named"]


class Case(msgspec.Struct, frozen=True):
    """One shape of load: `groups` channels, each with one publisher (no member itself) and `members` members."""

    name: str
    groups: int
    members: int
    window: int
    """Publishes in flight per publisher."""
    prototype_us: float
    """Server CPU per delivery of the prototype, in microseconds."""
    bare_us: float
    """The same of one bare write per delivery, in the prototype's run."""


CASES = (
    Case("1x100-w1", 1, 100, 1, prototype_us=5.6, bare_us=3.9),
    Case("1x100-w8", 1, 100, 8, prototype_us=1.75, bare_us=3.5),
    Case("1x100-w64", 1, 100, 64, prototype_us=0.27, bare_us=3.9),
    Case("1x1000-w4", 1, 1000, 4, prototype_us=2.9, bare_us=3.8),
    Case("20x10-w4", 20, 10, 4, prototype_us=2.9, bare_us=5.5),
    Case("50x1-w1", 50, 1, 1, prototype_us=11.3, bare_us=7.5),
    Case("50x1-w8", 50, 1, 8, prototype_us=4.2, bare_us=5.7),
)


class Texts(msgspec.Struct, frozen=True):
    """What the generator sends. load.c replaces every GGGG by the number of the group."""

    join: str
    publish: str


def case_named(name: str) -> Case:
    """Return the case of that name.

    Raises: ValueError, naming the known ones.
    """
    for case in CASES:
        if case.name == name:
            return case
    raise ValueError(f"expected one of {', '.join(case.name for case in CASES)}, got {name!r}")


def bus_texts() -> Texts:
    """Frames of the bus protocol: a join, and an event whose payload holds PAYLOAD_BYTES of text."""
    join = {
        "type": "command",
        "id": "join",
        "command": "join_channel",
        "args": {"room": "bench-GGGG", "channel": "load"},
    }
    event = {"type": "event", "room": "bench-GGGG", "channel": "load", "payload": {"m": _body(PAYLOAD_BYTES)}}
    return Texts(_compact(join), _compact(event))


def bare_texts() -> Texts:
    """Frames of bare.py: the group's number leads, the whole publish has PAYLOAD_BYTES."""
    return Texts("JGGGG", "GGGG" + _body(PAYLOAD_BYTES - 4))


def _body(size_bytes: int) -> str:
    return MARKER.ljust(size_bytes, "x")


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
