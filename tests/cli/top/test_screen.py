"""The screen of a terminal, tried on a pseudo-terminal."""

import asyncio
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import pytest

from arqonbus.cli.top.screen import ENTER, LEAVE, Screen

pytestmark = pytest.mark.integration


class Terminal:
    """Both ends of a pseudo-terminal."""

    def __init__(self) -> None:
        self.person, ours = pty.openpty()
        self.file: TextIO = os.fdopen(ours, "w", encoding="utf-8", newline="")
        os.set_blocking(self.person, False)

    def shown(self) -> str:
        found = b""
        with suppress(BlockingIOError, OSError):
            while chunk := os.read(self.person, 65_536):
                found += chunk
        return found.decode()

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def mode(self) -> list[object]:
        return termios.tcgetattr(self.file)[:6]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.file.close()
    os.close(made.person)


def screen(terminal: Terminal, keys: list[str]) -> Screen:
    return Screen(keys.append, lambda: None, terminal.file, terminal.file)


async def test_it_is_entered_drawn_on_and_left_as_it_was(terminal: Terminal) -> None:
    before = terminal.mode
    with screen(terminal, []) as one:
        assert terminal.mode != before
        one.draw(["first", "second"])

    # The terminal itself writes "\r\n" for "\n".
    assert terminal.shown() == f"{ENTER}\x1b[Hfirst\x1b[K\r\r\nsecond\x1b[K\x1b[J{LEAVE}"
    assert terminal.mode == before


async def test_it_is_left_as_it_was_whatever_ends_it(terminal: Terminal) -> None:
    before = terminal.mode
    with pytest.raises(RuntimeError), screen(terminal, []):
        raise RuntimeError

    assert terminal.mode == before
    assert terminal.shown().endswith(LEAVE)


async def test_keys_come_one_by_one(terminal: Terminal) -> None:
    keys: list[str] = []
    with screen(terminal, keys):
        os.write(terminal.person, b"sq")
        for _ in range(100):
            if len(keys) == 2:
                break
            await asyncio.sleep(0.01)

    assert keys == ["s", "q"]


async def test_its_size_is_that_of_the_terminal_now(terminal: Terminal) -> None:
    one = screen(terminal, [])
    terminal.resize(100, 30)
    assert one.size == (100, 30)
    terminal.resize(50, 10)
    assert one.size == (50, 10)


async def test_a_terminal_that_does_not_say_has_the_usual_size(terminal: Terminal) -> None:
    assert screen(terminal, []).size == (80, 24)
