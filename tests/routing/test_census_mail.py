from arqonbus.routing.census_mail import FarNews


def test_news_of_nothing_say_that_all_is_known() -> None:
    assert FarNews("c") == FarNews("c", (), (), (), 0, is_partial=False)
