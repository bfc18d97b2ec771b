"""Sessions for tests of the transport: they stand where an actor's Ref would, and record."""

import asyncio
from collections.abc import Callable
from typing import Any

from arqonbus.protocol.envelope import Event
from arqonbus.protocol.frames import text_frame
from arqonbus.routing.mail import Deliver, Inbound, Invalid, Lost, Writable
from arqonbus.routing.socket import Hello, Socket


class RecordingSession:
    """Takes all mail up to `room` (None: no bound); the test decides when there is room again."""

    name = "session"

    def __init__(self, socket: Socket, hello: Hello, room: int | None = None) -> None:
        self.socket = socket
        self.hello = hello
        self.room = room
        self.alive = True
        self.mails: list[Any] = []
        self.signals: list[Any] = []
        self.waiting: list[Callable[[], None]] = []
        self.lost: asyncio.Future[Lost] = asyncio.get_running_loop().create_future()

    def tell(self, mail: Any, weight: int = 0) -> bool:
        if not self.alive or (self.room is not None and len(self.mails) >= self.room):
            return False
        self.mails.append(mail)
        self.on_mail(mail)
        return True

    def signal(self, mail: Any) -> bool:
        self.signals.append(mail)
        if isinstance(mail, Lost):
            self.lost.set_result(mail)
        self.on_signal(mail)
        return self.alive

    def on_room(self, callback: Callable[[], None]) -> None:
        self.waiting.append(callback)

    def make_room(self) -> None:
        """Forget the mail so far, and tell those that wait, from the loop as the kernel does."""
        self.mails.clear()
        waiting, self.waiting = self.waiting, []
        for callback in waiting:
            asyncio.get_running_loop().call_soon(callback)

    def on_mail(self, mail: Any) -> None:
        """Do nothing."""

    def on_signal(self, mail: Any) -> None:
        """Do nothing."""

    def payloads(self) -> list[bytes]:
        return [bytes(mail.envelope.payload) for mail in self.mails if isinstance(mail, Inbound)]


class EchoSession(RecordingSession):
    """Writes the payload of each event back as a text message; keeps what the socket does not take."""

    def __init__(self, socket: Socket, hello: Hello, room: int | None = None) -> None:
        super().__init__(socket, hello, room)
        self.queue: list[bytes] = []
        self.is_writable = True

    def on_mail(self, mail: Any) -> None:
        match mail:
            case Inbound(envelope=Event(payload=payload)):
                self.send(bytes(payload))
            case Invalid(refusal=refusal):
                self.send(refusal.code.encode())
        self.mails.clear()

    def on_signal(self, mail: Any) -> None:
        match mail:
            case Deliver(texts=texts):
                self.send(texts[0])
            case Writable():
                self.is_writable = True
                queue, self.queue = self.queue, []
                for text in queue:
                    self.send(text)

    def send(self, text: bytes) -> None:
        if self.is_writable:
            self.is_writable = self.socket.write(text_frame(text), (text,))
        else:
            self.queue.append(text)


class Sessions:
    """An `open_session` that keeps what it made."""

    def __init__(self, kind: type[RecordingSession] = RecordingSession, room: int | None = None) -> None:
        self.kind = kind
        self.room = room
        self.all: list[RecordingSession] = []
        self._opened = asyncio.Event()

    def __call__(self, socket: Socket, hello: Hello) -> Any:
        session = self.kind(socket, hello, self.room)
        self.all.append(session)
        self._opened.set()
        return session

    async def first(self) -> RecordingSession:
        await asyncio.wait_for(self._opened.wait(), 5)
        return self.all[0]
