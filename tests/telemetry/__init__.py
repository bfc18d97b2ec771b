"""Tests of arqonbus.telemetry."""
