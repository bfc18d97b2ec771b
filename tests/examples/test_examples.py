"""The programs of docs/examples run against a real bus, and print what their page shows."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.specs.bus import Bus, environment

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PAGE = (EXAMPLES / "README.md").read_text("utf-8")
LIMIT_S = 30.0
PROGRAMS = sorted(path.name for path in EXAMPLES.glob("*.py"))


def shown() -> dict[str, str]:
    """What the page says that each command prints."""
    blocks = re.findall(r"^```console\n\$ \.venv/bin/(.*?)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return {command.replace("docs/examples/", ""): output for command, output in blocks}


def started(url: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start a program as a user does."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=EXAMPLES,
        env=environment({"ARQONBUS_URL": url}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def printed(url: str, *arguments: str) -> str:
    program = started(url, *arguments)
    output, _ = program.communicate(timeout=LIMIT_S)
    assert program.returncode == 0, output
    return output


def interrupted(program: "subprocess.Popen[str]") -> str:
    """Press Ctrl-C; gives what it printed since what was read."""
    program.send_signal(signal.SIGINT)
    output, _ = program.communicate(timeout=LIMIT_S)
    assert program.returncode == 0, output
    return output


def line_of(program: "subprocess.Popen[str]") -> str:
    assert program.stdout is not None
    return program.stdout.readline()


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    bus = Bus(tmp_path_factory.mktemp("bus"))
    bus.start()
    yield bus
    bus.stop()


@pytest.mark.integration
@pytest.mark.parametrize("name", ["workers.py", "recovery.py", "agents.py"])
def test_a_program_prints_what_its_page_shows(name: str, bus: Bus) -> None:
    assert printed(bus.url, name) == shown()[f"python {name}"]


@pytest.mark.integration
def test_a_service_answers_a_caller_and_ends_in_order(bus: Bus) -> None:
    service = started(bus.url, "service.py")
    assert line_of(service) == shown()["python service.py"]

    assert printed(bus.url, "caller.py") == shown()["python caller.py"]
    assert interrupted(service) == ""


@pytest.mark.integration
def test_a_caller_without_a_service_is_told_at_once(bus: Bus) -> None:
    caller = started(bus.url, "caller.py")

    assert caller.communicate(timeout=LIMIT_S)[0] == "nobody answers: start service.py\n"
    assert caller.returncode == 1


@pytest.mark.integration
def test_those_who_are_here_see_who_comes_and_goes(bus: Bus) -> None:
    ana = started(bus.url, "presence.py", "Ana")
    saw = line_of(ana)
    ben = started(bus.url, "presence.py", "Ben")
    ben_saw = line_of(ben)
    saw += line_of(ana)
    ben_saw += interrupted(ben)
    saw += line_of(ana)

    assert saw + interrupted(ana) == shown()["python presence.py Ana"]
    assert ben_saw == shown()["python presence.py Ben"]


def test_the_test_of_the_agents_passes_as_a_users_test_does() -> None:
    """With pytest and the plugin of the test kit only: none of the settings of this project."""
    alone = ["-q", "-c", os.devnull, "-p", "no:cacheprovider", "--rootdir", str(EXAMPLES)]
    wanted = ["-o", "asyncio_mode=auto", "test_agents.py"]

    output = printed("", "-m", "pytest", *alone, *wanted)

    assert shown()["pytest -q -o asyncio_mode=auto test_agents.py"].strip() in output


def test_the_page_lists_every_program_and_its_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE)

    assert set(PROGRAMS) <= set(links)
    assert [link for link in links if not (EXAMPLES / link).exists()] == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_small(name: str) -> None:
    assert len((EXAMPLES / name).read_text("utf-8").splitlines()) <= 120
