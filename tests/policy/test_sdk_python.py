"""docs/SDK-PYTHON.md is true: every example runs against a server, and prints what it says."""

import ast
import asyncio
import inspect
import io
import re
import textwrap
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser

from tests.specs.bus import Bus

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "SDK-PYTHON.md"
LIMIT_S = 30.0
FENCE = re.compile(r"^```(.*)$", re.MULTILINE)
PRINTS = re.compile(r"# => (.*)$", re.MULTILINE)


def examples() -> list[object]:
    document = Sybil(parsers=[CodeBlockParser("python", lambda example: None)]).parse(PAGE)
    return [pytest.param(str(one.parsed), id=f"line-{one.line}") for one in document.examples()]


@pytest.fixture(scope="module")
def open_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    yield from _running(Bus(tmp_path_factory.mktemp("open")))


@pytest.fixture(scope="module")
def locked_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    yield from _running(Bus(tmp_path_factory.mktemp("locked"), ['auth.keys.alice = "key-of-alice"']))


def _running(bus: Bus) -> Iterator[Bus]:
    bus.start()
    yield bus
    bus.stop()


def run(code: str) -> str:
    """Run an example, a script or the body of a coroutine; gives what it printed."""
    shown = io.StringIO()
    flags = 0 if "asyncio.run(" in code else ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compiled = compile(textwrap.dedent(code), str(PAGE), "exec", flags=flags)
    with redirect_stdout(shown):
        found = eval(compiled, {"__name__": "example"})
        if inspect.iscoroutine(found):
            asyncio.run(asyncio.wait_for(found, LIMIT_S))
    return shown.getvalue()


@pytest.mark.integration
@pytest.mark.parametrize("code", examples())
def test_an_example_runs_and_prints_what_it_says(code: str, open_bus: Bus, locked_bus: Bus) -> None:
    bus = locked_bus if "key-of-alice" in code else open_bus
    ours = code.replace("ws://127.0.0.1:9100/", bus.url).replace("9100", str(bus.port))

    shown = run(ours)

    assert shown.splitlines() == PRINTS.findall(code)


def test_there_are_examples_and_no_block_hides_from_the_tests() -> None:
    fences = [fence for fence in FENCE.findall(PAGE.read_text("utf-8")) if fence]

    assert fences == ["python"] * len(examples())
    assert len(fences) > 10


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text("utf-8"))

    assert [link for link in links if not (PAGE.parent / link).exists()] == []
