"""Tests of arqonbus.actor."""
