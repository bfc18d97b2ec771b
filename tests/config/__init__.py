"""Tests of arqonbus.config."""
