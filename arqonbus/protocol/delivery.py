"""Delivery: what stands in an event that one member of a durable group is given, and nowhere else."""

from msgspec import Struct

__all__ = ["Delivery"]


class Delivery(Struct, frozen=True, gc=False):
    """Of an event for one member of a durable group: it is to be acknowledged."""

    group: str
    attempt: int  # how often the event was given to a member, with this time
    epoch: str  # in which its seq counts; to be told with the acknowledgement
