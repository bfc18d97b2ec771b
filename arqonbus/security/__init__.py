"""Who a client is and what it may do. Pure: no event loop, no socket, no files.

`keys` turns a token into a user, `gate` an action into a yes or a refusal.
"""

from arqonbus.security.gate import Action, Gate, Identity
from arqonbus.security.keys import Keys

__all__ = ["Action", "Gate", "Identity", "Keys"]
