"""The real backends of telemetry without containers: built from the Go module proxy, run beside the bus."""
