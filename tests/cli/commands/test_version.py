"""arqonbus version: as text and as JSON."""

import json

import pytest

from arqonbus import __version__, cli
from arqonbus.cli.commands.version import PROTOCOL_VERSION
from arqonbus.protocol.envelope import VERSION


def test_versions_are_told_as_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    text = capsys.readouterr().out
    assert cli.main(["version", "--json"]) == 0
    versions = json.loads(capsys.readouterr().out)

    assert list(versions) == ["arqonbus", "python", "protocol", "uvloop", "websockets", "msgspec"]
    assert versions["arqonbus"] == __version__
    assert all(str(version or "not installed") in text for version in versions.values())


def test_the_version_of_the_protocol_is_that_of_the_envelope() -> None:
    """It is written twice, because importing the protocol costs more than the whole command line."""
    assert PROTOCOL_VERSION == VERSION
