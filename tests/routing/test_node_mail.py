from arqonbus.routing.node_mail import ClaimSent


def test_what_was_sent_bears_its_number() -> None:
    assert ClaimSent(1, ("delivered", "absent")) != ClaimSent(2, ("delivered", "absent"))
