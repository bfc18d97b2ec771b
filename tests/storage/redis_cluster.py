"""Sentinels and clusters of real servers, for tests."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import redis

from tests.storage.redis_server import RedisServer, free_port

__all__ = ["RedisCluster", "RedisSentinel"]

NODE_TIMEOUT_MS = 1500


class RedisSentinel:
    """A primary, a copy, and three Sentinels that promote the copy."""

    def __init__(self, folder: Path) -> None:
        self.primary = RedisServer(folder / "a").start()
        self.copy = RedisServer(folder / "b", "--replicaof", f"127.0.0.1 {self.primary.port}").start()
        self.sentinels = [self._sentinel(folder / f"s{i}") for i in range(3)]
        self._wait()

    def _sentinel(self, folder: Path) -> RedisServer:
        sentinel = RedisServer(folder, sentinel=True)
        lines = [
            f"sentinel monitor main 127.0.0.1 {self.primary.port} 2",
            "sentinel down-after-milliseconds main 600",
            "sentinel failover-timeout main 2000",
        ]
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n", "utf-8")
        return sentinel.start()

    def _wait(self) -> None:
        """Wait until everybody knows everybody."""
        ends_at = time.monotonic() + 15
        while True:
            known = [dict(_pairs(s.do("SENTINEL", "MASTER", "main"))) for s in self.sentinels]
            if all(k["num-other-sentinels"] == "2" and k["num-slaves"] == "1" for k in known):
                return
            assert time.monotonic() < ends_at, known
            time.sleep(0.1)

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(f'127.0.0.1:{s.port}' for s in self.sentinels)}/main"

    def kill(self) -> None:
        for server in (*self.sentinels, self.copy, self.primary):
            server.kill()


def _pairs(flat: object) -> list[tuple[str, str]]:
    if isinstance(flat, dict):
        return [(str(key), str(value)) for key, value in flat.items()]
    assert isinstance(flat, list)
    return list(zip(flat[::2], flat[1::2], strict=True))


class RedisCluster:
    """Three primaries, and a copy of each if wanted."""

    def __init__(self, folder: Path, copies: int = 0) -> None:
        settings = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS))
        settings += ("--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0")
        self.servers = []
        for i in range(3 + 3 * copies):
            port = free_port()
            bus = ("--cluster-port", str(free_port()))
            self.servers.append(RedisServer(folder / f"c{i}", *settings, *bus, port=port).start())
        self._create(copies)

    def _create(self, copies: int) -> None:
        """Make them one cluster, by hand: the tool for it does not know of ports of one's own."""
        primaries = self.servers[:3]
        first = self.servers[0]
        for i, server in enumerate(primaries):
            server.do("CLUSTER", "ADDSLOTSRANGE", 16384 * i // 3, 16384 * (i + 1) // 3 - 1)
            server.do("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
        for server in self.servers[1:]:
            bus = int(server.settings[server.settings.index("--cluster-port") + 1])
            first.do("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
        self._until(lambda: all(self._info(s)["cluster_known_nodes"] == str(len(self.servers)) for s in self.servers))
        for i, server in enumerate(self.servers[3:]):
            server.do("CLUSTER", "REPLICATE", self.id_of(primaries[i % 3]))
        self._until(lambda: all(self._info(s)["cluster_state"] == "ok" for s in self.servers))
        self._until(lambda: all(s.info("replication")["master_link_status"] == "up" for s in self.servers[3:]))

    def _info(self, server: RedisServer) -> dict[str, str]:
        answer = server.do("CLUSTER", "INFO")
        if isinstance(answer, dict):
            return {str(key): str(value) for key, value in answer.items()}
        return dict(line.split(":", 1) for line in str(answer).split("\r\n") if ":" in line)

    def _until(self, holds: object) -> None:
        ends_at = time.monotonic() + 20
        while not holds():  # type: ignore[operator]
            assert time.monotonic() < ends_at, "the cluster did not come together"
            time.sleep(0.05)

    def id_of(self, server: RedisServer) -> str:
        return str(server.do("CLUSTER", "MYID"))

    def owner_of(self, slot: int) -> RedisServer:
        with self.servers[0].client() as client:
            for first, last, primary, *_ in client.execute_command("CLUSTER", "SLOTS"):
                if first <= slot <= last:
                    return next(server for server in self.servers if server.port == int(primary[1]))
        raise AssertionError(f"nobody serves slot {slot}")

    def move(self, slot: int, to: RedisServer) -> None:
        """Move a slot, key by key, as resharding does."""
        source = self.owner_of(slot)
        to.do("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(to))
        while keys := source.do("CLUSTER", "GETKEYSINSLOT", slot, 10):
            assert isinstance(keys, list)
            source.do("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", *keys)
        for server in (to, source, *self.servers):
            try:
                server.do("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(to))
            except (redis.ResponseError, subprocess.SubprocessError):  # of a copy, or one that is dead
                continue

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{server.port}' for server in self.servers[:2])}"

    def kill(self) -> None:
        for server in self.servers:
            server.kill()
