import logging
import re

import pytest

from arqonbus.routing import incident
from arqonbus.telemetry.logs import get_log


def test_the_client_is_told_an_id_and_the_log_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        refusal = incident.report(get_log("routing"), ValueError("secret detail"), client="c-1", room="r")

    assert (refusal.code, refusal.retryable) == ("internal", True)
    assert refusal.details is not None
    assert re.fullmatch(r"[0-9a-f]{32}", refusal.details["trace_id"])
    assert "secret" not in refusal.message
    assert refusal.details["trace_id"] in caplog.text
    assert "secret detail" in caplog.text


def test_no_two_incidents_have_one_id() -> None:
    log = get_log("routing")

    first, second = (incident.report(log, ValueError("any")).details for _ in range(2))

    assert first != second
