"""Tickets: what a client shows to continue a connection that it lost. Pure.

A ticket names the client id and proves, by a keyed digest, that a server of this bus gave it out. It says nothing of
rights: those are asked for again. It is worth something only as long as a server remembers the client.
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

    __slots__ = ("_former", "_secret")

    def __init__(self, secret: bytes) -> None:
        self._secret = self._former = _checked(secret)

    def adopt(self, secret: bytes) -> None:
        """Issue under another secret from now on, that of several servers; tickets of the one before stay good."""
        if secret != self._secret:
            self._former, self._secret = self._secret, _checked(secret)

    def issue(self, client: str) -> str:
        """Write the ticket of a client id, which holds no dot."""
        return f"{client}.{_digest(self._secret, client)}"

    def client_of(self, ticket: str) -> str | None:
        """Give the client id that the ticket proves; None: it is not ours. Takes the same time for every wrong one."""
        client, _, digest = ticket[:MAX_TICKET].rpartition(".")
        shown = digest.encode("utf-8", "replace")
        secrets = (self._secret, self._former)
        found = [hmac.compare_digest(shown, _digest(secret, client).encode()) for secret in secrets]
        return client if any(found) and client else None


def _digest(secret: bytes, client: str) -> str:
    text = client.encode("utf-8", "surrogatepass")
    return hmac.new(secret, text, hashlib.sha256).digest()[:DIGEST_BYTES].hex()


def _checked(secret: bytes) -> bytes:
    if len(secret) < 16:
        raise ValueError(f"expected a secret of at least 16 bytes, got {len(secret)}")
    return secret
