"""Messages and gaps on stdout and stderr."""

import msgspec
import pytest
from msgspec import Raw

from arqonbus.cli.kit.messages import MessageWriter, gap_text, record_of
from arqonbus.cli.kit.output import Output
from arqonbus.client import Gap, Message
from tests.cli.conftest import records

MESSAGE: Message[object] = Message(
    {"a": 1}, "event", "m1", "c-1", "2026-11-21T23:00:07.251Z", Raw(b'{"a":1}'), "science", "explore", 7, "e1"
)
TEXT = msgspec.structs.replace(MESSAGE, raw=Raw(b'"hello"'))


def out(*, as_json: bool = False, terminal: bool = False) -> Output:
    made = Output(as_json=as_json)
    made.is_terminal = terminal
    return made


def test_a_pipe_gets_the_payload_alone(capsys: pytest.CaptureFixture[str]) -> None:
    MessageWriter(out(), with_address=True, with_date=True).show(MESSAGE)

    assert capsys.readouterr().out == '{"a":1}\n'


def test_a_terminal_gets_time_and_place_too(capsys: pytest.CaptureFixture[str]) -> None:
    MessageWriter(out(terminal=True)).show(MESSAGE)
    MessageWriter(out(terminal=True), with_address=True, with_date=True).show(MESSAGE)

    assert capsys.readouterr().out == ('23:00:07  #7  {"a":1}\n2026-11-21 23:00:07  science:explore  #7  {"a":1}\n')


def test_raw_is_raw_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    MessageWriter(out(terminal=True), raw=True).show(TEXT)

    assert capsys.readouterr().out == "hello\n"


def test_a_terminal_takes_no_orders_from_a_payload(capsys: pytest.CaptureFixture[str]) -> None:
    evil = msgspec.structs.replace(MESSAGE, raw=Raw(b'"\\u001b[2J"'))
    MessageWriter(out(terminal=True), raw=True).show(evil)
    MessageWriter(out(), raw=True).show(evil)

    assert capsys.readouterr().out == "\\x1b[2J\n\x1b[2J\n"


def test_telemetry_tells_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    MessageWriter(out()).show(msgspec.structs.replace(MESSAGE, kind="telemetry", event="client_connected"))

    assert capsys.readouterr().out == 'client_connected {"a":1}\n'


def test_a_program_gets_everything(capsys: pytest.CaptureFixture[str]) -> None:
    MessageWriter(out(as_json=True)).show(MESSAGE)

    (record,) = records(capsys.readouterr().out)
    assert record == record_of(MESSAGE)
    assert (record.address, record.seq, record.epoch, record.sender) == ("science:explore", 7, "e1", "c-1")


def test_a_gap_is_told_on_stderr_or_as_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    gap = Gap(3, 5, 3, "evicted", True, "e1", "explore")
    MessageWriter(out()).lose(gap, "science:explore")
    text = capsys.readouterr()
    MessageWriter(out(as_json=True)).lose(gap, "science:explore")

    assert text == ("", "arqonbus: science:explore: 3 events are missing, #3 to #5 (evicted)\n")
    (record,) = records(capsys.readouterr().out)
    assert (record.first, record.last, record.missed, record.reason) == (3, 5, 3, "evicted")


def test_a_gap_that_is_not_exact_says_so() -> None:
    assert gap_text(Gap(1, 1, 1, "epoch_changed", False), "a:b") == (
        "a:b: at least 1 event is missing, #1 (epoch_changed)"
    )
