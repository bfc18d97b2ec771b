"""Counters: what the process has done so far, as plain integers that are cheap to move on the hot path."""

__all__ = ["Counters"]


class Counters:
    """Counts since the start. Written by the actors, read by ``status``; never reset."""

    __slots__ = (
        "blocked",
        "dropped",
        "duplicates",
        "errors",
        "errors_by_code",
        "group_lost",
        "invalid",
        "lost_slow",
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
        self.errors_by_code: dict[str, int] = {}  # the same by code, of which there is a closed list
        self.invalid = 0  # of these: messages that were no envelope
        self.slow_consumers = 0  # connections closed with 4100
        self.lost_slow = 0  # deliveries that waited for these
        self.blocked: dict[str, int] = {}  # clients whose socket takes no more for now, with the bytes that wait
        self.dropped = 0  # deliveries of events that slow clients bore to lose, as `gap` tells them
        self.group_lost = 0  # events dropped by a group: no member took them in time, or none was left

    def refused(self, code: str) -> None:
        """Count a refusal."""
        self.errors += 1
        self.errors_by_code[code] = self.errors_by_code.get(code, 0) + 1

    def slow(self, client: str, n_lost: int) -> None:
        """Count a connection that is closed since it is too slow, with what waited for it."""
        self.slow_consumers += 1
        self.lost_slow += n_lost
        self.blocked.pop(client, None)
