"""Commands: one module for each command, the table that names them, and the registry that runs it.

A handler is a plain function: it reads its args and a View, and says what is to be done. It has no side effect.
"""
