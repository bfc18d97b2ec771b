"""Rules over the TypeScript SDK that need no Node: its types are the server's, its lock file names no machine."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

import arqonbus

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdk" / "js"
SOURCES = sorted((SDK / "src").glob("*.ts"))
LOCKS = sorted(path for path in ROOT.glob("**/package-lock.json") if not {"node_modules", ".cache"} & {*path.parts})

LONG_SOURCES = {"core.ts": "one state machine", "wire.ts": "generated"}


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_types", SDK / "scripts" / "generate_types.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.proves("010/FR-014")
def test_the_types_of_the_wire_are_those_of_the_server(generator: ModuleType) -> None:
    stale = [str(path.relative_to(SDK)) for path, text in generator.files().items() if path.read_text("utf-8") != text]

    assert stale == [], "run python sdk/js/scripts/generate_types.py"


def test_every_command_of_the_server_has_a_method() -> None:
    methods = (SDK / "src" / "commands.ts").read_text("utf-8")
    made_otherwise = {"connect", "join_channel", "leave_channel"}
    commands = re.findall(r"^  (\w+): \{ args", (SDK / "src" / "wire.ts").read_text("utf-8"), re.MULTILINE)

    assert commands
    assert [name for name in commands if name not in made_otherwise and f'{name}: "' not in methods] == []


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_file_names_no_registry(path: Path) -> None:
    """A host in `resolved` would tie everybody to the registry of whoever made the lock."""
    packages = json.loads(path.read_text("utf-8"))["packages"]

    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_sdk_and_server_have_one_version() -> None:
    package = json.loads((SDK / "package.json").read_text("utf-8"))

    assert package["version"] == arqonbus.__version__
    assert "dependencies" not in package


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_source_fits_a_head(path: Path) -> None:
    n_lines = len(path.read_text("utf-8").splitlines())

    assert n_lines <= 300 or path.name in LONG_SOURCES
    assert n_lines <= 430 or path.name == "wire.ts"


def test_unit_tests_name_only_rules_that_exist() -> None:
    rules_page = ROOT / "docs" / "sdk-spec.md"
    if not rules_page.exists():
        pytest.skip("NOT RUN: docs/sdk-spec.md comes with the Python SDK")
    known = set(re.findall(r"^\*\*(R\d+)\*\*", rules_page.read_text("utf-8"), re.MULTILINE))
    named = {
        rule for path in (SDK / "test").rglob("*.test.ts") for rule in re.findall(r"\bR\d+\b", path.read_text("utf-8"))
    }

    assert named <= known
    assert known - named == set(), "rules that no test of the TypeScript SDK names"
