"""Every rule of docs/sdk-spec.md is named by a test of the Python SDK, and no test names one that is not there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEC = (ROOT / "docs" / "sdk-spec.md").read_text("utf-8")
FOLDERS = ("tests/client", "tests/e2e")

RULES = re.findall(r"^\*\*(R\d+)\*\*", SPEC, re.MULTILINE)


def named() -> set[str]:
    """The arguments of every `pytest.mark.rules`."""
    found: set[str] = set()
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.rules"):
                found |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def test_rules_are_numbered_without_holes() -> None:
    assert [f"R{n}" for n in range(1, len(RULES) + 1)] == RULES


def test_every_rule_is_proved_and_no_other_is_named() -> None:
    assert set(RULES) - named() == set()
    assert named() - set(RULES) == set()


def test_every_module_that_the_spec_names_is_there() -> None:
    table = SPEC.split("## Parts")[1].split("## States")[0]

    for name in re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE):
        assert (ROOT / "arqonbus" / "client" / f"{name}.py").exists(), name
