"""Tickets: what a client shows to continue a connection that it lost. Pure.

A ticket names the client id and proves, by a keyed digest, that this server gave it out. It says nothing of rights:
those are asked for again. It is worth something only as long as the server remembers the client.
"""

import hashlib
import hmac

__all__ = ["MAX_TICKET", "Tickets"]

MAX_TICKET = 256
"""Most characters of a ticket that is looked at."""

DIGEST_BYTES = 16  # 128 bits: not to be guessed within the seconds that a ticket lives


class Tickets:
    """Issues and reads tickets under one secret.

    Args:
        secret: random bytes, >= 16; another one makes all tickets so far worthless.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError(f"expected a secret of at least 16 bytes, got {len(secret)}")
        self._secret = secret

    def issue(self, client: str) -> str:
        """Write the ticket of a client id, which holds no dot."""
        return f"{client}.{self._digest(client)}"

    def client_of(self, ticket: str) -> str | None:
        """Give the client id that the ticket proves; None: it is not ours. Takes the same time for every wrong one."""
        client, _, digest = ticket[:MAX_TICKET].rpartition(".")
        wanted = self._digest(client)
        return client if hmac.compare_digest(digest.encode("utf-8", "replace"), wanted.encode()) and client else None

    def _digest(self, client: str) -> str:
        text = client.encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, text, hashlib.sha256).digest()[:DIGEST_BYTES].hex()
