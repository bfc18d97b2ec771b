"""Telemetry: what the server tells about itself. Nothing on the path of a message waits for it."""
