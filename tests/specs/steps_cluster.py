"""Steps about several nodes that share a Redis, and about that Redis. Any step may end in `on node "b"`."""

import asyncio
import json

import psutil

from tests.specs.cluster import Cluster
from tests.specs.step_registry import step
from tests.specs.steps_process import _get, _lines
from tests.specs.world import World

_SOON_S = 15.0
_POLL_S = 0.05
KEEPING = ("--appendonly", "yes", "--appendfsync", "always")


@step("a Redis")
async def a_redis(world: World) -> None:
    """Start one that forgets everything when it is killed."""
    await world.own_cluster().start_redis()


@step("a Redis that keeps what it has")
async def a_redis_that_keeps(world: World) -> None:
    """Start one that has everything again when it is started again."""
    await world.own_cluster(*KEEPING).start_redis()


@step("a Redis that is down")
async def a_redis_that_is_down(world: World) -> None:
    """Choose where it will be."""
    world.own_cluster()


@step("node(s) {clients}")
async def nodes(world: World, names: list[str]) -> None:
    """Nodes with the default settings, over the Redis of the scenario, or over one that all scenarios share."""
    await nodes_with_settings(world, names, [])


@step("node(s) {clients} with settings:")
async def nodes_with_settings(world: World, names: list[str], table: list[list[str]]) -> None:
    """Nodes of the scenario's own."""
    cluster = await world.some_cluster()
    assert not (table and world.is_cluster_shared), "settings of their own are for nodes over a Redis of their own"
    await cluster.start(names, _lines(table))


@step("node {string} is killed")
async def node_is_killed(world: World, name: str) -> None:
    """End it as a power cut does."""
    await asyncio.to_thread(_own(world).nodes[name].kill)


@step("{int} workers serve soon")
async def workers_serve(world: World, count: int) -> None:
    """Each that was started and has not ended is ready."""
    for _ in range(int(_SOON_S / _POLL_S)):
        said = world.bus.errors.read_text("utf-8")
        n_living = said.count('"event":"worker_started"') - said.count('"event":"worker_ended"')
        if n_living == len(_workers(world)) == count:
            return
        await asyncio.sleep(_POLL_S)
    raise AssertionError(f"expected {count} workers, there are {len(_workers(world))}{world.bus.story()}")


@step("a worker is killed")
async def worker_is_killed(world: World) -> None:
    """End one as a power cut does."""
    _workers(world)[0].kill()


@step("Redis is killed")
async def redis_is_killed(world: World) -> None:
    """End it as a power cut does."""
    await asyncio.to_thread(_own(world).redis.kill)


@step("Redis is started( again)")
async def redis_is_started(world: World) -> None:
    """Start it at its old place."""
    await _own(world).start_redis()


@step("{string} is answered with {int} over HTTP saying {string} soon")
async def is_answered_soon(world: World, path: str, status: int, words: str) -> None:
    """Ask until it is so."""
    got: tuple[int, bytes] = (0, b"")
    for _ in range(int(_SOON_S / _POLL_S)):
        got = await _get(world, path)
        if got[0] == status and words in got[1].decode():
            return
        await asyncio.sleep(_POLL_S)
    raise AssertionError(f"expected {status} and {words!r}, came {got}{world.bus.story()}")


@step("the storage of the bus is {string} soon")
async def storage_is(world: World, expected: str) -> None:
    """What `status` says of it."""
    await world.join_in("observer of the storage")
    want, got = json.loads(expected), None
    for _ in range(int(_SOON_S / _POLL_S)):
        got = (await world.succeed("observer of the storage", "status"))["storage"]
        if got == want:
            return
        await asyncio.sleep(_POLL_S)
    raise AssertionError(f"expected {want}, came {got}{world.bus.story()}")


def _workers(world: World) -> list[psutil.Process]:
    assert world.bus.process is not None
    return psutil.Process(world.bus.process.pid).children()


def _own(world: World) -> Cluster:
    assert world.cluster is not None and not world.is_cluster_shared, "what all scenarios share is not to be harmed"
    return world.cluster
