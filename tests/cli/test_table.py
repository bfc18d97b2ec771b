"""The table of commands: every row leads to a module that says what it does."""

import pytest

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.table import COMMANDS, GROUPS, module_of, parser_of


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_a_module_and_a_group(name: str) -> None:
    module = module_of(name)

    assert callable(module.add)
    assert callable(module.run)
    assert COMMANDS[name].group in GROUPS


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_begins_with_examples_and_ends_with_exit_codes(name: str) -> None:
    parser = parser_of(name)
    help = parser.format_help()

    assert 2 <= len(parser.examples) <= 6
    assert all(line.partition("arqonbus ")[2].startswith(name) for line, _ in parser.examples)
    assert help.index("examples:") < help.index("usage:") < help.index("options:") < help.index("exit codes:")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_no_colours_on_demand_and_ends_with_known_codes(name: str) -> None:
    parser = parser_of(name)

    assert "--no-color" in parser.flags()
    assert {Exit.OK, Exit.FAILED, Exit.USAGE} <= set(parser.exits)


def test_an_unknown_command_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        parser_of("fly")
