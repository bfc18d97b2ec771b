"""Steps: what may happen in a simulated run, one function for each action of the plan.

A step that makes no sense at the moment does nothing: which steps come is for the seed alone to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from arqonbus.protocol import codes
from arqonbus.testing.guest import Guest
from arqonbus.testing.world import World

__all__ = ["STEPS"]

Step = Callable[[World, Guest], None]

QUESTIONS = ("ping", "whoami", "status", "list_rooms")


def _publish(world: World, guest: Guest) -> None:
    guest.publish(world.random.choice(world.plan.addresses))


def _burst(world: World, guest: Guest) -> None:
    address = world.random.choice(world.plan.addresses)
    for _ in range(world.random.randint(2, 20)):
        guest.publish(address)


def _resend(world: World, guest: Guest) -> None:
    guest.resend()


def _join(world: World, guest: Guest) -> None:
    recover = world.random.choice((None, "strict", "best_effort", "latest"))
    if guest.ready is not None:
        guest.join(world.random.choice(world.plan.addresses), recover)


def _leave(world: World, guest: Guest) -> None:
    if guest.ready is not None:
        guest.leave(world.random.choice(sorted(guest.wants) or world.plan.addresses))


def _join_all(world: World, guest: Guest) -> None:
    if guest.ready is not None:
        guest.join_all(world.random.choice(world.plan.addresses)[0])


def _leave_all(world: World, guest: Guest) -> None:
    if guest.ready is not None:
        guest.leave_all(world.random.choice(world.plan.addresses)[0])


def _send_private(world: World, guest: Guest) -> None:
    others = [one.visits[-1].client for one in world.guests if one.visits]
    if guest.ready is not None:
        to = world.random.sample(others, world.random.randint(1, len(others)))
        guest.ready.post("private", {"to": to})


def _send_broadcast(world: World, guest: Guest) -> None:
    if guest.ready is not None:
        guest.ready.post("broadcast", {"room": world.random.choice(world.plan.addresses)[0]})


def _ask(world: World, guest: Guest) -> None:
    room, channel = world.random.choice(world.plan.addresses)
    question = world.random.choice((*QUESTIONS, "channel_info", "members", "history"))
    if question in QUESTIONS:
        guest.ask(question)
    else:
        guest.ask(question, room=room, channel=channel)


def _send_invalid(world: World, guest: Guest) -> None:
    if guest.ready is not None:
        guest.ready.send_invalid()


def _create(world: World, guest: Guest) -> None:
    room, channel = world.random.choice(world.plan.addresses)
    guest.ask("create_channel", room=room, channel=channel)


def _delete(world: World, guest: Guest) -> None:
    room, channel = world.random.choice(world.plan.addresses)
    guest.ask("delete_channel", room=room, channel=channel, force=world.random.random() < 0.7)


def _connect(world: World, guest: Guest) -> None:
    """Come, or come back: with what was not answered, and into what it was in."""
    if guest.visit is not None:
        return
    world.connect(guest)
    if world.random.random() < 0.7:
        guest.resend()
    if world.random.random() < 0.8:
        guest.take_up()


def _resume(world: World, guest: Guest) -> None:
    """Come back by one connect, or take the place of the connection that is still there."""
    world.resume(guest)


def _resume_twice(world: World, guest: Guest) -> None:
    """Come back by two connections at once, both with one ticket: whoever is later has the client."""
    shown = guest.last_known
    world.resume(guest)
    if world.random.random() < 0.5:
        world.run_turns(world.random.randint(0, 6))
    world.resume(guest, shown)


def _cut(world: World, guest: Guest) -> None:
    if guest.visit is not None:
        world.ledger.note(f"{guest.visit.who} is cut")
        guest.visit.line.cut()
        guest.visit.line.notice()
        guest.depart()


def _cut_unnoticed(world: World, guest: Guest) -> None:
    if guest.visit is not None:
        world.ledger.note(f"{guest.visit.who} is cut, unnoticed")
        guest.visit.line.cut()
        guest.depart()


def _notice(world: World, guest: Guest) -> None:
    for visit in guest.visits:
        if visit.line.is_cut:
            visit.line.notice()


def _hang_up(world: World, guest: Guest) -> None:
    if guest.visit is not None:
        world.ledger.note(f"{guest.visit.who} hangs up")
        guest.visit.line.notice(codes.NORMAL)
        guest.depart()


def _stall(world: World, guest: Guest) -> None:
    if guest.visit is not None:
        world.ledger.note(f"{guest.visit.who} stops reading")
        guest.visit.line.is_stalled = True


def _read_on(world: World, guest: Guest) -> None:
    if guest.visit is not None and guest.visit.line.is_stalled:
        world.ledger.note(f"{guest.visit.who} reads on")
        guest.visit.line.is_stalled = False


def _fail_clock(world: World, guest: Guest) -> None:
    world.faults.clock = world.random.choice((1, 1, 2, 7))
    world.ledger.note(f"the clock fails {world.faults.clock} times")


def _fail_store(world: World, guest: Guest) -> None:
    world.faults.appends = world.random.choice((1, 1, 2, 5))
    world.ledger.note(f"the store refuses {world.faults.appends} appends")


def _break_reads(world: World, guest: Guest) -> None:
    world.faults.reads = world.random.choice((1, 1, 2, 7))
    world.ledger.note(f"the store fails to read {world.faults.reads} times")


def _break_appends(world: World, guest: Guest) -> None:
    world.faults.broken_appends = world.random.choice((1, 1, 2))
    world.ledger.note(f"the store breaks at {world.faults.broken_appends} appends")


def _jump(world: World, guest: Guest) -> None:
    seconds = world.random.choice((0.5, 1.5, 3.0, 6.0, 20.0, 61.0))
    world.ledger.note(f"{seconds} s pass")
    is_calm = world.random.random() < 0.5
    if not is_calm:  # time for which nobody waits may pass in the midst of a resumption, and the client be lost by it
        world.ledger.shaken |= {room for room, _ in world.plan.addresses}
    world.pass_time(seconds, is_calm)


STEPS: Mapping[str, Step] = {
    "publish": _publish,
    "burst": _burst,
    "resend": _resend,
    "join": _join,
    "leave": _leave,
    "join_all": _join_all,
    "leave_all": _leave_all,
    "send_private": _send_private,
    "send_broadcast": _send_broadcast,
    "ask": _ask,
    "send_invalid": _send_invalid,
    "create": _create,
    "delete": _delete,
    "connect": _connect,
    "resume": _resume,
    "resume_twice": _resume_twice,
    "cut": _cut,
    "cut_unnoticed": _cut_unnoticed,
    "notice": _notice,
    "hang_up": _hang_up,
    "stall": _stall,
    "read_on": _read_on,
    "fail_clock": _fail_clock,
    "fail_store": _fail_store,
    "break_reads": _break_reads,
    "break_appends": _break_appends,
    "jump": _jump,
}
"""One for each action of plan.ACTIONS; a test keeps them in step."""
