"""Tests of the parts that put the server together."""
