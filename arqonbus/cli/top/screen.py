"""Screen: the other screen of a terminal, drawn on line by line, and the keys that are pressed meanwhile.

Whatever ends it, the terminal is as it was before: that is what the `with` is for.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TextIO

__all__ = ["Screen"]

ENTER: Final = "\x1b[?1049h\x1b[?25l"
"""The other screen, no cursor."""

LEAVE: Final = "\x1b[?25h\x1b[?1049l"
HOME: Final = "\x1b[H"
TO_END_OF_LINE: Final = "\x1b[K"
"""Deletes what is left of a longer line."""

TO_END: Final = "\x1b[J"


class Screen:
    """The terminal as one program has it. Belongs to the running event loop.

    Args:
        on_key: called with each key
        on_resize: called when the terminal has another size
        out: the terminal; None: stdout
        keys: what is typed; None: stdin; not read where it is no terminal
    """

    def __init__(
        self,
        on_key: Callable[[str], None],
        on_resize: Callable[[], None],
        out: TextIO | None = None,
        keys: TextIO | None = None,
    ) -> None:
        self._on_key = on_key
        self._on_resize = on_resize
        self._out = out or sys.stdout
        self._keys = keys or sys.stdin
        self._mode: list[Any] | None = None  # of the terminal before

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if self._keys.isatty():
            import termios
            import tty

            self._mode = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)  # keys come one by one and unseen; Ctrl-C stays a signal
            loop.add_reader(self._keys, self._typed)
        loop.add_signal_handler(signal.SIGWINCH, self._on_resize)
        self._write(ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGWINCH)
        self._write(LEAVE)
        if self._mode is not None:
            import termios

            loop.remove_reader(self._keys)
            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._mode)

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines from the top, and nothing else. No line may be wider than the terminal."""
        text = "\r\n".join(f"{line}{TO_END_OF_LINE}" for line in lines)
        self._write(f"{HOME}{text}{TO_END}")

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines now; 80 and 24 where the terminal does not say."""
        try:
            found = os.get_terminal_size(self._out.fileno())
        except OSError:
            return 80, 24
        return found.columns or 80, found.lines or 24

    def _typed(self) -> None:
        try:
            text = os.read(self._keys.fileno(), 64).decode("utf-8", "replace")
        except OSError:
            text = ""
        if not text:
            asyncio.get_running_loop().remove_reader(self._keys)  # the terminal has gone
        for key in text:
            self._on_key(key)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
