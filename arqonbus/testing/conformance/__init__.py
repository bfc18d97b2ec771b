"""Conformance: whether a server behaves as the protocol says, asked from outside, over the network.

    vectors ─▶ frames, sessions ────────┐
    edges, order, recovery, presence,   ├─▶ catalogue ─▶ run ─▶ report
    slow, drain ────────────────────────┘      each case ─▶ Stage ─▶ Peer ─▶ Socket ─▶ the server

Nothing of the bus is imported here: any server that speaks the protocol can be asked, and a mistake of ours cannot be
on both sides. The command is `arqonbus conformance URL`; docs/CONFORMANCE.md says how other implementations use it.
"""

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.catalogue import all_cases
from arqonbus.testing.conformance.run import NoConnection, Server, greet, run
from arqonbus.testing.conformance.stage import Target
from arqonbus.testing.conformance.verdict import Failed, Outcome, Skipped

__all__ = ["Case", "Failed", "NoConnection", "Outcome", "Server", "Skipped", "Target", "all_cases", "greet", "run"]
