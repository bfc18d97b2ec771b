from random import Random

from arqonbus.commands.page import page_of


def page(items: list[str], limit: int | None, cursor: str | None) -> tuple[list[str], str | None]:
    return page_of(items, lambda item: item, limit, cursor)


def test_a_page_is_sorted_and_says_where_the_next_begins() -> None:
    assert page(["c", "a", "b"], 2, None) == (["a", "b"], "b")
    assert page(["c", "a", "b"], 2, "b") == (["c"], None)
    assert page(["c", "a", "b"], 3, None) == (["a", "b", "c"], None)
    assert page([], None, None) == ([], None)


def test_without_a_limit_a_page_has_100_items() -> None:
    found, cursor = page([f"{n:03d}" for n in range(150)], None, None)

    assert (len(found), cursor) == (100, "099")


def test_changes_between_pages_repeat_and_skip_nothing_that_stays() -> None:
    chance = Random(7)
    stays = [f"s{n:02d}" for n in range(30)]
    seen: list[str] = []
    cursor = None
    while True:
        comes_and_goes = [f"{chance.choice('rst')}{chance.random()}" for _ in range(10)]
        found, cursor = page([*comes_and_goes, *stays], 4, cursor)
        seen += found
        if cursor is None:
            break

    assert [item for item in seen if item in stays] == stays
