"""Tests of the commands: each handler as a plain function, the table, and the registry that runs them."""
