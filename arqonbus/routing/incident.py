"""Incident: a bug met while serving a client. Logged once, with an id; the client is told the id and nothing else."""

from __future__ import annotations

import secrets

from arqonbus.errors import Internal
from arqonbus.protocol.activities import ActorFailed, Place
from arqonbus.protocol.names import is_system
from arqonbus.telemetry.activity import Emit
from arqonbus.telemetry.logs import EventLog
from arqonbus.telemetry.tracer import Trace

__all__ = ["report", "tell"]


def report(log: EventLog, error: Exception, trace: Trace | None = None, **fields: object) -> Internal:
    """Log ``error`` with where it happened, and make the refusal that names it.

    Args:
        log: of the package where it happened.
        error: the bug.
        trace: of the message in work; None: it is not traced, and the id is made up.
        fields: client, room, channel, command: what is known of the message in work.
    """
    if trace is not None:
        trace_id = f"{trace.trace_id:032x}"
        log.error("actor_failed", error=error, trace=trace, **fields)
    else:
        trace_id = secrets.token_hex(16)  # the form of a W3C trace id, so that both can be searched alike
        log.error("actor_failed", error=error, trace_id=trace_id, **fields)
    return Internal("internal error, details.trace_id finds it in the logs", details={"trace_id": trace_id})


def tell(emit: Emit, actor: Place, room: str | None, refusal: Internal) -> None:
    """Tell of it as activity, but not of what carries activity itself: that would bring the next incident."""
    if room is None or not is_system(room):
        emit(ActorFailed(actor, (refusal.details or {}).get("trace_id", "")))
