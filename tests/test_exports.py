"""The public names of the package: a change here is a change for users."""

import subprocess
import sys

import pytest

import arqonbus


def test_the_public_names_are_these() -> None:
    assert arqonbus.__all__ == ["ArqonError", "ConfigError", "Settings", "__version__"]
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
