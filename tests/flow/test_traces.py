"""Traces through the real actors: one message, one tree, whatever becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from arqonbus.telemetry.command_spans import MOST_JOINS
from arqonbus.telemetry.context import format_parent
from arqonbus.telemetry.sampler import AlwaysOff
from arqonbus.telemetry.span_table import BROADCAST, EVENT, PRIVATE, Message
from arqonbus.telemetry.tracer import Span
from tests.flow.nodes import Nodes
from tests.flow.world import Client, World, settings
from tests.telemetry.stage import Stage

SENT = f"00-{'a' * 32}-{'b' * 16}-01"
NOT_SAMPLED = f"00-{'a' * 32}-{'b' * 16}-00"


class Traced:
    """A world where every message is traced; ``spans`` are those of what happened last."""

    def __init__(self, stage: Stage | None = None, **wanted: Any) -> None:
        self.stage = stage or Stage()
        self.world = World(settings(**wanted), tracer=self.stage.tracer)

    def members(self, n: int, **more: Any) -> list[Client]:
        found = [self.world.member("r", "c", **more) for _ in range(n)]
        self.stage.spans.clear()
        return found

    def named(self, kind: str) -> list[Span]:
        return [span for span in self.stage.spans if (span.name or span.row.name).split(" ")[0] == kind]

    def one(self, kind: str) -> Span:
        (span,) = self.named(kind)
        return span

    def outcomes(self) -> list[object]:
        return [span.attributes["arqonbus.deliver.outcome"] for span in self.named("deliver")]


def check(span: Span) -> None:
    row = span.row
    assert set(row.always) | {"messaging.system"} <= set(span.attributes)
    assert set(span.attributes) <= {*row.always, *row.sometimes, "messaging.system"}


def send(kind: Message, sender: Client, others: list[Client], **more: Any) -> None:
    where: dict[str, Any] = {
        EVENT.template: {"type": "event", "room": "r", "channel": "c"},
        BROADCAST.template: {"type": "broadcast", "room": "r"},
        PRIVATE.template: {"type": "private", "to": [other.id for other in others]},
    }[kind.template]
    sender.send({**where, "payload": 1, **more})


def received(client: Client) -> dict[str, Any]:
    return [message for message in client.received() if message["type"] in ("event", "broadcast", "private")][-1]


@pytest.mark.parametrize("kind", [EVENT, BROADCAST, PRIVATE], ids=lambda kind: kind.template)
def test_the_tree_of_each_type_of_message_is_the_documented_one(kind: Message) -> None:
    here = Traced()
    members = here.members(3)

    send(kind, members[0], members, id="m-1", reply_to="m-0")

    spans = here.stage.spans
    for span in spans:
        check(span)
        above = [known.span_id for known in spans if known.row.name == span.row.parent]
        assert span.parent_id in (above or [0])
    rows = [row.name for row in (kind.publish, kind.route, kind.fanout, kind.deliver) if row is not None]
    assert sorted(here.stage.names()) == sorted([*rows, kind.deliver.name, kind.deliver.name])
    assert len({span.trace_id for span in spans}) == 1
    assert here.outcomes() == ["written"] * 3
    assert {span.attributes["messaging.client.id"] for span in here.named("deliver")} == {one.id for one in members}
    publish = here.one("publish")
    assert publish.attributes["messaging.message.id"] == "m-1"
    assert publish.attributes["messaging.message.conversation_id"] == "m-0"
    assert received(members[1])["traceparent"] == format_parent(publish.trace_id, publish.span_id)


@pytest.mark.parametrize("kind", [EVENT, BROADCAST, PRIVATE], ids=lambda kind: kind.template)
def test_the_trace_of_a_sender_goes_on_and_its_context_is_passed_on_unchanged(kind: Message) -> None:
    here = Traced()
    members = here.members(2)

    send(kind, members[0], members, traceparent=SENT)

    publish = here.one("publish")
    assert (publish.trace_id, publish.parent_id) == (int("a" * 32, 16), int("b" * 16, 16))
    assert received(members[1])["traceparent"] == SENT


def test_what_the_sender_does_not_trace_is_not_traced() -> None:
    here = Traced()
    members = here.members(2)

    send(EVENT, members[0], members, traceparent=NOT_SAMPLED)

    assert here.stage.spans == []
    assert received(members[1])["traceparent"] == NOT_SAMPLED


def test_what_the_sampler_does_not_want_has_no_span_and_no_context() -> None:
    stage = Stage(AlwaysOff())
    world = World(tracer=stage.tracer)
    member = world.member("r", "c")

    member.event("r", "c", 1)
    member.command("ping")

    assert stage.spans == []
    assert "traceparent" not in member.events()[0]


def test_without_a_tracer_no_frame_has_a_context() -> None:
    member = World().member("r", "c")

    member.event("r", "c", 1)

    assert "traceparent" not in member.events()[0]


def test_each_event_of_a_turn_has_its_own_tree() -> None:
    here = Traced()
    (member,) = here.members(1)

    for n in range(3):
        member.post_event("r", "c", n)
    here.world.run()

    assert len(here.stage.spans) == 12
    assert [span.attributes["arqonbus.seq"] for span in here.named("route")] == [1, 2, 3]
    fans = {span.span_id: span.trace_id for span in here.named("fanout")}
    assert all(fans[span.parent_id] == span.trace_id for span in here.named("deliver"))


def test_one_who_is_no_member_finds_the_channel_first_and_is_traced_once() -> None:
    here = Traced()
    here.members(1)
    stranger = here.world.connect()

    stranger.event("r", "c", 1)

    assert len(here.named("publish")) == len(here.named("deliver")) == 1


def test_a_refused_message_has_one_span_with_the_code() -> None:
    here = Traced(channels__auto_create=False)
    (member,) = here.members(1)

    member.event("r", "other", 1, id="m-1")
    member.send({"type": "broadcast", "room": "nowhere", "payload": 1})

    spans = here.named("publish")
    assert here.stage.spans == spans
    assert [span.error for span in spans] == ["not_found", "not_found"]
    for span in spans:
        check(span)


def test_an_event_that_comes_again_is_accepted_and_goes_nowhere() -> None:
    here = Traced()
    (member,) = here.members(1)
    member.event("r", "c", 1, id="m-1", ack=True)
    here.stage.spans.clear()

    member.event("r", "c", 1, id="m-1", ack=True)

    assert here.stage.names() == [EVENT.publish.name]
    assert here.one("publish").error is None


def test_an_event_that_meets_a_fault_has_the_trace_id_that_the_sender_is_told() -> None:
    here = Traced(telemetry__activity=False)
    (member,) = here.members(1)
    here.world.clock_fails = True

    member.event("r", "c", 1, id="m-1")

    here.world.clock_fails = False
    publish = here.one("publish")
    assert publish.error == "internal"
    (answer,) = (
        message for message in member.received() if message["type"] == "response" and message["status"] == "error"
    )
    assert answer["error"]["details"]["trace_id"] == f"{publish.trace_id:032x}"


def test_a_congested_member_is_told_late_and_its_delivery_says_so() -> None:
    here = Traced()
    members = here.members(2)
    members[1].socket.is_congested = True
    members[0].event("r", "c", 1)  # fills the socket
    here.stage.spans.clear()

    members[0].event("r", "c", 2)
    assert here.outcomes() == ["written"]
    members[1].drain()

    assert here.outcomes() == ["written", "queued"]


def test_what_a_member_bore_to_lose_and_what_a_slow_one_never_got_have_spans() -> None:
    here = Traced(limits__outbox_messages=2, telemetry__deliver_spans=16)
    publisher, loser = here.members(1)[0], here.world.member("r", "c", overflow="drop_oldest")
    slow = here.world.member("r", "c")
    loser.socket.is_congested = slow.socket.is_congested = True
    publisher.event("r", "c", 0)
    here.stage.spans.clear()

    for n in range(1, 4):
        publisher.event("r", "c", n)

    assert slow.close_code == 4100
    assert sorted(map(str, here.outcomes())) == ["dropped", "slow", "slow", "slow", "written", "written", "written"]
    loser.drain()
    assert here.outcomes().count("queued") == 2


def test_a_member_that_is_away_is_told_nothing_now() -> None:
    here = Traced(server__resume_grace_s=30.0)
    publisher, away = here.members(2)
    away.lose()
    here.stage.spans.clear()

    publisher.event("r", "c", 1)

    assert sorted(map(str, here.outcomes())) == ["away", "written"]


def test_a_member_of_a_group_that_gets_the_event_has_a_span() -> None:
    here = Traced()
    here.members(1)
    workers = [here.world.member("r", "c", group="g") for _ in range(2)]
    here.stage.spans.clear()

    workers[0].event("r", "c", 1)

    assert here.outcomes() == ["written", "written"]
    assert here.one("fanout").attributes["arqonbus.fanout.members"] == 2


def test_commands_joins_and_replays_are_traced() -> None:
    here = Traced()
    (member,) = here.members(1)
    for n in range(3):
        member.event("r", "c", n)
    here.stage.spans.clear()
    late = here.world.connect()

    late.join("r", "c", replay=2)

    command, join, replay = here.one("command"), here.one("join"), here.one("replay")
    for span in (command, join, replay):
        check(span)
    assert (command.name, command.parent_id) == ("command join_channel", 0)
    assert (join.parent_id, replay.parent_id) == (command.span_id, join.span_id)
    assert replay.attributes["messaging.batch.message_count"] == len(replay.links) == 2
    assert command.attributes["messaging.destination.name"] == "r:c"


def test_a_join_of_a_whole_room_has_the_joins_of_its_channels_under_it_up_to_a_bound() -> None:
    here = Traced()
    maker = here.world.connect()
    for n in range(20):
        maker.join("r", f"c{n}")
    here.stage.spans.clear()

    here.world.connect().join("r", "*")

    command = here.one("command")
    joins = here.named("join")
    assert {span.parent_id for span in joins} == {command.span_id}
    assert len({span.attributes["arqonbus.actor.id"] for span in joins}) == len(joins) == MOST_JOINS
    for span in joins:
        check(span)


def test_a_command_has_its_code_and_one_that_nobody_knows_no_name_of_its_own() -> None:
    here = Traced()
    (member,) = here.members(1)

    member.command("channel_info", room="r", channel="nope")
    member.command("made_up_by_a_client")

    assert [(span.name, span.error) for span in here.named("command")] == [
        ("command channel_info", "not_found"),
        ("command unknown", "unknown_command"),
    ]


def test_a_connect_that_resumes_has_the_joins_under_it() -> None:
    here = Traced()
    (member,) = here.members(1)
    member.event("r", "c", 1)
    client = here.world.connect()
    here.stage.spans.clear()

    epoch = member.command("channel_info", room="r", channel="c")["epoch"]
    here.stage.spans.clear()
    client.command("connect", resume={"positions": [{"room": "r", "channel": "c", "epoch": epoch, "seq": 0}]})

    command, join = here.one("command"), here.one("join")
    assert (command.name, join.parent_id) == ("command connect", command.span_id)


ADMINS: dict[str, Any] = {"auth__keys": {"root": "s3cret"}, "auth__admins": ("root",), "auth__anonymous": True}


def test_every_message_of_an_administrator_that_asks_for_it_is_traced() -> None:
    here = Traced(Stage(AlwaysOff(), most_debugged=1), **ADMINS)
    member, root = here.members(1)[0], here.world.connect(token="s3cret")

    assert root.command("connect", debug=True)["debug"] is True
    root.event("r", "c", 1)
    member.event("r", "c", 2)
    root.command("channel_info", room="r", channel="c")

    assert len(here.named("publish")) == 1
    assert here.one("command").name == "command channel_info"


def test_only_so_many_are_debugged_at_once_and_the_end_of_one_makes_room() -> None:
    here = Traced(Stage(AlwaysOff(), most_debugged=1), **ADMINS, server__resume_grace_s=0.0)
    first, second = (here.world.connect(token="s3cret") for _ in range(2))

    assert first.command("connect", debug=True)["debug"] is True
    assert "debug" not in second.command("connect", debug=True)
    first.lose()
    assert here.world.connect(token="s3cret").command("connect", debug=True)["debug"] is True


def test_who_is_no_administrator_is_not_debugged() -> None:
    here = Traced(Stage(AlwaysOff(), most_debugged=1), **ADMINS)
    client = here.world.connect()

    assert "debug" not in client.command("connect", debug=True)
    client.event("r", "c", 1)
    assert here.stage.spans == []


def test_where_nothing_is_traced_to_be_debugged_is_asked_for_in_vain() -> None:
    world = World(settings(**ADMINS))

    assert "debug" not in world.connect(token="s3cret").command("connect", debug=True)


# --- over nodes -------------------------------------------------------------------------------------------------------


class TracedNodes:
    """Two nodes over one store, each with spans of its own."""

    def __init__(self) -> None:
        self.stages = [Stage(), Stage()]
        self.nodes = Nodes(2, tracers=[stage.tracer for stage in self.stages])

    def named(self, node: int, kind: str) -> list[Span]:
        return [span for span in self.stages[node].spans if span.row.name.split(" ")[0] == kind]


def test_an_event_over_nodes_is_one_trace() -> None:
    here = TracedNodes()
    near, far = (world.member("r", "c") for world in here.nodes.worlds)
    for stage in here.stages:
        stage.spans.clear()

    near.event("r", "c", 1, id="m-1")

    (publish,), (relay,) = here.named(0, "publish"), here.named(1, "relay")
    (out,) = here.named(0, "relay")
    spans = [*here.stages[0].spans, *here.stages[1].spans]
    for span in spans:
        check(span)
    assert {span.trace_id for span in spans} == {publish.trace_id}
    assert (out.parent_id, relay.parent_id, relay.is_parent_remote) == (publish.span_id, publish.span_id, True)
    (route,), (fanout,), (deliver,) = here.named(1, "route"), here.named(1, "fanout"), here.named(1, "deliver")
    assert (route.parent_id, fanout.parent_id) == (relay.span_id, route.span_id)
    assert (deliver.parent_id, deliver.attributes["messaging.client.id"]) == (fanout.span_id, far.id)
    assert relay.attributes["messaging.message.id"] == "m-1"
    assert here.named(1, "publish") == []
    assert received(far)["traceparent"] == received(near)["traceparent"]


def test_the_trace_of_a_sender_goes_on_on_every_node() -> None:
    here = TracedNodes()
    near, _ = (world.member("r", "c") for world in here.nodes.worlds)

    send(EVENT, near, [], traceparent=SENT)

    (relay,) = here.named(1, "relay")
    assert (relay.trace_id, relay.parent_id) == (int("a" * 32, 16), int("b" * 16, 16))


def test_what_is_not_sampled_is_not_traced_on_any_node() -> None:
    here = TracedNodes()
    near, far = (world.member("r", "c") for world in here.nodes.worlds)
    for stage in here.stages:
        stage.spans.clear()

    send(EVENT, near, [], traceparent=NOT_SAMPLED)

    assert received(far)["traceparent"] == NOT_SAMPLED
    assert [stage.spans for stage in here.stages] == [[], []]
