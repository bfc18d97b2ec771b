"""Behaviours of the whole bus, without sockets and without an event loop."""
