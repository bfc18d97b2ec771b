"""Handles: how the bus makes what reads, and keeps count of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar, Unpack, overload

from msgspec import Struct

from arqonbus.client.codec import EventIn
from arqonbus.client.commands import single_place
from arqonbus.client.connection import Connection
from arqonbus.client.core import Core
from arqonbus.client.decoding import decoder_for
from arqonbus.client.feed import Feed, FeedBounds
from arqonbus.client.message import Message
from arqonbus.client.messaging import Messaging, Responder
from arqonbus.client.opening import Place
from arqonbus.client.options import QueueOptions, SubscribeOptions, check_names, picked
from arqonbus.client.presence import Presence
from arqonbus.client.reports import Reports
from arqonbus.client.roster import Roster
from arqonbus.client.seat import Seat, Wanted
from arqonbus.client.subscription import Subscription
from arqonbus.protocol.names import is_name, join_address

__all__ = ["Handles"]

T = TypeVar("T")


class Handles(Messaging):
    """The part of the bus that reads. A handle joins when it is opened, and belongs to the bus's event loop."""

    _connection: Connection
    _reports: Reports

    def __init__(self) -> None:
        self._open_handles: set[Subscription[Any] | Presence] = set()
        self._n_running = 0  # handlers' loops of `run` and `serve`

    # --- making them ------------------------------------------------------------------------------------------------

    @overload
    def subscribe(self, address: str, *, type: type[T], **options: Unpack[SubscribeOptions]) -> Subscription[T]: ...

    @overload
    def subscribe(
        self, address: str, *, type: Callable[[Any], T], **options: Unpack[SubscribeOptions]
    ) -> Subscription[T]: ...

    @overload
    def subscribe(
        self, address: str, *, type: None = None, **options: Unpack[SubscribeOptions]
    ) -> Subscription[Any]: ...

    def subscribe(self, address: str, *, type: Any = None, **options: Unpack[SubscribeOptions]) -> Subscription[Any]:
        """Make a handle for a channel (`room:channel`) or a whole room (`room:*`).

        Args:
            address: what to read
            type: how payloads are read: a dataclass, Struct, TypedDict, pydantic model, or a function of the JSON
                value; None: plain JSON values
            **options: see SubscribeOptions
        """
        check_names("subscribe", options, SubscribeOptions)
        names = single_place(address)
        wanted = picked(Wanted, options)
        feed = self._feed(options, grouped=wanted.group is not None)
        seat = Seat(wanted, feed)
        place = _InChannel(self._core, self._connection, (names["room"], names["channel"]), seat)
        handle = self._subscription(address, feed, place, type, options)
        seat.on_start = handle.has_started
        return handle

    def inbox(self, *, type: Any = None, **options: Unpack[QueueOptions]) -> Subscription[Any]:
        """Make a handle for private messages, save replies to requests."""
        check_names("inbox", options, QueueOptions)
        feed = self._feed(options)
        return self._listening("the inbox", _InInbox(self._core, feed), type, options)

    def broadcasts(
        self, room: str | None = None, *, type: Any = None, **options: Unpack[QueueOptions]
    ) -> Subscription[Any]:
        """Make a handle for the broadcasts of a room, or (None) of all. They come to members of the room's channels."""
        check_names("broadcasts", options, QueueOptions)
        if room is not None and not is_name(room):
            raise ValueError(f"expected a room, got {room!r}")
        feed = self._feed(options)
        place = _InInbox(self._core, feed, broadcasts=True, room=room)
        return self._listening(f"broadcasts of {room or 'all rooms'}", place, type, options)

    def presence(self, address: str) -> Presence:
        """Make a handle that follows who is in a channel, or (`room:*`) in a room."""
        names = single_place(address)
        roster = Roster()
        seat = Seat(Wanted(presence=True), roster=roster)
        place = _InChannel(self._core, self._connection, (names["room"], names["channel"]), seat)
        handle = Presence(address, roster, place, self, open_timeout_s=self._timeout_s)
        seat.on_start = handle.has_started
        return handle

    async def serve(
        self,
        address: str,
        handler: Responder[Any],
        *,
        type: Any = None,
        concurrency: int = 8,
        **options: Unpack[SubscribeOptions],
    ) -> None:
        """Answer the requests that come to a channel, until the bus ends.

        Args:
            address: `room:channel`
            handler: its result is the answer; ReplyError is an answer too; of any other exception the one who asked
                learns only that there was one
            type: how requests are read
            concurrency: handlers at once
            **options: see SubscribeOptions; with `group`, each request goes to one responder of the group
        """
        async with self.subscribe(address, type=type, **options) as requests:
            await requests.run(self._responder(handler), concurrency=concurrency)

    def span(self, message: Message[Any]) -> AbstractContextManager[None]:
        """Give a span around the handling of a message, for loops: `run` and `serve` make one by themselves."""
        return self._tracing.handling(message)

    def _feed(self, options: QueueOptions, *, grouped: bool = False) -> Feed:
        bounds = FeedBounds(
            options.get("queue", 1024),
            options.get("queue_bytes", 4 * 1024 * 1024),
            options.get("when_full", "drop_oldest"),
        )
        return Feed(bounds, grouped=grouped, on_gap=self._reports.guarded(options.get("on_gap")))

    def _listening(self, name: str, place: _InInbox, type: Any, options: QueueOptions) -> Subscription[Any]:
        handle = self._subscription(name, place.feed, place, type, options)
        handle.has_started()  # it has nothing to wait for
        return handle

    def _subscription(self, name: str, feed: Feed, place: Place, type: Any, options: QueueOptions) -> Subscription[Any]:
        return Subscription(
            name,
            feed,
            decoder_for(type),
            place,
            self,
            self._tracing,
            on_decode_error=options.get("on_decode_error", "raise"),
            open_timeout_s=self._timeout_s,
        )

    # --- keeping them (Keeper) --------------------------------------------------------------------------------------

    def opened(self, handle: Any) -> None:
        """Count a handle; called by it."""
        self._open_handles.add(handle)

    def closed(self, handle: Any) -> None:
        """Count it no more; called by it."""
        self._open_handles.discard(handle)
        self.has_read()

    def running(self, change: int) -> None:
        """Count loops of handlers; called by handles."""
        self._n_running += change
        self.has_read()

    def has_read(self) -> None:
        """Do what the core wants; called by handles."""
        self._connection.touch()
        self._stirred()

    def report(self, error: Exception) -> None:
        """Tell of an error that no caller gets."""
        self._reports.error(error)

    async def settle(self, event: EventIn, retry_after_s: float | None) -> int:
        """Acknowledge an event of a durable group; called by its message."""
        if event.delivery is None:
            raise ValueError("expected an event of a durable group")
        address, given = join_address(event.room, event.channel), event.delivery
        return await self.ack(address, given.group, [event.seq], epoch=given.epoch, retry_after_s=retry_after_s)

    def _stirred(self) -> None:
        """Note that something happened; the bus says what for."""

    def _readers(self) -> list[Subscription[Any]]:
        return [handle for handle in self._open_handles if isinstance(handle, Subscription)]


class _InChannel(Struct, frozen=True):
    """The place of a handle in a channel."""

    core: Core
    connection: Connection
    address: tuple[str, str]
    seat: Seat

    def take(self) -> None:
        """See Place."""
        self.core.subscribe(self.address, self.seat, self.connection.now)
        self.connection.touch()

    def leave(self) -> None:
        """See Place."""
        self.core.channels.unsubscribe(self.address, self.seat, self.connection.now)
        self.connection.touch()


class _InInbox(Struct, frozen=True):
    """The place of a handle that reads no channel."""

    core: Core
    feed: Feed
    broadcasts: bool = False
    room: str | None = None

    def take(self) -> None:
        """See Place."""
        self.core.listen(self.feed, broadcasts=self.broadcasts, room=self.room)

    def leave(self) -> None:
        """See Place."""
        self.core.ignore(self.feed)
