"""Whether an export gets anywhere: real receivers over HTTP and gRPC, closed ports, wrong tokens."""

from collections.abc import Callable, Mapping

import pytest

from arqonbus.cli.doctor.otlp import check_otlp
from arqonbus.cli.kit.measures import Finding
from arqonbus.config import Settings
from arqonbus.config.settings import Telemetry
from tests.telemetry.receivers import black_hole, grpc_receiver, http_receiver, nobody

pytestmark = pytest.mark.integration


def found(endpoint: str = "", variables: Mapping[str, str] | None = None, **more: object) -> dict[str, Finding]:
    settings = Settings(telemetry=Telemetry(endpoint=endpoint, timeout_s=1.0, **more))  # type: ignore[arg-type]
    return {finding.what: finding for finding in check_otlp(settings, variables or {})}


def test_without_an_export_there_is_nothing_to_check() -> None:
    assert found()["otlp"].words == "nothing is exported (telemetry.endpoint)"


def test_a_receiver_takes_traces_and_metrics() -> None:
    with http_receiver() as receiver:
        findings = found(receiver.url)

        assert [finding.verdict for finding in findings.values()] == ["ok", "ok"]
        assert findings["otlp traces"].words.startswith(f"{receiver.url}/v1/traces takes what it is sent, in ")
        assert (len(receiver.traces), len(receiver.metrics)) == (1, 1)


def test_a_receiver_over_grpc_takes_traces_and_metrics() -> None:
    with grpc_receiver() as receiver:
        findings = found(receiver.url, protocol="grpc")

        assert [finding.verdict for finding in findings.values()] == ["ok", "ok"]
        assert (len(receiver.traces), len(receiver.metrics)) == (1, 1)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_closed_port_is_wrong(protocol: str) -> None:
    with nobody() as closed:
        finding = found(closed.url, protocol=protocol)["otlp traces"]

    assert (finding.verdict, "does not answer: " in finding.words) == ("wrong", True)
    assert "refused" in finding.words.lower()
    assert finding.do.startswith("start the collector")


def test_a_receiver_that_never_answers_is_wrong_after_the_timeout() -> None:
    with black_hole() as hole:
        finding = found(
            variables={"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": hole.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}
        )["otlp traces"]

    assert (finding.verdict, finding.words.endswith("does not answer: timed out")) == ("wrong", True)


@pytest.mark.parametrize(("receive", "protocol"), [(http_receiver, "http/protobuf"), (grpc_receiver, "grpc")])
def test_a_token_is_sent_and_a_wrong_one_is_told(receive: Callable[..., object], protocol: str) -> None:
    with receive() as receiver:  # type: ignore[attr-defined]
        receiver.behave = lambda: 200 if receiver.headers.get("authorization") == "Bearer right one" else 401
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        right = found(variables={**variables, "OTEL_EXPORTER_OTLP_HEADERS": "x=1,Authorization=Bearer%20right%20one"})
        wrong = found(variables={**variables, "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer guessed"})

    assert [finding.verdict for finding in right.values()] == ["ok", "ok"]
    assert [finding.verdict for finding in wrong.values()] == ["wrong", "wrong"]
    assert "does not accept the token: " in wrong["otlp metrics"].words
    assert "OTEL_EXPORTER_OTLP_HEADERS" in wrong["otlp metrics"].do
    assert "guessed" not in wrong["otlp metrics"].words


@pytest.mark.parametrize(
    ("status", "verdict", "words"),
    [
        (404, "wrong", "is not what it should be"),
        (503, "warning", "takes nothing now"),
        (429, "warning", "takes nothing"),
    ],
)
def test_other_answers_are_told(status: int, verdict: str, words: str) -> None:
    with http_receiver(lambda: status) as receiver:
        finding = found(receiver.url)["otlp traces"]

    assert (finding.verdict, words in finding.words) == (verdict, True)


def test_a_login_in_the_address_is_not_shown() -> None:
    with nobody() as closed:
        finding = found(closed.url.replace("http://", "http://user:hush@"))["otlp traces"]

    assert "hush" not in finding.words


def test_variables_that_are_ignored_are_told() -> None:
    with http_receiver() as receiver:
        finding = found(receiver.url, {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"})["otlp"]

    assert (finding.verdict, "expected a number above 0, got 'soon'" in finding.words) == ("warning", True)
