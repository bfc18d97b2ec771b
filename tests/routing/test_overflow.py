"""What the memberships of one client bear."""

from arqonbus.routing.overflow import OverflowRules


def test_memberships_that_said_nothing_bear_nothing() -> None:
    rules = OverflowRules([("r", "c")])

    assert (rules.of("r", "c"), rules.of("r", "other")) == ("disconnect", "disconnect")


def test_the_whole_room_speaks_for_channels_without_a_membership_of_their_own() -> None:
    rules = OverflowRules([("r", "c")])
    rules.set(("r", "*"), "conflate")
    rules.set(("r", "d"), "drop_oldest")

    assert [rules.of("r", channel) for channel in "cde"] == ["disconnect", "drop_oldest", "conflate"]
    assert rules.of("s", "c") == "disconnect"


def test_the_newest_word_counts_until_the_membership_is_over() -> None:
    rules = OverflowRules([])
    rules.set(("r", "c"), "conflate")
    rules.set(("r", "c"), "disconnect")
    rules.set(("r", "*"), "conflate")
    assert rules.of("r", "c") == "disconnect"

    rules.set(("r", "c"), None)
    rules.set(("r", "never"), None)
    assert rules.of("r", "c") == "conflate"


def test_what_is_given_away_is_a_copy() -> None:
    rules = OverflowRules([("r", "c")])
    given = rules.all()
    rules.set(("r", "c"), "conflate")

    assert given == {("r", "c"): "disconnect"}
