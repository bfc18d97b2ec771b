"""The TypeScript SDK from a fresh clone: `npm ci && npm test`, with its build, types, unit tests, browser and package.

The tests themselves are in sdk/js/test. They talk to this tree's server, run by this Python. Where Node is not to be
had they are skipped and say so; with CI set they fail instead.
"""

import sys

import pytest

from tests.specs import js_sdk

pytestmark = pytest.mark.integration

RUN_LIMIT_S = 600.0


@pytest.mark.proves("010/FR-012")
@pytest.mark.proves("010/FR-013")
@pytest.mark.proves("010/SC-001")
@pytest.mark.proves("010/SC-002")
@pytest.mark.proves("010/SC-003")
@pytest.mark.proves("019/FR-006")
def test_the_typescript_sdk_passes_its_own_tests() -> None:
    js_sdk.install()

    output = js_sdk.run([js_sdk.command("npm"), "test"], RUN_LIMIT_S, ARQONBUS_PYTHON=sys.executable)

    print(output)  # shown with -s, and when what follows fails
    assert "NOT RUN: tests against a real server" not in output, output
