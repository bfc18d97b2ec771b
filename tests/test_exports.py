"""The public names of the package: a change here is a change for users."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import arqonbus


def test_the_public_names_are_these() -> None:
    names = ["ArqonError", "Bus", "ClientError", "ConfigError", "Message", "Settings", "__version__", "connect"]

    assert arqonbus.__all__ == names
    assert dir(arqonbus) == arqonbus.__all__


def test_every_public_name_resolves() -> None:
    assert all(getattr(arqonbus, name) is not None for name in arqonbus.__all__)


def test_a_public_name_is_the_object_of_its_home_module() -> None:
    from arqonbus.config import Settings

    assert arqonbus.Settings is Settings


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = arqonbus.nothing


def test_importing_the_package_imports_nothing_else_of_ours() -> None:
    code = "import sys, arqonbus; print([name for name in sys.modules if name.startswith('arqonbus.')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_client_imports_nothing_of_the_server() -> None:
    code = "import sys, arqonbus.client.sync; print([name for name in sys.modules if name.startswith('arqonbus.')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    packages = {name.split(".")[1] for name in ast.literal_eval(done.stdout)}
    assert packages == {"client", "errors", "protocol"}


def test_the_client_s_public_names_resolve_and_are_its_own() -> None:
    from arqonbus import client

    assert sorted(client.__all__) == client.__all__
    assert all(getattr(client, name) is not None for name in client.__all__)


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(arqonbus.__file__).parent / "py.typed").exists()
