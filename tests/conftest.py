"""How tests are spread over processes: a file stays together, and so does what shares a folder or a specification."""

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes to be made says how busy the machine is, and nothing of what is tested.
settings.register_profile("shared machine", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

TOGETHER = {"tests/e2e/test_js_sdk.py": "js", "010": "js"}  # both build sdk/js/dist
SCENARIOS = "tests/specs/test_scenarios.py::test_scenario["


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the group whose tests run in one process, one after the other."""
    for item in items:
        path, _, _ = item.nodeid.partition("::")
        part = item.nodeid.removeprefix(SCENARIOS)[:3] if item.nodeid.startswith(SCENARIOS) else path
        item.add_marker(pytest.mark.xdist_group(TOGETHER.get(part, part)))
