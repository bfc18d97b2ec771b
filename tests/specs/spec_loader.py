"""Reads specs/*/spec.md: scenarios, requirements and sections.

A spec is Spec Kit's page whose acceptance scenarios are Markdown with Gherkin. Only the scenario part is given to the
Gherkin parser; everything else is blanked, so prose can never become a step and line numbers stay true.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gherkin.parser import Parser
from gherkin.pickles.compiler import Compiler
from gherkin.token_matcher_markdown import GherkinInMarkdownTokenMatcher

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs"

_SCENARIO_PART = "## User Scenarios"
_END_OF_SCENARIOS = "### Edge Cases"
_REQUIREMENT = re.compile(r"^- \*\*((?:FR|SC)-\d{3})\*\*", re.MULTILINE)
_SCENARIO_HEADING = re.compile(r"^#### Scenario(?: Outline)?: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One runnable scenario; an outline gives one for every row of its examples."""

    spec: str
    """Folder of the spec, such as 001-wire-protocol."""
    name: str
    tags: frozenset[str]
    """Tags without the @, such as FR-001."""
    steps: tuple[dict[str, Any], ...]
    """Gherkin pickle steps: text, and argument where a table or a text block follows."""
    path: Path
    line: int

    @property
    def proves(self) -> list[str]:
        """Requirements that this scenario proves, such as 001/FR-001."""
        return sorted(f"{self.spec[:3]}/{tag}" for tag in self.tags if tag[:3] in ("FR-", "SC-"))


def spec_paths() -> list[Path]:
    """Every spec page, in the order of its number."""
    return sorted(SPECS.glob("[0-9][0-9][0-9]-*/spec.md"))


def scenarios(path: Path) -> Iterator[Scenario]:
    """The scenarios of one spec page, outlines expanded; `line` is that of the example row or the heading."""
    document: Any = Parser().parse(_scenario_part(path.read_text("utf-8")), GherkinInMarkdownTokenMatcher())
    document["uri"] = str(path)
    for pickle in Compiler().compile(document):
        yield Scenario(
            spec=path.parent.name,
            name=pickle["name"],
            tags=frozenset(tag["name"].lstrip("@") for tag in pickle["tags"]),
            steps=tuple(pickle["steps"]),
            path=path,
            line=pickle["location"]["line"],
        )


def scenario_headings(path: Path) -> list[str]:
    """Names written in headings; each must come back from `scenarios`, else a table was indented wrongly."""
    return _SCENARIO_HEADING.findall(path.read_text("utf-8"))


def requirements(path: Path) -> list[str]:
    """Ids of the page in the order in which they stand, with the number of the spec in front: 001/FR-001."""
    return [f"{path.parent.name[:3]}/{name}" for name in _REQUIREMENT.findall(path.read_text("utf-8"))]


def _scenario_part(text: str) -> str:
    """The text with every line outside the scenario part blanked."""
    lines, keep = [], False
    for line in text.splitlines():
        if line.startswith("## "):
            keep = line.startswith(_SCENARIO_PART)
        elif line.startswith(_END_OF_SCENARIOS):
            keep = False
        lines.append(line if keep else "")
    return "\n".join(lines) + "\n"
