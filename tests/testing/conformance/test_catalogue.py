"""The catalogue: names are unique, every case has its place in the contract, and texts choose."""

import re
from collections import Counter

import pytest

from arqonbus.testing.conformance.catalogue import all_cases, chosen
from tests.specs.spec_loader import requirements, spec_paths


@pytest.mark.proves("019/FR-002")
def test_every_case_has_a_name_of_its_own_with_its_area_before_the_colon() -> None:
    names = Counter(case.name for case in all_cases())

    assert [name for name, count in names.items() if count > 1] == []
    assert [name for name in names if not re.match(r"[a-z ]+: .", name)] == []


@pytest.mark.proves("019/FR-002")
def test_every_case_proves_requirements_that_there_are() -> None:
    known = {name for path in spec_paths() for name in requirements(path)}

    assert [case.name for case in all_cases() if not case.proves or not set(case.proves) <= known] == []


def test_the_drain_comes_last_since_it_ends_the_server() -> None:
    assert all_cases()[-1].name.startswith("drain:")


def test_texts_choose_by_name_whatever_the_case_of_letters() -> None:
    assert {case.name.partition(":")[0] for case in chosen(["RECOVERY:", "Drain"])} == {"recovery", "drain"}
    assert len(chosen([])) == len(all_cases())
    assert chosen(["no such thing"]) == []
