"""python -m tests.telemetry.in_vain URL PROTOCOL: export to nobody, end, and print what it did as JSON.

A process of its own, started by test_setup.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from arqonbus.server.observation import resident_bytes
from arqonbus.telemetry.environment import Protocol, Wishes, plan
from arqonbus.telemetry.logs import configure
from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.setup import Node, start
from arqonbus.telemetry.span_table import EVENT
from arqonbus.telemetry.tracer import Span

ROUNDS, SPANS_A_ROUND = 30, 200


async def export(url: str, protocol: Protocol) -> dict[str, float]:
    began_at = time.monotonic()
    node = Node("node-1", "0.1.0", lambda: {"arqonbus.rooms": 3}, Meters().series)
    pipeline = start(plan({}, Wishes(url, protocol, 10.0, 0.05)), node)
    assert pipeline is not None and pipeline.record is not None
    before, slowest_s = resident_bytes() or 0, 0.0
    for number in range(ROUNDS):
        at = time.perf_counter()
        for _ in range(SPANS_A_ROUND):
            attributes = {"messaging.system": "arqonbus", "messaging.message.id": f"m-{number}"}
            pipeline.record(Span(EVENT.publish, 0xA, 0xB, 0, 1_000, 3_000, attributes))
        slowest_s = max(slowest_s, time.perf_counter() - at)
        await asyncio.sleep(0.01)
    grown = (resident_bytes() or 0) - before
    close_at = time.monotonic()
    await pipeline.close(1.0)
    spans = pipeline.reading["arqonbus.telemetry.spans"]
    assert isinstance(spans, dict)
    return {
        **spans,
        "grown_mb": grown / 2**20,
        "slowest_ms": slowest_s * 1000,
        "close_s": time.monotonic() - close_at,
        "alive_s": time.monotonic() - began_at,
    }


def main() -> None:
    os.environ["OTEL_BSP_SCHEDULE_DELAY"] = "20"
    logs = configure("info", "json", sys.stderr)
    url, protocol = sys.argv[1:]
    found = asyncio.run(export(url, "grpc" if protocol == "grpc" else "http/protobuf"))
    logs.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
