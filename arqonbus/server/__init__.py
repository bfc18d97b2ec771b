"""The server: settings in, a running bus out. The only place that knows all the parts.

``assembly`` builds the actors from the settings, ``lifecycle`` starts, drains and stops them, ``banner`` says what
runs, ``clock`` tells the time. Settings are read here and nowhere below.
"""

from arqonbus.server.lifecycle import serve

__all__ = ["serve"]
