"""Reading: the work of ``arqonbus sub``. Channels in, lines out, and a note of whatever is missing."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack
from typing import Any

from msgspec import Raw

from arqonbus.cli.kit.connection import DEFAULT_TIMEOUT_S, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure, note
from arqonbus.cli.kit.messages import MessageWriter, gap_text
from arqonbus.cli.kit.output import Output
from arqonbus.cli.kit.past import tell_past
from arqonbus.cli.kit.records import JoinedRecord, PresenceRecord, StateRecord
from arqonbus.cli.kit.running import race
from arqonbus.client import Bus, Change, Gap, Message, Position, Presence, StateChange, SubscribeOptions, Subscription

__all__ = ["Reading"]


class Reading:
    """One run of ``sub``.

    Its handles block when they are full: the program has nothing else to do than to write what it reads, and a stdout
    that is slow is felt by the server at last, which closes the connection; then it goes on behind what was written.

    Args:
        options: of the command line, checked
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._out = Output(as_json=options.json)
        channels: list[str] = list(dict.fromkeys(options.channels))
        self._channels = channels
        several = len(channels) > 1 or channels[0].endswith(":*")
        self._writer = MessageWriter(self._out, raw=options.raw, with_address=several)
        self._n_shown = 0
        self._n_missed = 0
        self._n_joined = 0
        self.is_reading = asyncio.Event()  # every channel is joined
        self._is_up = False
        self._loss: Failure | None = None
        self._is_over = asyncio.Event()  # there are enough messages, or one is missing that may not

    async def run(self, options: argparse.Namespace) -> int:
        """Read until there is a reason to stop. Raises Failure, ClientError."""
        limit_s: float | None = options.timeout
        opening_s = DEFAULT_TIMEOUT_S if limit_s is None else min(DEFAULT_TIMEOUT_S, limit_s)
        try:
            async with asyncio.timeout(limit_s), connected(options, limit_s=opening_s, on_state=self._changed) as bus:
                await race(self._is_over.wait(), *(self._read(bus, address) for address in self._channels))
        except TimeoutError:
            if not self.is_reading.is_set():
                raise Failure(Exit.TIMEOUT, f"nothing could be read within {limit_s:g} s", code="timeout") from None
            if options.count is not None:
                message = f"{self._n_shown} of {options.count} messages came within {limit_s:g} s"
                raise Failure(Exit.TIMEOUT, message, code="timeout") from None
        if self._loss is not None:
            raise self._loss
        return Exit.OK

    def say_good_bye(self) -> None:
        """Say what there was."""
        missing = f", {self._n_missed} missing" if self._n_missed else ""
        self._note(f"{self._n_shown} message{'' if self._n_shown == 1 else 's'}{missing}")

    # --- a channel --------------------------------------------------------------------------------------------------

    async def _read(self, bus: Bus, address: str) -> None:
        options = self._options
        since: Position | None = None
        if options.since is not None:
            since = await tell_past(bus, address, options.since, self._show, lambda gap: self._lose(gap, address))
            if self._is_over.is_set():
                return
        room = address.partition(":")[0]

        def lose(gap: Gap) -> None:
            self._lose(gap, f"{room}:{gap.channel}" if gap.channel else address)

        async with AsyncExitStack() as stack:
            here = await stack.enter_async_context(bus.presence(address)) if options.presence else None
            how: SubscribeOptions = {"since": since, "group": options.group, "on_gap": lose, "when_full": "block"}
            handle = bus.subscribe(address, type=Raw, **how)
            await stack.enter_async_context(handle)
            self._joined(address, handle.position)
            await race(self._show_all(handle), *([] if here is None else [self._tell_all(here, address)]))

    async def _show_all(self, handle: Subscription[Raw]) -> None:
        async for message in handle:
            self._show(message)

    def _joined(self, address: str, position: Position | None) -> None:
        self._n_joined += 1
        if self._n_joined == len(self._channels):
            self.is_reading.set()
        is_room = address.endswith(":*")
        epoch, seq = (None, None) if is_room or position is None else (position.epoch, position.seq)
        if self._out.as_json:
            self._out.record(JoinedRecord(address=address, epoch=epoch, seq=seq))
        else:
            self._note(f"reading {address}" + (f" behind #{seq}" if seq else "") + "; Ctrl-C ends")

    def _show(self, message: Message[Any]) -> bool:
        """Write a message, unless there are enough; give whether more are wanted."""
        if self._is_over.is_set():
            return False
        self._writer.show(message)
        self._n_shown += 1
        if self._n_shown == self._options.count:
            self._is_over.set()
        return not self._is_over.is_set()

    def _lose(self, gap: Gap, address: str) -> None:
        self._n_missed += gap.missed
        if self._options.gaps == "fail":
            self._loss = self._loss or Failure(Exit.LOSS, gap_text(gap, address), code="gap")
            self._is_over.set()
        else:
            self._writer.lose(gap, address)

    # --- who is there -----------------------------------------------------------------------------------------------

    async def _tell_all(self, here: Presence, address: str) -> None:
        async for change in here:
            self._tell(change, address)

    def _tell(self, change: Change, address: str) -> None:
        user = None if change.member is None else change.member.user
        if self._out.as_json:
            self._out.record(
                PresenceRecord(
                    address=address,
                    change=change.kind,
                    client=change.client,
                    user=user,
                    reason=change.reason,
                    count=change.count,
                )
            )
        elif change.client:
            who = f"{change.client} ({user})" if user else change.client
            why = f" ({change.reason})" if change.reason else ""
            self._note(f"{address}: {who} {change.kind}{why}, {change.count} there")
        else:
            self._note(f"{address}: {change.count} there")

    # --- the connection ---------------------------------------------------------------------------------------------

    def _changed(self, change: StateChange) -> None:
        was_up, self._is_up = self._is_up, change.after == "connected"
        if change.after == "reconnecting" and was_up:
            self._state("reconnecting", change.reason or change.cause, False, "the connection was lost; trying again")
        elif change.after == "connected" and change.before == "reconnecting":
            self._state("connected", change.cause, change.resumed, "connected again")

    def _state(self, state: str, reason: str, resumed: bool, text: str) -> None:
        if self._out.as_json:
            self._out.record(StateRecord(state=state, reason=reason, resumed=resumed))
        else:
            self._note(text)

    def _note(self, text: str) -> None:
        if not self._options.quiet:
            note(text)
