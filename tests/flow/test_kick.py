"""Kick: an administrator ends a client, there, away or on its way to another connection."""

from __future__ import annotations

from typing import Any

from tests.flow.world import Client, World, settings

AUTH: dict[str, Any] = {"auth__keys": {"root": "s3cret", "ann": "key"}, "auth__admins": ("root",)}


def admin(world: World) -> Client:
    return world.connect(token="s3cret")


def test_the_client_is_closed_with_the_reason_and_members_are_told() -> None:
    world = World(settings(**AUTH, server__resume_grace_s=10.0))
    watcher, target = world.connect(token="key"), world.connect(token="key")
    watcher.join("r", "c", presence=True)
    target.join("r", "c")
    watcher.take()

    assert admin(world).command("kick", client=target.id, reason="spam") == {}

    assert target.socket.closed == (4503, "spam")
    (left,) = watcher.take()
    assert (left["event"], left["payload"]["client"], left["payload"]["reason"]) == ("member_left", target.id, "kicked")


def test_a_kicked_client_does_not_come_back_by_its_ticket() -> None:
    world = World(settings(**AUTH, server__resume_grace_s=10.0))
    target = world.connect(token="key")
    admin(world).command("kick", client=target.id)
    again = world.connect(token="key")

    assert again.command("connect", resume={"ticket": target.ticket})["client"] == again.id


def test_a_client_that_is_away_is_gone_at_once() -> None:
    world = World(settings(**AUTH, server__resume_grace_s=10.0))
    target, watcher = world.connect(token="key"), world.connect(token="key")
    watcher.join("r", "c", presence=True)
    target.join("r", "c")
    target.lose()
    watcher.take()

    assert admin(world).command("kick", client=target.id) == {}
    assert watcher.told() == ["member_left"]
    assert not target.session.alive


def test_whoever_has_the_client_by_then_is_closed() -> None:
    world = World(settings(**AUTH, server__resume_grace_s=10.0))
    boss, old = admin(world), world.connect(token="key")
    old.join("r", "c")
    new = world.connect(token="key")
    new.post_command("connect", "k1", resume={"ticket": old.ticket})
    boss.post_command("kick", "k2", client=old.id)
    world.run()

    assert boss.answers() == [("k2", "ok")]
    assert (old.close_code, new.close_code) == (4504, 4503)


def test_one_who_may_not_is_told_so() -> None:
    world = World(settings(**AUTH))
    ann, root = world.connect(token="key"), admin(world)

    assert ann.command("kick", client=root.id)["code"] == "forbidden"
    assert root.command("kick", client="nobody")["code"] == "not_found"
    assert root.command("whoami")["permissions"][-1] == "admin"
    assert "admin" not in ann.command("whoami")["permissions"]
