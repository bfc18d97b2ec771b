"""Line: one connection without a socket, both of its ends. The session writes; the client reads when it likes.

open ──cut──▶ cut, unnoticed ──notice──▶ over
  │───────────────hang up, notice──────────▲
  └──close by the server, all read─────────┘
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from arqonbus.actor import Ref
from arqonbus.errors import Refusal
from arqonbus.protocol import codes
from arqonbus.protocol.codec import decode
from arqonbus.routing.mail import Inbound, Invalid, Lost, SessionMail, Writable

__all__ = ["Line", "frames_of"]


def frames_of(chunk: bytes) -> list[bytes]:
    """Take joined, unmasked text frames apart: RFC 6455, section 5.2. Raises ValueError for anything else."""
    texts, at = [], 0
    while at < len(chunk):
        if chunk[at] != 0x81:
            raise ValueError(f"expected a final text frame, got {chunk[at]:#x}")
        size, at = chunk[at + 1], at + 2
        if size >= 126:
            n = 2 if size == 126 else 8
            size, at = int.from_bytes(chunk[at : at + n], "big"), at + n
        texts.append(chunk[at : at + size])
        at += size
    return texts


class Line:
    """One connection; a Socket for its session.

    Args:
        high_bytes: held for the client before the session is told to wait.
        is_compressed: read the texts of a write instead of its frames.
        now: virtual seconds.
    """

    def __init__(self, high_bytes: int, is_compressed: bool, now: Callable[[], float] = lambda: 0.0) -> None:
        self.session: Ref[SessionMail]
        self.is_stalled = False  # the client does not read
        self.is_cut = False  # the client is gone; the server may not know
        self.is_over = False  # both know
        self.closed: int | None = None  # the code with which the server closed
        self.noticed: int | None = None  # the code with which the server saw the connection end
        self.lost_at: float | None = None  # when the server closed it or saw its end, whichever came first
        self.high_bytes = high_bytes
        self._is_compressed = is_compressed
        self._now = now
        self._unread: deque[bytes] = deque()
        self._n_bytes = 0  # held for the client
        self._is_congested = False
        self._unsent: deque[tuple[Inbound | Invalid, int]] = deque()  # what the session has no room for

    # --- Socket -----------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """See Socket."""
        return self.closed is None and not self.is_over

    def write(self, chunk: bytes, texts: Sequence[bytes]) -> bool:
        """See Socket."""
        if self.closed is not None or self.is_over:
            return False
        if not self.is_cut:
            self._unread.extend(texts if self._is_compressed else frames_of(chunk))
        self._n_bytes += len(chunk)
        self._is_congested = self._n_bytes > self.high_bytes
        return not self._is_congested

    def buffered_bytes(self) -> int:
        """See Socket."""
        return 0 if self.is_over else self._n_bytes

    def close(self, code: int, reason: str) -> None:
        """See Socket."""
        if self.closed is None and not self.is_over:
            self.closed = code
            self._end()

    def abort(self) -> None:
        """See Socket."""
        self.close(codes.NO_CLOSE_FRAME, "")

    # --- the client -------------------------------------------------------------------------------------------------

    def send(self, text: bytes) -> None:
        """Put one message before the session, as soon as it has room."""
        try:
            mail: Inbound | Invalid = Inbound(decode(text), len(text))
        except Refusal as refusal:
            mail = Invalid(refusal)
        self._unsent.append((mail, len(text)))
        if len(self._unsent) == 1:
            self._go_on()

    def _go_on(self) -> None:
        while self._unsent and not self.is_over and self.closed is None:
            mail, size = self._unsent[0]
            if not self.session.tell(mail, size):
                if self.session.alive:
                    self.session.on_room(self._go_on)
                else:
                    self.close(codes.INTERNAL_ERROR, "the session ended")
                return
            self._unsent.popleft()

    def read(self, most: int) -> list[bytes]:
        """Read up to ``most`` messages; nothing while stalled. May make the line writable, or find it closed."""
        if self.is_stalled or self.is_cut:
            return []
        unread = self._unread
        texts = [unread.popleft() for _ in range(min(most, len(unread)))]
        if not unread:
            self._n_bytes = 0
            if self.closed is not None:
                self.notice(self.closed)
            elif self._is_congested:
                self._is_congested = False
                self.session.signal(Writable())
        return texts

    @property
    def stands(self) -> bool:
        """Whether both sides take it for open."""
        return self.closed is None and not self.is_cut

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way on it in either direction."""
        return self.is_over or (not self._unsent and not self._unread and self.closed is None)

    # --- the end ----------------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Lose the client, and what it has not read. The server has yet to notice."""
        self.is_cut = True
        self._unread.clear()

    def notice(self, code: int = codes.NO_CLOSE_FRAME) -> None:
        """Let the server see that the connection is gone."""
        if self.is_over:
            return
        self.is_cut = self.is_over = True
        self.noticed = code
        self._end()
        self._unread.clear()
        self._unsent.clear()
        if self.session.alive:
            self.session.signal(Lost(code, ""))

    def _end(self) -> None:
        self.lost_at = self._now() if self.lost_at is None else self.lost_at
