"""Defaults: what the settings say of channels, in the words of the commands."""

from __future__ import annotations

from arqonbus.commands.registry import Predefined
from arqonbus.config import Settings
from arqonbus.protocol.payloads import ChannelOptions

__all__ = ["default_options", "predefined"]


def default_options(settings: Settings) -> ChannelOptions:
    """Give the options of a channel of which nobody says anything else."""
    history = settings.history
    return ChannelOptions(
        history_limit=history.limit,
        history_ttl_s=history.ttl_s,
        history_bytes=history.bytes,
        durable=False,
        presence=settings.channels.presence,
        persistent=False,
    )


def predefined(settings: Settings) -> tuple[Predefined, ...]:
    """Give the channels of the settings, and the server's own."""
    configured = [
        Predefined(
            wanted.room,
            wanted.channel,
            ChannelOptions(
                history_limit=wanted.history_limit,
                history_ttl_s=wanted.history_ttl_s,
                history_bytes=wanted.history_bytes,
                presence=wanted.presence,
                persistent=True,
            ),
            "configured",
        )
        for wanted in settings.channels.predefined
    ]
    own = Predefined(settings.telemetry.room, settings.telemetry.channel, ChannelOptions(persistent=True), "system")
    return (*configured, own)
