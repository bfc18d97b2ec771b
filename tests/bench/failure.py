"""The one error of the benchmark."""

from __future__ import annotations

__all__ = ["BenchFailure"]


class BenchFailure(Exception):
    """A measurement could not be made; the message says why and what to do. Ends the run with exit code 2."""
