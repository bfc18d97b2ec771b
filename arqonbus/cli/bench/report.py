"""Report: a run in words, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from arqonbus.cli.bench.marks import changes, unlike
from arqonbus.cli.kit.measures import BenchRecord

__all__ = ["comparison", "report"]

_WHAT = {"fanout": "readers of one channel", "pairs": "clients that send to themselves", "requests": "clients that ask"}


def report(run: BenchRecord) -> Iterator[str]:
    """Write a run."""
    yield (
        f"{run.shape}: {run.clients:,} {_WHAT[run.shape]}, {run.rate:,g}/s of {run.size:,} bytes, "
        f"{run.duration_s:g} s after {run.warmup_s:g} s of warm-up"
    )
    yield f"server     {run.server} {run.server_version}"
    times = "   ".join(f"{name} {ms:,.2f}" for name, ms in run.latency_ms.items() if name != "mean")
    yield f"latency    {times}   ms from the intended time of sending"
    yield f"rate       {run.sent_per_s:,g}/s sent, {run.received_per_s:,g}/s received"
    yield (
        f"messages   {run.sent:,} sent, {run.refused:,} refused, {run.received:,} of {run.expected:,} received, "
        f"{run.lost:,} lost, {run.duplicates:,} twice, "
        f"{run.reordered:,} out of order, {run.cut:,} connections cut"
    )
    shares = ", ".join(f"{share:.0%}" for share in run.cpu)
    yield (
        f"generator  {run.lag_ms['p99']:.2f} ms late at p99, {run.blocked_ms:,.0f} ms held up by the server, "
        f"{shares} of a core"
    )
    yield f"verdict    {'valid' if run.valid else 'NOT VALID: ' + '; '.join(run.doubts)}"


def comparison(now: BenchRecord, before: BenchRecord) -> Iterator[str]:
    """Write how a run differs from an earlier one."""
    yield ""
    yield f"{'compared':<16}{'before':>12}{'now':>12}{'change':>10}"
    for name, old, new, change in changes(now, before):
        yield f"{name:<16}{old:>12,g}{new:>12,g}{change:>10}"
    for words in unlike(now, before):
        yield f"not alike: {words}"
    if not before.valid:
        yield f"not alike: the earlier run was not valid: {'; '.join(before.doubts)}"
