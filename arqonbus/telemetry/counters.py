"""Counters: what the process has done so far, as plain integers that are cheap to move on the hot path."""

__all__ = ["Counters"]


class Counters:
    """Counts since the start. Written by the actors, read by ``status``; never reset."""

    __slots__ = (
        "dropped",
        "duplicates",
        "errors",
        "group_lost",
        "invalid",
        "messages_in",
        "messages_out",
        "slow_consumers",
    )

    def __init__(self) -> None:
        """Start at zero."""
        self.messages_in = 0  # events, private messages and broadcasts accepted from clients
        self.messages_out = 0  # deliveries of those to clients
        self.duplicates = 0  # events that came again within the dedupe window
        self.errors = 0  # refusals told to clients, whatever their code
        self.invalid = 0  # of these: messages that were no envelope
        self.slow_consumers = 0  # connections closed with 4100
        self.dropped = 0  # deliveries of events that slow clients bore to lose, as `gap` tells them
        self.group_lost = 0  # events dropped by a group: no member took them in time, or none was left
