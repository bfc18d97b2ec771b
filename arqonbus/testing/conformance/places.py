"""Places: the channels that one client of a session is in, and how far it has read each, for its way back."""

from typing import Any

__all__ = ["Places"]


class Places:
    """Follows what one client says and hears."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[str, str, str]] = {}  # id of a command: its name, room, channel
        self._at: dict[tuple[str, str], dict[str, Any]] = {}

    def said(self, frame: dict[str, Any]) -> None:
        """Take note of a join or leave."""
        args = frame.get("args") or {}
        if frame.get("command") in ("join_channel", "leave_channel") and isinstance(args.get("room"), str):
            room, _, channel = args["room"].partition(":")
            self._asked[str(frame.get("id"))] = (frame["command"], room, args.get("channel") or channel)

    def heard(self, frame: dict[str, Any]) -> None:
        """Take note of an answer or an event."""
        if frame.get("type") == "response" and frame.get("request_id") in self._asked:
            command, room, channel = self._asked.pop(frame["request_id"])
            result = frame.get("result") or {}
            if command == "leave_channel":
                self._at.pop((room, channel), None)
            elif "epoch" in result and "group" not in result:  # a group comes back with the ticket
                seq = result["seq"] - result.get("replayed", 0)
                self._at[room, channel] = {"epoch": result["epoch"], "seq": seq}
        place = self._at.get((frame.get("room", ""), frame.get("channel", "")))
        if frame.get("type") == "event" and place is not None:
            place["seq"] = frame["seq"]

    def positions(self) -> list[dict[str, Any]]:
        """List them as `connect` takes them."""
        return [{"room": room, "channel": channel, **at} for (room, channel), at in self._at.items()]
