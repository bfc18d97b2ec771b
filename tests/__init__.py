"""The tests of ArqonBus; they mirror the package, `specs` and `e2e` start the real server."""
