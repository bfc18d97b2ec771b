"""Fixtures of the kernel's tests."""

import pytest

from tests.actor.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
