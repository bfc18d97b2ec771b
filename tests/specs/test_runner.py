"""The loader and the step registry drop nothing in silence."""

from pathlib import Path
from typing import Any

import pytest

from tests.specs.spec_loader import Scenario, requirements, scenario_headings, scenarios
from tests.specs.step_registry import StepRegistry

PAGE = """# Feature Specification: Test

* Given prose that looks like a step

## User Scenarios & Testing *(mandatory)*

`@FR-001` `@SC-001`

#### Scenario Outline: Rows are scenarios

* Given a thing called "<name>"

##### Examples:

  | name |
  | ---- |
  | one  |
  | two  |

### Edge Cases

* Given this is prose too

## Requirements *(mandatory)*

- **FR-001**: one
- **SC-001**: two
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A spec page in a folder of its own."""
    folder = tmp_path / "042-test"
    folder.mkdir()
    path = folder / "spec.md"
    path.write_text(PAGE, "utf-8")
    return path


def test_an_outline_gives_a_scenario_for_every_row(page: Path) -> None:
    """The step text is filled in, tags and the line of the row are kept."""
    found = list(scenarios(page))

    assert [step["text"] for scenario in found for step in scenario.steps] == [
        'a thing called "one"',
        'a thing called "two"',
    ]
    assert [scenario.line for scenario in found] == [17, 18]
    assert [scenario.proves for scenario in found] == [["042/FR-001", "042/SC-001"]] * 2


def test_prose_outside_the_scenarios_is_no_step(page: Path) -> None:
    """Neither before nor after."""
    assert {len(scenario.steps) for scenario in scenarios(page)} == {1}
    assert requirements(page) == ["042/FR-001", "042/SC-001"]


def test_a_table_that_is_not_indented_is_noticed(page: Path) -> None:
    """The dialect gives no scenario then; the heading is still counted."""
    page.write_text(PAGE.replace("  |", "|"), "utf-8")

    assert list(scenarios(page)) == []
    assert scenario_headings(page) == ["Rows are scenarios"]


async def test_steps_run_in_order_with_their_parameters() -> None:
    """Text in quotes, whole numbers, lists of clients, and the block that follows."""
    registry, calls = StepRegistry(), []

    @registry.step("client(s) {clients} send(s) {int} times:")
    async def send(world: Any, names: list[str], times: int, block: str) -> None:
        calls.append((names, times, block))

    argument = {"docString": {"content": "hello"}}
    await registry.run(_scenario({"text": 'clients "a", "b" and "c" send 3 times:', "argument": argument}), _World(), 5)

    assert calls == [(["a", "b", "c"], 3, "HELLO")]


async def test_a_failure_names_its_page_line_and_step() -> None:
    """Whoever reads the report finds the sentence."""
    registry = StepRegistry()

    @registry.step("it fails")
    async def fail(world: Any) -> None:
        raise ValueError

    with pytest.raises(ValueError) as caught:
        await registry.run(_scenario({"text": "it fails"}), _World(), 5)
    assert caught.value.__notes__ == ["spec.md:7 step: it fails"]


def test_a_sentence_that_nobody_defines_is_an_error() -> None:
    """Not a skipped step."""
    with pytest.raises(LookupError, match="^0 step definitions"):
        StepRegistry().bind("nobody says this")


def test_a_sentence_that_two_define_is_an_error() -> None:
    """The first one would win in silence otherwise."""
    registry = StepRegistry()

    for sentence in ("client {string} waits", "client {word} waits"):

        @registry.step(sentence)
        async def wait(world: Any, name: str) -> None: ...

    with pytest.raises(LookupError, match="^2 step definitions"):
        registry.bind('client "a" waits')


class _World:
    def words(self, text: str) -> str:
        return "HELLO" if text == "hello" else text


def _scenario(*steps: dict[str, Any]) -> Scenario:
    return Scenario("042-test", "name", frozenset(), steps, Path("spec.md"), 7)
