"""Durable groups of one channel for tests: in a real actor, over memory, with members that are probes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from arqonbus.actor import Actor, ActorSystem, Context, Props
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.errors import Refusal
from arqonbus.protocol.payloads import AckArgs, GroupOptions, JoinChannelArgs
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.durable_groups import DurableGroups
from arqonbus.routing.group_mail import AckWork
from arqonbus.routing.mail import Answer, Receipt, Sent, Share, Unsent
from arqonbus.routing.shared_mail import GroupTold
from arqonbus.storage.history import Retention
from arqonbus.storage.memory import MemoryHistory
from arqonbus.storage.memory_group import MemoryGroup, MemoryGroupState
from arqonbus.storage.shared_group import GroupOptions as Stands
from arqonbus.storage.shared_log import Entry, Opening
from arqonbus.storage.shared_memory import MemorySharedHistory
from arqonbus.telemetry.counters import Counters
from tests.commands.calls import client_card

__all__ = ["DEFAULTS", "Hand", "Stage"]

DEFAULTS = Stands(ack_wait_s=10.0, max_deliver=3, dead_letter="", prefetch=4)


class NodeHistory(MemorySharedHistory):
    """One node's view of a history that several nodes use."""

    def __init__(self, history: MemoryHistory, clock: Any, node: str, groups: dict[Any, MemoryGroupState]) -> None:
        super().__init__(history, clock)
        self.node = node
        self._groups = groups
        self.fails: Exception | None = None  # what every call for a group brings

    def group(self, room: str, channel: str, group: str) -> Any:
        made = super().group(room, channel, group)
        return Flaky(MemoryGroup(made._state, self.node), self)


class Flaky:
    """A group whose store is away at times: what is asked then is not done."""

    def __init__(self, group: MemoryGroup, history: NodeHistory) -> None:
        self._group = group
        self._history = history

    def __getattr__(self, name: str) -> Any:
        error = self._history.fails
        if error is None or name == "close":
            return getattr(self._group, name)

        async def fail(*args: Any, **more: Any) -> Any:
            raise error

        return fail


class _Host(Actor[Any]):
    """Stands for the channel."""

    def __init__(self, stage: Stage, node: str) -> None:
        self._stage = stage
        self._node = node

    def started(self, ctx: Context[Any]) -> None:
        stage = self._stage
        history = stage.histories[self._node]
        args = (("r", "c"), history, DEFAULTS, stage.room.ref, ctx, stage.counters)
        stage.groups[self._node] = stage.make(*args)

    def receive(self, mail: Any, ctx: Context[Any]) -> None:
        groups = self._stage.groups[self._node]
        if isinstance(mail, GroupTold):
            groups.told(mail)
        elif isinstance(mail, Receipt):
            groups.buried(mail)
        else:
            mail()

    def flush(self, ctx: Context[Any]) -> None:
        self._stage.groups[self._node].hand_out()


class Hand:
    """One member: writes what it is told and keeps it in hand."""

    def __init__(self, stage: Stage, client: str, node: str, group: str) -> None:
        self.stage, self.node, self.group = stage, node, group
        self.probe: Probe[Any] = Probe(stage.system, f"{client}-{len(stage.probes)}")
        stage.probes.append(self.probe)
        self.card: ClientCard = client_card(client, self.probe.ref)
        self.number = 0
        self.in_hand: list[dict[str, Any]] = []  # events
        self.writes = True

    def look(self) -> list[tuple[int, int]]:
        """Write what came, and give (seq, attempt) of it; 0: it says none."""
        came: list[tuple[int, int]] = []
        for mail in self.probe.take():
            if isinstance(mail, Share):
                if self.writes:
                    events = [msgspec.json.decode(text) for text in mail.deliver.texts]
                    self.in_hand += events
                    came += [(event["seq"], event.get("delivery", {"attempt": 0})["attempt"]) for event in events]
                    self.stage.note(self, Sent(self.number, len(events)))
                else:
                    self.stage.note(self, Unsent(self.number))
        return came

    def ack(self, *seqs: int, **more: Any) -> Any:
        """Acknowledge; gives the number, or the code of the refusal."""
        mail = AckWork(self.card, "k", "c", AckArgs(more.pop("group", self.group), seqs, "r", **more))
        self.stage.on(self.node, lambda: self.stage.groups[self.node].command(mail))
        return self.stage.answer(self)


class Stage:
    """One channel on some nodes."""

    def __init__(self, *nodes: str, make: Callable[..., DurableGroups] = DurableGroups) -> None:
        self.make = make
        self.manual = ManualDispatcher()
        clock = self.manual.clock.time
        self.system = ActorSystem(self.manual.dispatcher)
        self.room: Probe[Any] = Probe(self.system, "room")
        self.counters = Counters()
        self.groups: dict[str, DurableGroups] = {}
        self.hands: list[Hand] = []
        self.probes: list[Probe[Any]] = []
        states: dict[Any, MemoryGroupState] = {}
        memory = MemoryHistory(10**8, 3600.0, clock, lambda: "5")
        nodes = nodes or ("n1",)
        self.histories = {node: NodeHistory(memory, clock, node, states) for node in nodes}
        self.logs = []
        self.hosts = {}
        for node, history in self.histories.items():
            self.logs.append(history.open("r", "c", Opening(Retention(10_000, 3600.0, 10**8)), lambda fed: None))
            self.hosts[node] = self.system.spawn(Props(lambda node=node: _Host(self, node)), node)  # type: ignore[misc]
        self.run()

    def run(self) -> None:
        self.manual.run_until_idle()

    def advance(self, seconds: float) -> None:
        self.manual.advance(seconds)

    def on(self, node: str, do: Any) -> None:
        """Do something in a turn of the channel."""
        self.hosts[node].signal(do)
        self.run()

    def note(self, hand: Hand, mail: Any) -> None:
        self.on(hand.node, lambda: self.groups[hand.node].note(mail))

    def answer(self, hand: Hand) -> Any:
        """Give the newest answer to a member, or the code of a refusal; shares stay to be looked at."""
        (answer,) = [mail for mail in hand.probe.mails if isinstance(mail, Answer)]
        hand.probe.mails.remove(answer)
        return (
            answer.result.code if isinstance(answer.result, Refusal) else getattr(answer.result, "acked", answer.result)
        )

    def member(self, client: str, node: str = "n1", group: str = "g", old: Hand | None = None, **wish: Any) -> Hand:
        """Let a client join; raises the Refusal if it is refused."""
        hand = Hand(self, client, node, group)
        args = JoinChannelArgs("r", "c", group=group, group_options=GroupOptions(**wish) if wish else None)
        verdict: list[Any] = []

        def join() -> None:
            groups = self.groups[node]
            try:
                verdict.append(groups.sites.admit(args))
            except Refusal as refusal:
                verdict.append(refusal)
                return
            if verdict[-1]:
                hand.number = groups.join(group, hand.card, old.card if old is not None else None)

        self.on(node, join)
        if verdict[-1] is False:
            self.on(node, join)
        if isinstance(verdict[-1], Refusal):
            raise verdict[-1]
        self.hands.append(hand)
        return hand

    def publish(self, *payloads: Any) -> None:
        """Store events, and tell all nodes of them."""
        text = msgspec.json.encode
        entries = [Entry(text({"type": "event", "timestamp": "T", "payload": payload})) for payload in payloads]
        self.logs[0].append(entries)
        for node, groups in self.groups.items():
            self.on(node, lambda groups=groups: groups.share([], 0))

    def leave(self, hand: Hand) -> None:
        self.on(hand.node, lambda: self.groups[hand.node].leave(hand.card))

    def drop(self, hand: Hand, reason: Any = "lost") -> None:
        self.on(hand.node, lambda: self.groups[hand.node].drop(hand.card, reason))

    def standing(self, group: str = "g") -> Any:
        """Say how the group stands."""
        node = next(iter(self.histories))
        state = self.histories[node].group("r", "c", group)._group
        told: Any = state.standing()
        try:
            told.__await__().send(None)
        except StopIteration as stop:
            return stop.value
