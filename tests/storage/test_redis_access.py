"""Ways to Redis: TLS, a Unix socket, a user whose rights are just what the documents ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from arqonbus.storage.shared_log import Stored
from tests.storage.redis_node import redis_history
from tests.storage.redis_server import RedisServer, free_port
from tests.storage.shared_contract import Member, eventually
from tests.transport.certificates import make_authority

pytestmark = pytest.mark.integration

RIGHTS = (
    "~t:* &t:* +@read +@write +@stream +@pubsub +@scripting +@connection +role +time +info +config|get +memory|usage"
)
"""What docs/DEPLOYMENT tells to give the user of a bus with the prefix ``t``."""


async def _works(url: str) -> None:
    async with redis_history(url, timeout_s=2.0) as history:
        member = await Member(history).is_open()
        (outcome,) = await member.append(b"a", keys=("k",))
        assert isinstance(outcome, Stored)
        await eventually(lambda: member.texts == [b"a"])
        assert await member.seqs() == [1]
        assert await history.delete("r", "c")
        await eventually(lambda: member.is_deleted)


async def test_tls_with_a_certificate_that_is_checked(new_redis: Callable[..., RedisServer], tmp_path: Path) -> None:
    cert, key = make_authority(tmp_path, "redis")
    port = free_port()
    tls = ("--tls-port", str(port), "--tls-cert-file", cert, "--tls-key-file", key)
    new_redis(*tls, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")

    await _works(f"rediss://127.0.0.1:{port}?ssl_ca_certs={cert}")
    async with redis_history(f"rediss://127.0.0.1:{port}", timeout_s=5.0, hold_s=0.1) as history:
        assert await history.settled() == "local"
        reasons = [fields["reason"] for event, fields in history.store.setup.notice.said if event == "redis_lost"]  # type: ignore[attr-defined]
        assert "CERTIFICATE_VERIFY_FAILED" in reasons[0]


async def test_a_unix_socket(new_redis: Callable[..., RedisServer], tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    new_redis("--unixsocket", str(path))

    await _works(f"unix://{path}")


async def test_a_user_with_the_documented_rights(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    server.do("ACL", "SETUSER", "bus", "on", ">hush", *RIGHTS.split())

    await _works(f"redis://bus:hush@127.0.0.1:{server.port}")


async def test_a_user_who_may_not_listen_is_told_in_the_log(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    server.do("ACL", "SETUSER", "bus", "on", ">hush", *RIGHTS.replace("&t:*", "resetchannels").split())
    async with redis_history(f"redis://bus:hush@127.0.0.1:{server.port}", timeout_s=0.3, hold_s=0.5) as history:
        assert await history.settled() == "local"
        await asyncio.sleep(0)

        reasons = [fields["reason"] for event, fields in history.store.setup.notice.said if event == "redis_lost"]  # type: ignore[attr-defined]
        assert any("NOPERM" in reason for reason in reasons)


async def test_a_user_without_rights_to_the_keys_is_not_let_in(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    server.do("ACL", "SETUSER", "bus", "on", ">hush", *RIGHTS.replace("~t:*", "resetkeys").split())
    async with redis_history(f"redis://bus:hush@127.0.0.1:{server.port}", timeout_s=0.3, hold_s=0.5) as history:
        assert await history.settled() == "local"

        reasons = [fields["reason"] for event, fields in history.store.setup.notice.said if event == "redis_lost"]  # type: ignore[attr-defined]
        assert any("NOPERM" in reason for reason in reasons)


async def test_another_database_is_another_bus(redis_server: RedisServer) -> None:
    async with redis_history(f"{redis_server.url}/1") as one, redis_history(f"{redis_server.url}/2") as two:
        first = await Member(one).is_open()
        await first.fill(1)
        second = await Member(two).is_open()

        assert second.opened is not None
        assert second.opened.created
        await first.fill(1)
        await second.fill(1)
        await eventually(lambda: (first.seq, second.seq) == (2, 1))
