"""The commands, one module each: ``add(parser)`` says what it takes, ``run(options)`` does it and gives the exit code.

A module imports what is heavy (asyncio, the SDK, the server) inside of ``run``.
"""
