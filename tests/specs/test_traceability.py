"""The specs are whole: every sentence is bound, every requirement is proved, every page has its parts."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.specs.spec_loader import ROOT, Scenario, requirements, scenario_headings, scenarios, spec_paths
from tests.specs.step_registry import registry, split_place
from tests.specs.test_scenarios import STEP_MODULES

SPECS = spec_paths()
SCENARIOS = [scenario for path in SPECS for scenario in scenarios(path)]
STATUSES = {"Draft", "Proposed", "Approved", "Implemented", "Retired"}
SPEC_PARTS = (
    "# Feature Specification: ",
    "**Feature Branch**: `",
    "**Created**: ",
    "**Status**: ",
    "**Input**: ",
    "## User Scenarios & Testing *(mandatory)*",
    "### User Story 1 - ",
    "### Edge Cases",
    "## Requirements *(mandatory)*",
    "### Functional Requirements",
    "## Success Criteria *(mandatory)*",
    "### Measurable Outcomes",
    "## Assumptions",
)
STORY_PARTS = ("(Priority: P", "**Why this priority**: ", "**Independent Test**: ", "**Acceptance Scenarios**:")
PLAN_PARTS = ("## Summary", "## Technical Context", "## Constitution Check", "## Project Structure")
PRINCIPLES = ("I", "II", "III", "IV", "V", "VI", "VII")


def _name(path: Path) -> str:
    return path.parent.name


def test_there_are_specs_and_step_modules() -> None:
    """An empty folder must not pass for a proof."""
    assert len(SPECS) >= 6
    assert len(STEP_MODULES) >= 6


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: f"{scenario.spec[:3]}-line-{scenario.line}")
def test_every_step_is_bound_exactly_once(scenario: Scenario) -> None:
    """A sentence that nobody or two define is found without a server."""
    for step in scenario.steps:
        registry.bind(step["text"])


def test_no_step_is_unused() -> None:
    """A step that no scenario says is dead code."""
    texts = {split_place(step["text"])[0] for scenario in SCENARIOS for step in scenario.steps}
    unused = [sentence for sentence, e in registry.sentences() if all(e.match(text) is None for text in texts)]
    assert unused == []


@pytest.mark.parametrize("path", SPECS, ids=_name)
def test_every_scenario_heading_yields_a_test(path: Path) -> None:
    """A table that is indented wrongly would drop its scenario in silence."""
    found = Counter(scenario.name for scenario in scenarios(path))
    headings = scenario_headings(path)
    assert len(headings) == len(set(headings))
    assert found.keys() == set(headings)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: f"{scenario.spec[:3]}-line-{scenario.line}")
def test_every_scenario_names_the_requirements_that_it_proves(scenario: Scenario) -> None:
    """No scenario without a tag, none with the tag of a requirement that is not there."""
    assert scenario.proves
    assert set(scenario.proves) <= set(requirements(scenario.path))


@pytest.mark.parametrize("path", SPECS, ids=_name)
def test_requirement_ids_are_unique_and_without_holes(path: Path) -> None:
    """FR-001, FR-002 ... and SC-001, SC-002 ..., each once, in order."""
    found = requirements(path)
    for kind in ("FR", "SC"):
        numbers = [int(name[-3:]) for name in found if f"/{kind}-" in name]
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers


def test_every_requirement_is_proved() -> None:
    """By the tag of a scenario, or by a test that is marked with `proves`."""
    proved = {name for scenario in SCENARIOS for name in scenario.proves} | _marked()
    wanted = {name for path in SPECS for name in requirements(path)}
    assert wanted - proved == set()
    assert proved - wanted == set()


@pytest.mark.parametrize("path", SPECS, ids=_name)
def test_a_spec_has_all_parts(path: Path) -> None:
    """The parts stand in the order of the template, nothing is left open, the status is a known one."""
    text = path.read_text("utf-8")
    places = [text.find(f"\n{part}") if number else text.find(part) for number, part in enumerate(SPEC_PARTS)]
    assert -1 not in places, SPEC_PARTS[places.index(-1)]
    assert places == sorted(places)
    assert "[NEEDS CLARIFICATION" not in text
    status = re.search(r"^\*\*Status\*\*: (\w+)", text, re.MULTILINE)
    assert status is not None and status[1] in STATUSES
    assert f"`{_name(path)}`" in text


@pytest.mark.parametrize("path", SPECS, ids=_name)
def test_a_user_story_has_all_parts(path: Path) -> None:
    """Priority, reason, independent test, and scenarios."""
    stories = path.read_text("utf-8").split("\n### User Story ")[1:]
    for number, story in enumerate(stories, 1):
        assert story.startswith(f"{number} - ")
        assert [part for part in STORY_PARTS if part not in story] == []


@pytest.mark.parametrize("path", SPECS, ids=_name)
def test_a_plan_answers_every_principle(path: Path) -> None:
    """The Constitution Check has a row for each of the seven principles."""
    plan = path.with_name("plan.md").read_text("utf-8")
    assert [part for part in PLAN_PARTS if f"\n{part}" not in plan] == []
    rows = re.findall(r"^\| AB-([IV]+) \| ([^|]+) \| ([^|]+) \|$", plan, re.MULTILINE)
    assert tuple(row[0] for row in rows) == PRINCIPLES
    assert all(answer.strip() and how.strip() for _, answer, how in rows)


@pytest.mark.parametrize("path", SPECS, ids=_name)
def test_tasks_are_numbered_and_tests_come_first(path: Path) -> None:
    """T001, T002 ...; the first task of a story is under specs/ or tests/; story tasks name their story."""
    text = path.with_name("tasks.md").read_text("utf-8")
    numbers = [int(number) for number in re.findall(r"^- \[[ X]\] T(\d{3}) ", text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    for phase in text.split("\n## Phase ")[1:]:
        tasks = [line for line in phase.splitlines() if line.startswith("- [")]
        if "User Story" in phase.splitlines()[0]:
            assert re.search(r"(specs|tests)/", tasks[0]), tasks[0]
            assert all(re.search(r"\[US\d\]", task) for task in tasks), phase.splitlines()[0]


def _marked() -> set[str]:
    """Arguments of every `pytest.mark.proves("...")` decorator under tests/."""
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text("utf-8")
        if "mark.proves(" in text:
            found |= {name for node in ast.walk(ast.parse(text)) for name in _proofs(node)}
    return found


def _proofs(node: ast.AST) -> list[str]:
    decorators = getattr(node, "decorator_list", [])
    calls = [
        call for call in decorators if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.proves")
    ]
    return [argument.value for call in calls for argument in call.args if isinstance(argument, ast.Constant)]
