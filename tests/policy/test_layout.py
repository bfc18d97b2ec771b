"""The layout shows the architecture, and stays readable: rules over the files themselves."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "arqonbus"
MODULES = sorted(path.relative_to(ROOT) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))

MOST_LINES_A_MODULE = 720
"""Soft cap 300; past it a module needs its reason on the list below."""

LONG_MODULES = {
    "arqonbus/routing/session.py": "one actor; admission, continuation, outbox and routes stand alone",
    "arqonbus/routing/room.py": "one actor, one table of handlers",
    "arqonbus/routing/channel.py": "one actor, one table of handlers",
    "arqonbus/routing/shared_channel.py": "one actor, one table of handlers",
    "arqonbus/routing/shared_room.py": "one actor, one table of handlers",
    "arqonbus/routing/mail.py": "a list of forty structs",
    "arqonbus/actor/cell.py": "one life cycle",
    "arqonbus/config/settings.py": "one struct a section, every key with its meaning",
    "arqonbus/transport/connection.py": "one state machine",
}

MOST_LINES_A_FUNCTION = 50

NOT_OURS = re.compile(r"/(?:home|root|Users)/\w|TODO|FIXME|XXX")
"""Paths of somebody's machine, loose ends."""


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_has_a_test_file_of_its_own_name(module: Path) -> None:
    mirror = ROOT / "tests" / module.relative_to("arqonbus").with_name(f"test_{module.name}")

    assert mirror.exists(), f"expected {mirror.relative_to(ROOT)}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_fits_a_head(module: Path) -> None:
    n_lines = len((ROOT / module).read_text("utf-8").splitlines())

    assert n_lines <= (MOST_LINES_A_MODULE if module.as_posix() in LONG_MODULES else 300)


def test_every_long_module_is_still_long() -> None:
    lengths = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in LONG_MODULES}

    assert [name for name, n_lines in lengths.items() if n_lines <= 295] == []


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_function_fits_a_screen(module: Path) -> None:
    long = [
        f"{function.name}: {function.end_lineno - function.lineno + 1} lines"
        for function in functions(module)
        if (function.end_lineno or 0) - function.lineno + 1 > MOST_LINES_A_FUNCTION
    ]

    assert long == []


def test_nothing_in_the_repository_names_a_machine_or_a_loose_end() -> None:
    found = []
    for name in tracked_files():
        path = ROOT / name
        if name.startswith("tests/policy/") or not path.is_file() or path.suffix in {".png", ".pem", ".lock"}:
            continue
        text = path.read_text("utf-8", errors="replace")
        found += [f"{name}: {match.group()}" for match in NOT_OURS.finditer(text)]

    assert found == []


def test_prose_lives_in_the_places_for_it() -> None:
    homes = ("docs/", "specs/")
    faces = {"README.md", "CHANGELOG.md", "sdk/js/README.md"}
    stray = [
        name for name in tracked_files() if name.endswith(".md") and not name.startswith(homes) and name not in faces
    ]

    assert stray == []
