from arqonbus.protocol.payloads import MemberInfo, Profile
from arqonbus.routing.far_members import FarMembers


def row(client: str) -> MemberInfo:
    return MemberInfo(client, None, Profile(), "2026-11-21T19:00:00.000Z")


def test_who_is_on_two_nodes_counts_once() -> None:
    far = FarMembers()
    assert far.count({"c-1"}) == 0

    far.rows = {"c-1": row("c-1"), "c-2": row("c-2")}
    far.crowd = 10
    assert far.count({"c-1"}) == 11
    assert [one.client for one in far.beside({"c-1"})] == ["c-2"]
