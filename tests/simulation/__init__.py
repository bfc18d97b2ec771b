"""Tests of the simulation as a whole: seeds against the bus, and buses with a fault against the seeds."""
