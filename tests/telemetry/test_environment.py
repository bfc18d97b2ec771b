"""What to export, from the standard variables and our settings."""

import pytest

from arqonbus.telemetry.environment import Plan, Signal, Wishes, plan

WISHES = Wishes(endpoint="http://collector:4318/")


def test_without_an_endpoint_nothing_is_exported() -> None:
    made = plan({}, Wishes())

    assert made.is_empty
    assert made == Plan(Signal(), Signal(), 10_000.0, "", "")


def test_an_endpoint_of_the_settings_gets_the_path_of_each_signal() -> None:
    made = plan({}, WISHES)

    assert made.traces == Signal("otlp", "http/protobuf", "http://collector:4318/v1/traces", 5.0)
    assert made.metrics.endpoint == "http://collector:4318/v1/metrics"


def test_grpc_has_no_paths() -> None:
    made = plan({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, WISHES)

    assert (made.traces.protocol, made.traces.endpoint) == ("grpc", "http://collector:4318")


def test_an_endpoint_of_the_environment_is_the_exporters_to_read() -> None:
    made = plan({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://other:4318"}, WISHES)
    assert (made.traces.exporter, made.traces.endpoint) == ("otlp", None)

    made = plan({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://other:4318/v1/traces"}, Wishes())
    assert (made.traces.exporter, made.metrics.exporter) == ("otlp", "none")


@pytest.mark.parametrize(
    ("variables", "traces", "metrics"),
    [
        ({"OTEL_TRACES_EXPORTER": "none"}, "none", "otlp"),
        ({"OTEL_METRICS_EXPORTER": "console"}, "otlp", "console"),
        ({"OTEL_METRICS_EXPORTER": " "}, "otlp", "otlp"),
        ({"OTEL_SDK_DISABLED": "TRUE"}, "none", "none"),
    ],
)
def test_each_signal_has_an_exporter_of_its_own(variables: dict[str, str], traces: str, metrics: str) -> None:
    made = plan(variables, WISHES)

    assert (made.traces.exporter, made.metrics.exporter) == (traces, metrics)


def test_otlp_that_is_asked_for_by_name_needs_no_endpoint() -> None:
    made = plan({"OTEL_TRACES_EXPORTER": "otlp"}, Wishes())

    assert (made.traces.exporter, made.traces.endpoint, made.metrics.exporter) == ("otlp", None, "none")


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({}, 5.0),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "7"}, 7.0),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "10000"}, 10.0),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "10000", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "3"}, 3.0),
    ],
)
def test_a_timeout_of_more_than_ten_minutes_is_in_milliseconds(variables: dict[str, str], seconds: float) -> None:
    assert plan(variables, WISHES).traces.timeout_s == seconds


def test_the_sampler_and_the_interval_are_read() -> None:
    made = plan(
        {
            "OTEL_TRACES_SAMPLER": "TraceIdRatio",
            "OTEL_TRACES_SAMPLER_ARG": "0.5",
            "OTEL_METRIC_EXPORT_INTERVAL": "250",
        },
        WISHES,
    )

    assert (made.sampler, made.sampler_argument, made.interval_ms) == ("traceidratio", "0.5", 250.0)


def test_what_cannot_be_used_is_told_by_the_name_that_was_set() -> None:
    made = plan(
        {
            "OTEL_TRACES_EXPORTER": "zipkin",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "soon",
            "OTEL_METRIC_EXPORT_INTERVAL": "-1",
        },
        WISHES,
    )

    assert made.traces == Signal("otlp", "http/protobuf", "http://collector:4318/v1/traces", 5.0)
    assert made.ignored == (
        "OTEL_METRIC_EXPORT_INTERVAL: expected a number above 0, got '-1'",
        "OTEL_TRACES_EXPORTER: expected otlp, console or none, got 'zipkin'",
        "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or grpc, got 'http/json'",
        "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or grpc, got 'http/json'",
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: expected a number above 0, got 'soon'",
    )
