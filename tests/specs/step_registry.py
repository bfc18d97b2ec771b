"""Binds the sentences of scenarios to coroutines, and runs a scenario.

Every sentence must match exactly one step: none or two is an error of the suite, found without a server.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

from cucumber_expressions.expression import CucumberExpression
from cucumber_expressions.parameter_type import ParameterType
from cucumber_expressions.parameter_type_registry import ParameterTypeRegistry

from tests.specs.spec_loader import Scenario

_PLACE = re.compile(r'(.*) on node "([^"]+)"')

Step = Callable[..., Awaitable[None]]


def _clients(text: str) -> list[str]:
    return re.findall(r'"([^"]*)"', text)


def _parameter_types() -> ParameterTypeRegistry:
    registry = ParameterTypeRegistry()
    names = r'"[^"]*"(?:, "[^"]*")*(?: and "[^"]*")?'
    registry.define_parameter_type(ParameterType("clients", names, list, _clients, False, False))
    return registry


def split_place(text: str) -> tuple[str, str]:
    """Split a sentence from where it happens: any may end in ` on node "b"`. Else the place is empty."""
    found = _PLACE.fullmatch(text)
    return (found[1], found[2]) if found else (text, "")


class StepRegistry:
    """The steps of one suite. Filled while the step modules are imported, then only read."""

    def __init__(self) -> None:
        self._types = _parameter_types()
        self._steps: list[tuple[CucumberExpression, Step]] = []

    def step(self, sentence: str) -> Callable[[Step], Step]:
        """Decorator: the coroutine is called as f(world, *parameters, table or text block if there is one)."""

        def register(function: Step) -> Step:
            self._steps.append((CucumberExpression(sentence, self._types), function))
            return function

        return register

    def bind(self, text: str) -> tuple[Step, list[Any]]:
        """The step and its parameters for a sentence.

        Raises:
            LookupError: no step matches, or more than one.
        """
        text, _ = split_place(text)
        found = [(f, args) for e, f in self._steps if (args := e.match(text)) is not None]
        if len(found) != 1:
            raise LookupError(f"{len(found)} step definitions match, expected 1: {text}")
        return found[0][0], [argument.value for argument in found[0][1]]

    def sentences(self) -> list[tuple[str, CucumberExpression]]:
        """Every registered sentence with its expression, for the check that each is used."""
        return [(expression.expression, expression) for expression, _ in self._steps]

    async def run(self, scenario: Scenario, world: Any, limit_s: float) -> None:
        """Run the steps in order; a failure carries the place and the sentence of its step.

        Raises:
            TimeoutError: the whole scenario took longer than limit_s.
        """
        async with asyncio.timeout(limit_s):
            for step in scenario.steps:
                await self._run_step(scenario, step, world)

    async def _run_step(self, scenario: Scenario, step: dict[str, Any], world: Any) -> None:
        text = world.words(step["text"])
        function, arguments = self.bind(text)
        node = split_place(text)[1]
        if block := step.get("argument"):
            arguments.append(_block(block, world.words))
        try:
            with world.on_node(node) if node else contextlib.nullcontext():
                await function(world, *arguments)
        except BaseException as error:
            error.add_note(f"{scenario.path}:{scenario.line} step: {step['text']}")
            raise


def _block(block: dict[str, Any], words: Callable[[str], str]) -> str | list[list[str]]:
    """A text block as one string, a table as rows of cells."""
    if "docString" in block:
        return words(block["docString"]["content"])
    return [[words(cell["value"]) for cell in row["cells"]] for row in block["dataTable"]["rows"]]


registry = StepRegistry()
step = registry.step
