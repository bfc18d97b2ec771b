"""Find the line of every key and list item in a TOML text, which ``tomllib`` does not tell.

Reads only texts that ``tomllib`` has accepted, so it checks nothing; where it meets something unexpected it stops,
and what it has found so far stays true.
"""

import contextlib
import tomllib

__all__ = ["Path", "line_of", "lines_of"]

Path = tuple[str | int, ...]
"""Way to a value: keys of tables, and positions from 0 in lists."""

_BLANK = " \t"
_SPACE = " \t\n"
_END_OF_BARE = " \t\n.=]}#,"


def lines_of(text: str) -> dict[Path, int]:
    """Return the line, from 1, where each key, table header or list item begins."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    # An error means that the text is not what we took it for; the lines found so far are right all the same.
    with contextlib.suppress(IndexError, RecursionError, ValueError):
        scanner.read()
    return scanner.lines


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """Return the line of the path, else of the innermost table or list around it, else None."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


class _Scanner:
    """Walks over the text once. ``lines`` grows as it goes."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text + "\n"  # every line has an end, the last one too
        self._at = 0  # position of the next character
        self._counted = 0  # position up to which lines are counted
        self._line = 1  # line of that position
        self._tables: dict[Path, int] = {}  # arrays of tables -> how many elements so far

    def read(self) -> None:
        """Read the whole text: headers and ``key = value`` lines."""
        table: Path = ()
        while self._skip(_SPACE):
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        """Read ``[a.b]`` or ``[[a.b]]`` and return where its keys go."""
        line = self._here()
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        names = self._names()
        self._at += 2 if is_array else 1
        path: Path = ()
        for name in names[:-1]:
            path = self._last_element((*path, name))
            self.lines.setdefault(path, line)
        path = (*path, names[-1])
        if is_array:
            self._tables[path] = self._tables.get(path, 0) + 1
            self.lines.setdefault(path, line)
            path = self._last_element(path)
        else:
            path = self._last_element(path)
        self.lines.setdefault(path, line)
        return path

    def _last_element(self, path: Path) -> Path:
        """Return the newest element of an array of tables, or the path itself."""
        return (*path, self._tables[path] - 1) if path in self._tables else path

    def _pair(self, table: Path) -> None:
        """Read ``a.b = value``, the position of each of its names included."""
        line = self._here()
        path = table
        for name in self._names():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._skip(_BLANK)
        self._at += 1  # the equals sign
        self._value(path)

    def _names(self) -> list[str]:
        """Read a dotted key."""
        names = []
        while True:
            self._skip(_BLANK)
            names.append(self._name())
            self._skip(_BLANK)
            if self._peek() != ".":
                return names
            self._at += 1

    def _name(self) -> str:
        start = self._at
        if self._peek() in "\"'":
            self._string()
            name: str = tomllib.loads(f"name = {self._text[start : self._at]}")["name"]
            return name
        while self._peek() not in _END_OF_BARE:
            self._at += 1
        if start == self._at:
            raise ValueError("no key here")
        return self._text[start : self._at]

    def _value(self, path: Path) -> None:
        """Step over a value, noting the lines of what is inside it."""
        self._skip(_BLANK)
        sign = self._peek()
        if sign == "[":
            self._list(path)
        elif sign == "{":
            self._inline_table(path)
        elif sign in "\"'":
            self._string()
        else:
            # A number, date or word ends where a comma, a bracket, a comment or the line does.
            start = self._at
            while self._peek() not in "\n,]}#":
                self._at += 1
            if start == self._at:
                raise ValueError("no value here")

    def _list(self, path: Path) -> None:
        self._at += 1
        position = 0
        while True:
            self._skip(_SPACE)
            if self._peek() == "]":
                break
            if self._peek() == ",":
                self._at += 1
                continue
            self.lines.setdefault((*path, position), self._here())
            self._value((*path, position))
            position += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_SPACE)
            if self._peek() == "}":
                break
            if self._peek() == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1

    def _string(self) -> None:
        """Step over a string of any of the four kinds."""
        quote = self._peek()
        if not self._text.startswith(quote * 3, self._at):
            self._to_quote(quote, quote == '"')
            return
        self._at += 2
        self._to_quote(quote * 3, quote == '"')
        # Up to two quotes may stand right before the closing three.
        for _ in range(2):
            if self._peek() == quote:
                self._at += 1

    def _to_quote(self, quote: str, has_escapes: bool) -> None:
        self._at += 1
        while not self._text.startswith(quote, self._at):
            self._at += 2 if has_escapes and self._peek() == "\\" else 1
            self._peek()
        self._at += len(quote)

    def _skip(self, signs: str) -> bool:
        """Step over blanks, and over comments where lines may end. False: nothing is left."""
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == "#" and "\n" in signs:
                self._at = self._text.index("\n", self._at)
            elif sign not in signs:
                return True
            else:
                self._at += 1
        return False

    def _peek(self) -> str:
        return self._text[self._at]

    def _here(self) -> int:
        """Return the line of the next character."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line
