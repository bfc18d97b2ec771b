"""The README is true: its commands are those of the gate, its example runs, its links lead somewhere."""

import asyncio
import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.specs.bus import Bus

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
INSTALL_AND_TEST = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_test_command_stands_in_readme_and_testing_alike() -> None:
    assert f"$ {INSTALL_AND_TEST}\n" in README
    assert f"$ {INSTALL_AND_TEST}\n" in (ROOT / "docs" / "TESTING.md").read_text("utf-8")


def test_redis_is_installed_where_it_may_be_by_gate_readme_and_testing_alike() -> None:
    install = "$ command -v redis-server || (apt-get update -qq && apt-get install -y -qq redis-server)\n"

    assert install in README
    assert install in (ROOT / "docs" / "TESTING.md").read_text("utf-8")
    assert "missing+=(redis-server)" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_gate_installs_and_tests_as_the_readme_says() -> None:
    gate = (ROOT / ".ci" / "run").read_text("utf-8")

    assert "-e '.[dev]'" in gate
    assert re.search(r'^pytest "\$@"$', gate, re.MULTILINE)


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    bus = Bus(tmp_path)
    bus.start()
    yield bus
    bus.stop()


@pytest.mark.integration
async def test_the_python_example_runs(bus: Bus) -> None:
    (example,) = blocks("python")
    shown = io.StringIO()

    def run() -> None:
        code = compile(example.replace("ws://127.0.0.1:9100/", bus.url), "README.md", "exec")
        with redirect_stdout(shown):
            exec(code, {})

    await asyncio.to_thread(run)

    assert shown.getvalue() == "1 {'n': 1}\n"
