"""Record: what every object that ``--json`` writes has; the kinds are in `records` and `measures`."""

from typing import Literal

from msgspec import Struct

__all__ = ["Record"]


class Record(Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """One object of the output."""

    v: Literal[1] = 1
