"""Tests of arqonbus.testing, one file for each module."""
