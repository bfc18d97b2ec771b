"""Plan: what one seed draws before a simulated run begins: sizes, settings and how often everything happens.

Rates and sizes are drawn too (swarm testing): a run without cuts finds other faults than one with nothing but cuts.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from msgspec import Struct

from arqonbus.config.settings import Auth, Channels, History, Limits, Server, Settings
from arqonbus.protocol.payloads import Overflow

__all__ = ["ACTIONS", "Address", "Plan", "draw"]

Address = tuple[str, str]
"""(room, channel)."""

ACTIONS: Mapping[str, float] = {
    "publish": 12.0,
    "burst": 2.0,
    "resend": 2.0,
    "join": 5.0,
    "leave": 2.0,
    "join_all": 1.0,
    "leave_all": 0.7,
    "send_private": 1.5,
    "send_broadcast": 1.5,
    "ask": 1.5,
    "send_invalid": 0.2,
    "create": 0.5,
    "delete": 0.5,
    "connect": 4.0,
    "resume": 3.0,
    "resume_twice": 0.7,
    "cut": 1.0,
    "cut_unnoticed": 1.0,
    "notice": 2.0,
    "hang_up": 0.5,
    "stall": 1.0,
    "read_on": 1.5,
    "fail_clock": 0.5,
    "fail_store": 0.7,
    "break_reads": 0.4,
    "break_appends": 0.4,  # a store that breaks its promise: it raises something else
    "jump": 0.7,
}
"""How often each step of a run happens, before the seed has its say."""

_NEEDED = frozenset({"publish", "join", "connect", "notice", "read_on"})  # without them nothing happens, or for ever
_OVERFLOWS: tuple[tuple[Overflow | None, ...], ...] = (
    (None,),
    ("drop_oldest",),
    ("conflate",),
    (None, "disconnect", "drop_oldest", "conflate"),
)
_FACTORS = (0.0, 0.3, 1.0, 1.0, 3.0)
_LONGEST_S = 3600.0  # of virtual time that a run lasts, by far


class Plan(Struct, frozen=True):
    """One run, as drawn.

    Attributes:
        seed: what it was drawn from; the run goes on drawing from it.
        settings: of the bus.
        addresses: of the channels in play.
        users: one for each client: the name of its user, or empty for a client that nobody knows.
        n_steps: client and fault steps before everything heals.
        weights: action -> how often, 0: never.
        order: which of the waiting turns comes next: ``fair`` is the real dispatcher's way, ``random`` any,
            ``newest`` mostly the last that woke.
        calm: share of steps after which the bus runs until it is idle; after the others it runs a few turns or none.
        high_bytes: that a connection holds for a client before it says stop.
        drains: whether the server goes at the end of the trouble, instead of becoming well.
        overflows: what joins ask for, one of them at random; None: nothing.
    """

    seed: int
    settings: Settings
    addresses: tuple[Address, ...]
    users: tuple[str, ...]
    n_steps: int
    weights: Mapping[str, float]
    order: str
    calm: float
    high_bytes: int
    drains: bool
    overflows: tuple[Overflow | None, ...] = (None,)

    @property
    def keeps_all_away(self) -> bool:
        """Whether everybody whose connection is lost is waited for, however many they are."""
        return self.settings.limits.connections >= 10_000

    @property
    def keeps_long(self) -> bool:
        """Whether only the number of events bounds what history keeps in this run."""
        history = self.settings.history
        return history.ttl_s >= _LONGEST_S and history.bytes >= 1_000_000

    @property
    def replays_all(self) -> bool:
        """Whether a join may replay as many events as a run has."""
        return self.settings.limits.outbox_bytes >= 1_000_000

    @property
    def dedupes_all(self) -> bool:
        """Whether only time bounds for how long the id of an event is known in this run."""
        return self.settings.channels.dedupe_count >= 10_000


def draw(seed: int) -> Plan:
    """Draw the plan of ``seed``, always the same one."""
    random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
    users = tuple(f"u{n}" if random.random() < 0.8 else "" for n in range(random.randint(2, 6)))
    rooms = [f"r{n}" for n in range(random.randint(1, 2))]
    addresses = tuple((room, f"c{n}") for room in rooms for n in range(random.randint(1, 3)))
    weights = {name: rate * (1.0 if name in _NEEDED else random.choice(_FACTORS)) for name, rate in ACTIONS.items()}
    return Plan(
        seed=seed,
        settings=_settings(random, users),
        addresses=addresses,
        users=users,
        n_steps=random.choice((30, 60, 120, 200)),
        weights=weights,
        order=random.choice(("random", "random", "random", "newest", "fair")),
        calm=random.choice((0.05, 0.2, 0.2, 0.6)),
        high_bytes=random.choice((300, 1000, 4000)),
        drains=random.random() < 0.1,
        overflows=random.choice(_OVERFLOWS),
    )


def _settings(random: Random, users: tuple[str, ...]) -> Settings:
    return Settings(
        server=Server(
            resume_grace_s=random.choice((0.0, 2.0, 10.0, 60.0)),
            drain_spread_s=random.choice((0.0, 1.0, 5.0)),
        ),
        channels=Channels(
            auto_create=random.random() < 0.9,
            idle_s=random.choice((0.0, 0.5, 5.0, 60.0)),
            dedupe_s=random.choice((0.0, 2.0, 120.0, 120.0)),
            dedupe_count=random.choice((3, 10_000, 10_000, 10_000)),
            presence=random.random() < 0.3,
        ),
        history=History(
            limit=random.choice((0, 3, 20, 1000, 1000)),
            ttl_s=random.choice((3.0, _LONGEST_S, _LONGEST_S, _LONGEST_S)),
            bytes=random.choice((600, 1_000_000, 1_000_000, 1_000_000)),
        ),
        limits=Limits(
            connections=random.choice((1, 10_000, 10_000, 10_000)),  # how many may be away, since no socket is opened
            session_mailbox=random.choice((1, 4, 64)),
            channel_mailbox=random.choice((1, 3, 1024, 1024)),
            outbox_messages=random.choice((3, 20, 16_384)),
            outbox_bytes=random.choice((3_000, 1_000_000)),
            outbox_age_s=random.choice((1.0, 10.0)),
        ),
        auth=Auth(keys={user: f"key of {user}" for user in users if user}, anonymous=True),
    )
