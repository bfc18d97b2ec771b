"""Members of a channel, and pages of them."""

from random import Random

from msgspec import UNSET, Raw

from arqonbus.protocol.payloads import MemberInfo, MembersArgs, Profile
from arqonbus.routing.members import Members, members_page
from tests.commands.calls import client_card

AT = "2026-11-21T19:00:00.000Z"


def test_a_client_is_new_once() -> None:
    members, card = Members(), client_card("c-1")

    assert members.join(card, AT, star=False, watches=False) is True
    assert members.join(card, "later", star=False, watches=False) is False
    assert (len(members), members.count, members.refs) == (1, 1, (card.ref,))
    assert [member.joined_at for member in members] == [AT]


def test_refs_are_in_the_order_of_the_joins_and_follow_changes() -> None:
    members, cards = Members(), [client_card(f"c-{n}") for n in (3, 1, 2)]
    for card in cards:
        members.join(card, AT, star=False, watches=False)
    assert members.refs == tuple(card.ref for card in cards)

    members.leave("c-1", star=False)

    assert members.refs == (cards[0].ref, cards[2].ref)


def test_members_of_groups_are_members_but_get_not_every_event() -> None:
    members, ordinary, sharer = Members(), client_card("c-1"), client_card("c-2")
    members.join(ordinary, AT, star=False, watches=False)
    members.join(sharer, AT, star=False, watches=True, group="g")

    assert (members.refs, members.all_refs) == ((ordinary.ref,), (ordinary.ref, sharer.ref))
    assert [member.info().group for member in members] == [UNSET, "g"]
    assert (members.count, list(members.watching)) == (2, ["c-2"])

    later = client_card("c-2")
    assert members.join(later, AT, star=False, watches=False, group="g") is False
    assert members.all_refs == (ordinary.ref, later.ref)
    members.drop("c-1")
    assert (members.refs, members.all_refs) == ((), (later.ref,))


def test_who_is_in_for_two_reasons_leaves_twice() -> None:
    members, card = Members(), client_card("c-1")
    members.join(card, AT, star=True, watches=False)
    members.join(card, AT, star=False, watches=True)

    assert members.leave("c-1", star=False) is None
    assert members.watching == {}
    gone = members.leave("c-1", star=True)

    assert gone is not None and gone.card is card
    assert (len(members), members.refs) == (0, ())


def test_leaving_or_dropping_a_stranger_is_without_effect() -> None:
    members = Members()

    assert members.leave("c-1", star=False) is None
    assert members.drop("c-1") is None
    assert members.get("c-1") is None
    assert members.count == 0


def test_those_who_asked_watch() -> None:
    members, asked, silent = Members(), client_card("c-1"), client_card("c-2")
    members.join(asked, AT, star=False, watches=True)
    members.join(silent, AT, star=False, watches=False)

    assert members.watching == {"c-1": members["c-1"]}


def test_who_watches_does_so_until_it_says_no_or_is_out() -> None:
    members, card = Members(), client_card("c-1")
    members.join(card, AT, star=False, watches=True)
    members.join(card, AT, star=False, watches=None)
    members.join(card, AT, star=True, watches=None)
    assert list(members.watching) == ["c-1"]

    members.join(card, AT, star=False, watches=False)
    assert members.watching == {}

    members.join(card, AT, star=False, watches=True)
    members.drop("c-1")
    assert members.watching == {}


def test_where_all_watch_nobody_can_say_no() -> None:
    members, card = Members(all_watch=True), client_card("c-1")
    members.join(card, AT, star=True, watches=None)
    members.join(card, AT, star=False, watches=False)
    assert list(members.watching) == ["c-1"]

    members.leave("c-1", star=False)
    assert list(members.watching) == ["c-1"]
    members.leave("c-1", star=True)
    assert members.watching == {}


def test_a_watcher_that_goes_on_as_another_session_is_told_there() -> None:
    members, old, new = Members(), client_card("c-1"), client_card("c-1")
    members.join(old, AT, star=False, watches=True)

    members.join(new, AT, star=False, watches=None)

    assert [member.card for member in members.watching.values()] == [new]
    assert list(members.everybody()) == [members["c-1"]]


def test_a_drop_ends_all_reasons() -> None:
    members, card = Members(), client_card("c-1")
    members.join(card, AT, star=True, watches=False)
    members.join(card, AT, star=False, watches=False)

    assert members.drop("c-1") is not None
    assert list(members) == []


def test_a_page_is_by_client_id_and_says_how_many_there_are() -> None:
    members = Members()
    for n in (2, 0, 1):
        members.join(client_card(f"c-{n}"), AT, star=False, watches=False)

    first = members_page(members, MembersArgs("r", limit=2))
    second = members_page(members, MembersArgs("r", limit=2, cursor=first.cursor))

    assert first.members == (MemberInfo("c-0", None, Profile(), AT), MemberInfo("c-1", None, Profile(), AT))
    assert (first.count, first.cursor) == (3, "c-1")
    assert ([member.client for member in second.members], second.cursor) == (["c-2"], None)


def test_members_of_other_nodes_are_on_the_pages_and_counted_and_get_nothing() -> None:
    members = Members()
    members.join(client_card("c-1"), AT, star=False, watches=False)
    members.far.rows = {client: MemberInfo(client, None, Profile(), AT) for client in ("c-0", "c-1", "c-2")}

    page = members_page(members, MembersArgs("r"))
    assert ([row.client for row in page.members], page.count, page.partial) == (["c-0", "c-1", "c-2"], 3, UNSET)
    assert (members.count, members.total, len(members.refs)) == (1, 3, 1)
    assert "c-1" in members and "c-2" not in members


def test_a_page_that_cannot_name_all_says_so() -> None:
    members = Members()
    members.far.crowd = 300
    assert members_page(members, MembersArgs("r")).partial is True

    members.far.crowd, members.far.is_partial = 0, True
    assert members_page(members, MembersArgs("r")).partial is True


def test_after_any_joins_and_leaves_the_members_are_those_who_did_not_leave() -> None:
    chance = Random(5)
    members, cards = Members(), {f"c-{n}": client_card(f"c-{n}") for n in range(5)}
    expected: dict[str, set[bool]] = {}
    for _ in range(2000):
        client, star = chance.choice(list(cards)), chance.random() < 0.5
        if chance.random() < 0.5:
            assert members.join(cards[client], AT, star=star, watches=False) is (client not in expected)
            expected.setdefault(client, set()).add(star)
        elif chance.random() < 0.9:
            reasons = expected.get(client, set())
            reasons.discard(star)
            if not reasons:
                expected.pop(client, None)
            members.leave(client, star=star)
        else:
            expected.pop(client, None)
            members.drop(client)
        assert {member.card.client for member in members} == set(expected)
        assert members.count == len(expected) == len(members.refs)


def test_a_page_is_bounded_in_bytes_and_goes_on_where_it_ended() -> None:
    big = Profile(avatar="x" * 2000, data=Raw(b'"' + b"y" * 4000 + b'"'))
    members = Members()
    for n in range(100):
        card = client_card(f"c-{n:03}")
        card.profile = big
        members.join(card, AT, star=False, watches=False)
    seen: list[str] = []
    cursor = None
    while True:
        page = members_page(members, MembersArgs("r", limit=1000, cursor=cursor))
        assert 0 < len(page.members) < 50
        seen += [member.client for member in page.members]
        cursor = page.cursor
        if cursor is None:
            break

    assert seen == [f"c-{n:03}" for n in range(100)]


def test_a_join_that_says_nothing_of_it_leaves_the_wish_to_be_told_as_it_was() -> None:
    members, old, new = Members(), client_card("c-1"), client_card("c-1")
    members.join(old, AT, star=False, watches=True)

    members.join(new, AT, star=False, watches=None)
    assert [member.card for member in members.watching.values()] == [new]

    members.join(new, AT, star=False, watches=False)
    assert members.watching == {}
