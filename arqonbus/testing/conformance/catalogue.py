"""All cases in the order in which they are played: what is quick first, what ends the server last."""

from arqonbus.testing.conformance import drain, edges, order, presence, recovery, slow
from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.frames import frame_cases
from arqonbus.testing.conformance.sessions import session_cases

__all__ = ["all_cases", "chosen"]


def all_cases() -> list[Case]:
    """List every case; names are unique."""
    written = (*edges.CASES, *order.CASES, *recovery.CASES, *presence.CASES, *slow.CASES, *drain.CASES)
    return [*frame_cases(), *session_cases(), *written]


def chosen(names: list[str]) -> list[Case]:
    """List the cases whose name holds one of these texts, whatever the case of letters; all if there is none."""
    wanted = [name.casefold() for name in names]
    return [case for case in all_cases() if not wanted or any(text in case.name.casefold() for text in wanted)]
