"""arqonbus completion."""

import pytest

from arqonbus.cli.completing import script
from tests.cli.conftest import Call


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(shell: str, call: Call) -> None:
    assert call("completion", shell) == (0, script(shell), "")


def test_another_shell_is_wrong_usage(call: Call) -> None:
    assert call("completion", "tcsh").code == 2
