"""Paged answers as one list."""

import pytest

from arqonbus.cli.kit.lists import add_limit, pages
from arqonbus.cli.kit.parser import Parser

ALL = tuple(range(2500))


async def page(limit: int, cursor: str | None) -> tuple[tuple[int, ...], str | None]:
    start = int(cursor or 0)
    end = min(start + limit, len(ALL))
    return ALL[start:end], None if end == len(ALL) else str(end)


async def test_all_pages_make_one_list() -> None:
    assert await pages(page, None) == list(ALL)


async def test_a_limit_is_kept_and_more_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert await pages(page, 1200) == list(ALL[:1200])
    assert capsys.readouterr().err == "arqonbus: there is more: --limit\n"


def test_the_limit_is_a_flag() -> None:
    parser = Parser("arqonbus fly", "fly")
    add_limit(parser)

    assert parser.parse_args(["-l", "3"]).limit == 3
