"""Tests of routing, module by module; what they do together is in tests/flow."""
