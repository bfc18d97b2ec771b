"""Routing: who gets what. Session, Room and Channel are actors; the rest here is what they are made of.

No module of this package touches a loop or a socket: all of it runs under a ManualDispatcher. See docs/DESIGN.md.
"""
