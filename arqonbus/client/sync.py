"""The same bus for programs without asyncio: every call blocks, a handle is an iterator.

    from arqonbus.client.sync import connect

    with connect("ws://127.0.0.1:9100/") as bus, bus.subscribe("science:explore") as channel:
        bus.publish("science:explore", {"n": 1}, ack=True)
        for message in channel:
            print(message.data)

Each bus has a daemon thread in which the asynchronous bus runs; the methods here pass calls on and wait. Names and
arguments are those of `arqonbus.client`, and a test compares them. A bus may be used from several threads. Callbacks
(`on_state`, `on_error`, `on_gap`, a token function) run in its thread and must not call the bus.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from arqonbus.client.bus import DRAIN_S, Drained
from arqonbus.client.bus import Bus as AsyncBus
from arqonbus.client.core import Stats
from arqonbus.client.errors import BusClosed, ClientError, ReplyError
from arqonbus.client.message import Message
from arqonbus.client.options import CallOptions, ConnectOptions, PublishOptions, QueueOptions, SubscribeOptions
from arqonbus.client.results import Ack, BroadcastAck, PrivateAck
from arqonbus.client.state import State
from arqonbus.client.subscription import Subscription as AsyncSubscription
from arqonbus.client.sync_commands import SyncCommands
from arqonbus.client.sync_handles import BusThread, Presence, Subscription

__all__ = ["Bus", "Presence", "Subscription", "connect"]

T = TypeVar("T")
R = TypeVar("R")


def connect(url: str, **options: Unpack[ConnectOptions]) -> Bus:
    """Make a bus for a server; it opens with `with`, or with `open`. See `arqonbus.client.connect`."""
    return Bus(url, **options)


class Bus(SyncCommands):
    """One client of a server, for blocking code; see `arqonbus.client.Bus`."""

    def __init__(self, url: str, **options: Unpack[ConnectOptions]) -> None:
        self._bus = AsyncBus(url, **options)  # first: wrong options raise before there is a thread
        self._thread = BusThread()

    def _run(self, work: Coroutine[Any, Any, R]) -> R:
        return self._thread.run(work)

    # --- life -------------------------------------------------------------------------------------------------------

    def open(self) -> Self:
        """Connect, and wait for the first session. See `arqonbus.client.Bus.open`."""
        atexit.register(self.close, timeout_s=0)
        try:
            self._run(self._bus.open())
        except BaseException:
            self.close(timeout_s=0)
            raise
        return self

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(timeout_s=None if error is None else 0)

    def close(self, *, timeout_s: float | None = None) -> None:
        """Send what waits, then end. Closing twice is fine."""
        atexit.unregister(self.close)
        with suppress(BusClosed):
            self._run(self._bus.close(timeout_s=timeout_s))
        self._thread.stop()

    def drain(self, *, timeout_s: float = DRAIN_S) -> Drained:
        """End in order. See `arqonbus.client.Bus.drain`."""
        drained = self._run(self._bus.drain(timeout_s=timeout_s))
        self.close(timeout_s=0)
        return drained

    @property
    def state(self) -> State:
        """Where the bus is in its life."""
        return self._bus.state

    @property
    def client(self) -> str | None:
        """The client id that the server gave."""
        return self._bus.client

    @property
    def user(self) -> str | None:
        """The user that the server knows this client as."""
        return self._bus.user

    @property
    def error(self) -> ClientError | None:
        """What the bus ended with, or why the last dial failed."""
        return self._bus.error

    def stats(self) -> Stats:
        """Count what came and went, and what waits."""
        return self._bus.stats()

    # --- sending ----------------------------------------------------------------------------------------------------

    def publish(
        self, address: str, data: object = None, *, ack: bool = False, **options: Unpack[PublishOptions]
    ) -> Ack | None:
        """Send an event to a channel. See `arqonbus.client.Bus.publish`."""
        return self._run(self._bus.publish(address, data, ack=ack, **options))

    def send_private(
        self, to: str | list[str], data: object = None, *, ack: bool = False, **options: Unpack[PublishOptions]
    ) -> PrivateAck | None:
        """Send a private message to clients by id."""
        return self._run(self._bus.send_private(to, data, ack=ack, **options))

    def broadcast(
        self, room: str, data: object = None, *, ack: bool = False, **options: Unpack[PublishOptions]
    ) -> BroadcastAck | None:
        """Send a message to every member of a room."""
        return self._run(self._bus.broadcast(room, data, ack=ack, **options))

    def request(
        self,
        address: str | None = None,
        data: object = None,
        *,
        to: str | None = None,
        type: Any = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """Ask something and wait for the answer. See `arqonbus.client.Bus.request`."""
        return self._run(self._bus.request(address, data, to=to, type=type, **options))

    def request_message(
        self,
        address: str | None = None,
        data: object = None,
        *,
        to: str | None = None,
        type: Any = None,
        **options: Unpack[CallOptions],
    ) -> Message[Any]:
        """Ask something and give the whole message that answers."""
        return self._run(self._bus.request_message(address, data, to=to, type=type, **options))

    def reply(
        self, message: Message[Any], data: object = None, *, ack: bool = False, **options: Unpack[PublishOptions]
    ) -> PrivateAck | None:
        """Answer a message."""
        return self._run(self._bus.reply(message, data, ack=ack, **options))

    def reply_error(self, message: Message[Any], code: str, text: str = "") -> None:
        """Answer a request with an error."""
        self._run(self._bus.reply_error(message, code, text))

    # --- handles ----------------------------------------------------------------------------------------------------

    def subscribe(self, address: str, *, type: Any = None, **options: Unpack[SubscribeOptions]) -> Subscription[Any]:
        """Make a handle for a channel or a whole room. See `arqonbus.client.Bus.subscribe`."""
        return self._handle(lambda: self._bus.subscribe(address, type=type, **options))

    def inbox(self, *, type: Any = None, **options: Unpack[QueueOptions]) -> Subscription[Any]:
        """Make a handle for private messages, save replies to requests."""
        return self._handle(lambda: self._bus.inbox(type=type, **options))

    def broadcasts(
        self, room: str | None = None, *, type: Any = None, **options: Unpack[QueueOptions]
    ) -> Subscription[Any]:
        """Make a handle for the broadcasts of a room, or (None) of all."""
        return self._handle(lambda: self._bus.broadcasts(room, type=type, **options))

    def presence(self, address: str) -> Presence:
        """Make a handle that follows who is in a channel, or (`room:*`) in a room."""
        return Presence(self._bus.presence(address), self._thread)

    def serve(
        self,
        address: str,
        handler: Callable[[Message[Any]], object],
        *,
        type: Any = None,
        **options: Unpack[SubscribeOptions],
    ) -> None:
        """Answer the requests that come to a channel, one after the other, in this thread, until the bus ends."""
        with self.subscribe(address, type=type, **options) as requests:
            for request in requests:
                self._answer(request, handler)

    def _answer(self, request: Message[Any], handler: Callable[[Message[Any]], object]) -> None:
        try:
            data = handler(request)
        except ReplyError as error:
            self.reply_error(request, error.code, error.message)
        except Exception as error:  # noqa: BLE001 - a handler of the user may raise anything; the next request counts
            self.reply_error(request, ReplyError.default_code)
            self._bus.report(error)
        else:
            self.reply(request, data)

    def _handle(self, make: Callable[[], AsyncSubscription[T]]) -> Subscription[T]:
        return Subscription(make(), self._thread)
