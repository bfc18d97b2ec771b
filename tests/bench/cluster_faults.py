"""python -m tests.bench.cluster_faults: what becomes of events while something happens to Redis, as a table.

Two nodes with members of the same channels, publishers on both; a fault in the middle of the traffic. Each member looks
at each event: whether it came before, whether its seq follows the last one, or a gap that was declared. At the end each
event that was acknowledged as stored in Redis must have come to each member, or be owned to.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.bench.members import Member, Publisher, opened
from tests.specs.bus import Bus
from tests.storage.redis_server import RedisServer, free_port

N_CHANNELS, N_MEMBERS, N_PUBLISHERS = 10, 3, 4  # members: of each channel, on each node
QUIET_S = 1.5  # before and behind a fault


class Witness(Member):
    """Judges what comes."""

    def __init__(self, room: str, channel: str) -> None:
        super().__init__(room, channel)
        self.epoch = ""  # of the store
        self.at = 0  # seq of the last event that came or was owned to
        self.numbers: Counter[int] = Counter()
        self.n_out_of_order = 0
        self.n_new_epochs = 0
        self.n_missing = 0  # owned to, by number

    def answered(self, message: dict[str, Any]) -> None:
        super().answered(message)
        if message["request_id"] == "join":
            self.epoch = message["result"]["epoch"]

    @property
    def is_degraded(self) -> bool:
        return self.told.count("storage_degraded") > self.told.count("storage_restored")

    def heard(self, seq: int, number: int, at: float) -> None:
        self.n_out_of_order += seq != self.at + 1
        self.at = seq
        self.numbers[number] += 1

    def lost(self, gap: dict[str, Any]) -> None:
        super().lost(gap)
        if gap["reason"] == "epoch_changed":
            if not gap["epoch"].startswith("L"):  # those of a server that goes on by itself end where they began
                self.n_new_epochs += gap["epoch"] != self.epoch
                self.epoch = gap["epoch"]
        else:
            self.n_missing += gap["to"] - gap["from"] + 1
        self.at = gap["to"]


class Sender(Publisher):
    """Notes when it sent, and how long each answer took."""

    def __init__(self, room: str, channel: str) -> None:
        super().__init__(room, channel)
        self.sent: dict[str, float] = {}
        self.longest_s = 0.0

    def publish(self, number: int, size: int = 100) -> None:
        self.sent[f"e{number}"] = time.monotonic()
        super().publish(number, size)

    def answered(self, message: dict[str, Any]) -> None:
        super().answered(message)
        sent_at = self.sent.get(message["request_id"])
        if sent_at is not None:
            self.longest_s = max(self.longest_s, time.monotonic() - sent_at)


class Scene:
    """A Redis, two nodes, and everybody on them."""

    def __init__(self, folder: Path, rate: int, *settings: str) -> None:
        self.folder, self.rate = folder, rate
        self.redis = RedisServer(folder / "redis", *settings, port=free_port()).start()
        self.others: list[RedisServer] = []
        self.nodes: list[Bus] = []
        self.witnesses: list[Witness] = []
        self.senders: list[Sender] = []
        self._n = 0

    async def fill(self) -> None:
        for name in ("a", "b"):
            (self.folder / name).mkdir()
            node = Bus(self.folder / name, [f'redis.url = "{self.redis.url}"', "history.limit = 100000"])
            self.nodes.append(await asyncio.to_thread(node.start))
        for channel in range(N_CHANNELS):
            for node in self.nodes:
                for _ in range(N_MEMBERS):
                    self.witnesses.append(await opened(Witness, node.port, f"room-{channel}", "c"))
        for i in range(N_PUBLISHERS * N_CHANNELS):
            self.senders.append(await opened(Sender, self.nodes[i % 2].port, f"room-{i // N_PUBLISHERS}", "c"))

    async def publish(self, until: Callable[[], bool]) -> None:
        began_at, n = time.monotonic(), 0
        while not until():
            while n < (time.monotonic() - began_at) * self.rate:
                self._n += 1
                self.senders[self._n % len(self.senders)].publish(self._n)
                n += 1
            await asyncio.sleep(0.005)

    async def settle(self) -> None:
        """Wait for all answers, and until the last event of each channel is everywhere."""
        await self._until(lambda: all(len(s.answers) == len(s.sent) + 1 for s in self.senders))
        await self._until(lambda: not any(witness.is_degraded for witness in self.witnesses))
        for sender in self.senders[::N_PUBLISHERS]:
            self._n += 1
            sender.publish(self._n)
            last = self._n
            here = [witness for witness in self.witnesses if witness.room == sender.room]
            await self._until(lambda here=here, last=last: all(witness.numbers[last] for witness in here))

    async def _until(self, holds: Callable[[], bool], timeout_s: float = 8.0) -> None:
        ends_at = time.monotonic() + timeout_s
        while not holds() and time.monotonic() < ends_at:
            await asyncio.sleep(0.02)

    def row(self) -> tuple[str, bool]:
        """Give the figures, and whether they are as promised."""
        answers = {key: answer for sender in self.senders for key, answer in sender.answers.items() if key != "join"}
        stored = {int(key[1:]): a["result"] for key, a in answers.items() if a["status"] == "ok"}
        codes = Counter(a["error"]["code"] for a in answers.values() if a["status"] != "ok")
        room_of = {int(key[1:]): sender.room for sender in self.senders for key in sender.sent}
        n_silent = 0
        for witness in self.witnesses:
            kept = [n for n, r in stored.items() if r["stored"] == "redis" and room_of[n] == witness.room]
            n_absent = sum(not witness.numbers[n] for n in kept)
            if n_absent > witness.n_missing and not witness.n_new_epochs:
                n_silent += n_absent - witness.n_missing
        n_twice = sum(n > 1 for witness in self.witnesses for n in witness.numbers.values())
        n_order = sum(witness.n_out_of_order for witness in self.witnesses)
        n_unanswered = sum(len(sender.sent) + 1 - len(sender.answers) for sender in self.senders)
        told = Counter(name for witness in self.witnesses for name in set(witness.told))
        n_epochs = sum(witness.n_new_epochs > 0 for witness in self.witnesses)
        words = [f"new epoch: {n_epochs}"] if n_epochs else []
        words += [f"{name}: {told[name]}" for name in ("storage_degraded", "storage_restored") if told[name]]
        words += [f"refused {code}: {n}" for code, n in sorted(codes.items())]
        delivered = sum(witness.numbers.total() for witness in self.witnesses)
        longest_s = max(sender.longest_s for sender in self.senders)
        cells = (delivered, f"{longest_s:.1f} s", n_twice, n_order, n_silent, n_unanswered, "; ".join(words) or "-")
        return " | ".join(map(str, cells)), not (n_twice or n_order or n_silent or n_unanswered)

    def end(self) -> None:
        for node in self.nodes:
            node.kill()
        for server in (self.redis, *self.others):
            server.kill()


# --- the faults -----------------------------------------------------------------------------------------------------


async def _cut(scene: Scene) -> None:
    for _ in range(5):
        scene.redis.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        scene.redis.do("CLIENT", "KILL", "TYPE", "pubsub")
        await asyncio.sleep(0.4)


async def _kill(scene: Scene) -> None:
    await asyncio.to_thread(scene.redis.kill)
    await asyncio.sleep(2.0)
    await asyncio.to_thread(scene.redis.start)


async def _kill_for_long(scene: Scene) -> None:
    await asyncio.to_thread(scene.redis.kill)
    await asyncio.sleep(12.0)
    await asyncio.to_thread(scene.redis.start)


async def _empty(scene: Scene) -> None:
    await asyncio.to_thread(scene.redis.kill)
    shutil.rmtree(scene.redis.folder / "appendonlydir", ignore_errors=True)
    await asyncio.sleep(2.0)
    await asyncio.to_thread(scene.redis.start)


async def _pause(scene: Scene) -> None:
    scene.redis.pause()
    await asyncio.sleep(5.0)
    scene.redis.resume()


async def _fail_over(scene: Scene, behind_s: float) -> None:
    """A copy that has heard nothing for a while takes the port of the dead one."""
    copy = RedisServer(scene.folder / "copy", "--replicaof", f"127.0.0.1 {scene.redis.port}").start()
    scene.others.append(copy)
    while copy.info("replication")["master_link_status"] != "up":
        await asyncio.sleep(0.05)
    copy.do("REPLICAOF", "NO", "ONE")
    await asyncio.sleep(behind_s)
    await asyncio.to_thread(scene.redis.kill)
    copy.do("CONFIG", "SET", "port", scene.redis.port)
    copy.port = scene.redis.port


AOF = ("--appendonly", "yes", "--appendfsync", "everysec")
FAULTS: dict[str, tuple[tuple[str, ...], Callable[[Scene], Awaitable[None]]]] = {
    "CLIENT KILL of all, 5 times": ((), _cut),
    "kill -9, back after 2 s, AOF everysec": (AOF, _kill),
    "kill -9, back after 12 s, AOF everysec": (AOF, _kill_for_long),
    "SIGSTOP 5 s": ((), _pause),
    "kill -9, back after 2 s, empty": ((), _empty),
    "copy 0.5 s behind takes over": ((), lambda scene: _fail_over(scene, 0.5)),
    "copy 2 s behind takes over": ((), lambda scene: _fail_over(scene, 2.0)),
}


async def _try(name: str, rate: int, folder: Path) -> tuple[str, bool]:
    settings, fault = FAULTS[name]
    scene = Scene(folder, rate, *settings)
    try:
        await scene.fill()
        over = asyncio.Event()
        traffic = asyncio.create_task(scene.publish(over.is_set))
        await asyncio.sleep(QUIET_S)
        await fault(scene)
        await asyncio.sleep(QUIET_S)
        over.set()
        await traffic
        await scene.settle()
        return scene.row()
    finally:
        scene.end()


def main(words: list[str]) -> int:
    """Try all faults and print the table; 1: something was not as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cluster_faults", description=__doc__)
    parser.add_argument("--rate", type=int, default=200, help="events a second, over all channels")
    parser.add_argument("--only", default="", help="a part of the name of a fault")
    options = parser.parse_args(words)
    print("| fault | delivered | longest wait | twice | out of order | silently undelivered | unanswered | told |")
    print("|---|---|---|---|---|---|---|---|")
    is_good = True
    for name in FAULTS:
        if options.only in name:
            print(f"  {name}", file=sys.stderr)
            with tempfile.TemporaryDirectory() as folder:
                row, is_right = asyncio.run(_try(name, options.rate, Path(folder)))
            is_good = is_good and is_right
            print(f"| {name} | {row} |", flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
