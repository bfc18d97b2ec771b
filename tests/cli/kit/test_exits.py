"""The table of exit codes."""

from arqonbus.cli.kit.exits import LOCAL, MEANINGS, TALKING, Exit


def test_every_exit_code_has_a_meaning_and_its_number_is_part_of_the_contract() -> None:
    assert [int(code) for code in MEANINGS] == [0, 1, 2, 3, 4, 5, 6, 7, 130]
    assert list(MEANINGS) == list(Exit)


def test_who_talks_to_a_server_may_end_in_more_ways() -> None:
    assert set(LOCAL) < set(TALKING)
