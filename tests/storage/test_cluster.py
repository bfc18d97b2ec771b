"""The seam itself: what is told is plain data; see cluster_contract for what is promised."""

from arqonbus.storage.cluster import ForClient, NodeGone


def test_what_is_told_is_compared_by_value() -> None:
    assert ForClient("c-1", b"x") == ForClient("c-1", b"x")
    assert NodeGone("n1", is_orderly=True) != NodeGone("n1", is_orderly=False)
