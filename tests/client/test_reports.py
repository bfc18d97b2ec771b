"""What the bus tells by callbacks."""

import logging

import pytest

from arqonbus.client.errors import ClientError, Expired
from arqonbus.client.reports import Reports


def reports() -> Reports:
    return Reports(None, None, None)


@pytest.mark.rules("R42")
def test_errors_are_logged_once_a_second_and_kind(caplog: pytest.LogCaptureFixture) -> None:
    told = reports()
    with caplog.at_level(logging.WARNING, "arqonbus.client"):
        for _ in range(5):
            told.error(Expired("late"))
        told.error(ValueError("odd"))

    assert [record.message.split(" text=")[0] for record in caplog.records] == [
        "error kind=expired",
        "error kind=ValueError",
    ]


def test_the_next_line_says_how_many_came_in_between(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = reports()
    for _ in range(3):
        told.error(Expired("late"))
    told._logged["expired"] = (told._logged["expired"][0] - 2.0, told._logged["expired"][1])
    with caplog.at_level(logging.WARNING, "arqonbus.client"):
        told.error(Expired("late"))

    assert caplog.records[-1].message.endswith("more=2")


@pytest.mark.rules("R27")
def test_a_callback_for_errors_takes_their_place(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = []
    told = Reports(errors.append, None, None)

    told.error(ClientError("it"))

    assert len(errors) == 1 and caplog.records == []


@pytest.mark.rules("R2")
def test_what_a_callback_raises_is_logged_and_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*about: object) -> None:
        raise RuntimeError("of the program")

    told = Reports(broken, broken, broken)

    told.error(ClientError("it"))
    told.state(None)  # type: ignore[arg-type]
    told.system("event", {}, "", "")

    assert [record.message.split(" callback=")[0] for record in caplog.records] == ["callback_failed"] * 3


def test_no_callback_is_fine() -> None:
    told = reports()

    told.state(None)  # type: ignore[arg-type]
    told.system("event", {}, "", "")
