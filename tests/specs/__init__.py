"""Executable specifications: the scenarios of specs/ run against a real server over real sockets."""
