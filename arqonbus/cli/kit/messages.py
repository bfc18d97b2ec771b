"""Messages on stdout: a record with ``--json``, a short line on a terminal, the payload alone in a pipe."""

from __future__ import annotations

from typing import Any

from arqonbus.cli.kit.failures import note
from arqonbus.cli.kit.output import Output
from arqonbus.cli.kit.payloads import line_of
from arqonbus.cli.kit.records import GapRecord, MessageRecord
from arqonbus.cli.kit.terminal import printable
from arqonbus.client import Gap, Message

__all__ = ["MessageWriter", "gap_text", "record_of"]


class MessageWriter:
    """Writes messages and gaps.

    Args:
        out: where to
        raw: whether texts are written without quotes
        with_address: whether a terminal is shown the address of each
        with_date: whether it is shown the day
    """

    def __init__(self, out: Output, *, raw: bool = False, with_address: bool = False, with_date: bool = False) -> None:
        self._out = out
        self._raw = raw
        self._with_address = with_address
        self._with_date = with_date

    def show(self, message: Message[Any]) -> None:
        """Write one message."""
        out = self._out
        if out.as_json:
            out.record(record_of(message))
            return
        text = line_of(message.raw, raw=self._raw)
        if message.kind == "telemetry":
            text = f"{message.event} {text}"
        if out.is_terminal:
            text = printable(text)  # who published it does not give orders to the terminal of who reads it
        out.line(f"{self._heading(message)}{text}" if out.is_terminal and not self._raw else text)

    def _heading(self, message: Message[Any]) -> str:
        time = message.timestamp[0 if self._with_date else 11 : 19].replace("T", " ")
        parts = [time, message.address if self._with_address else "", f"#{message.seq}" if message.seq else ""]
        return self._out.painted("  ".join(part for part in parts if part), "dim") + "  "

    def lose(self, gap: Gap, address: str) -> None:
        """Tell of a gap: in the records, or on stderr."""
        if not self._out.as_json:
            note(gap_text(gap, address))
            return
        self._out.record(
            GapRecord(
                address=address,
                epoch=gap.epoch,
                first=gap.first,
                last=gap.last,
                missed=gap.missed,
                reason=gap.reason,
                exact=gap.exact,
            )
        )


def record_of(message: Message[Any]) -> MessageRecord:
    """Make the record of a message."""
    return MessageRecord(
        kind=message.kind,
        address=message.address,
        seq=message.seq,
        epoch=message.epoch,
        id=message.id,
        sender=message.sender,
        timestamp=message.timestamp,
        payload=message.raw,
        metadata=message.metadata,
        reply_to=message.reply_to,
        replay=message.replay,
        event=message.event,
    )


def gap_text(gap: Gap, address: str) -> str:
    """Write a gap for people."""
    least = "" if gap.exact else "at least "
    events = "event is" if gap.missed == 1 else "events are"
    where = f"#{gap.first}" if gap.first == gap.last else f"#{gap.first} to #{gap.last}"
    return f"{address}: {least}{gap.missed} {events} missing, {where} ({gap.reason})"
