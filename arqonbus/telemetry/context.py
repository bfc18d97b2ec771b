"""Trace contexts: the field ``traceparent`` of W3C Trace Context, read and written.

Pure. A context that is not sampled is None wherever it travels, so that every hop asks one question only.

Source: W3C Trace Context, section 3.2, version 00.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import UNSET, Raw, Struct, UnsetType

from arqonbus.protocol.envelope import trace_parent

__all__ = ["SAMPLED", "TraceContext", "format_parent", "parse", "parse_raw", "parse_sampled"]

SAMPLED: Final = 0x01
"""The one flag of version 00."""

# Future versions and ids of zeros are refused; flags are bits, so that an odd last digit is the sampled one.
_valid = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
_SAMPLED_DIGITS: Final = frozenset(b"13579bdf")
_RAW_SIZE: Final = 57  # bytes of a JSON text of 55 characters


class TraceContext(Struct, frozen=True, gc=False):
    """One span, as another process names it."""

    trace_id: int
    """128 bits, not 0."""
    span_id: int
    """64 bits, not 0."""
    flags: int = SAMPLED
    """8 bits."""

    @property
    def is_sampled(self) -> bool:
        """Whether whoever made it records the trace."""
        return bool(self.flags & SAMPLED)


def parse(text: str) -> TraceContext | None:
    """Read a ``traceparent``; anything invalid is None. 1 us."""
    if _valid(text) is None:
        return None
    return TraceContext(int(text[3:35], 16), int(text[36:52], 16), int(text[53:], 16))


def parse_sampled(raw: Raw | UnsetType) -> TraceContext | None:
    """Read the field of an envelope; None where it is absent, invalid or not sampled. 0.2 us for one not sampled."""
    if raw is UNSET:
        return None
    data = bytes(raw)
    # The flag first: most that carry a context and are not recorded end here. Escapes make it longer, and are rare.
    if len(data) == _RAW_SIZE and data[-2] not in _SAMPLED_DIGITS:
        return None
    context = parse_raw(raw)
    return context if context is not None and context.is_sampled else None


def parse_raw(raw: Raw | UnsetType) -> TraceContext | None:
    """Read the field of an envelope; None where it is absent or invalid."""
    text = None if raw is UNSET else trace_parent(raw)
    return None if text is None else parse(text)


def format_parent(trace_id: int, span_id: int, flags: int = SAMPLED) -> str:
    """Write a ``traceparent``. 0.6 us."""
    return f"00-{trace_id:032x}-{span_id:016x}-{flags:02x}"
