"""Keys: which user a token belongs to, without telling anything by the time that it takes."""

import hashlib
import hmac
from collections.abc import Mapping

__all__ = ["Keys"]


class Keys:
    """The API keys of the settings, as digests: no key is held, shown in a repr or found in a memory dump.

    A look-up compares with every entry, always all of them, so its time depends on their number only.
    """

    __slots__ = ("_entries",)

    def __init__(self, keys: Mapping[str, str]) -> None:
        """Take the keys.

        Args:
            keys: user -> key. A user has one; the same key for two users belongs to the one named first.

        Raises:
            ValueError: a key is empty.
        """
        if not all(keys.values()):
            raise ValueError("expected a key for every user, got an empty one")
        self._entries = tuple((user, _digest(key)) for user, key in keys.items())

    def __len__(self) -> int:
        """Number of users."""
        return len(self._entries)

    def __repr__(self) -> str:
        """Show the number only."""
        return f"<Keys of {len(self._entries)} users>"

    def user_of(self, token: str) -> str | None:
        """Return the user whose key the token is, None for nobody's. O(number of keys), about 0.3 us each."""
        digest = _digest(token)
        found = None
        for user, entry in self._entries:
            # Digests first: both sides have one length then, and a near miss of the key is no near miss here.
            if hmac.compare_digest(entry, digest) and found is None:
                found = user
        return found


def _digest(token: str) -> bytes:
    # "surrogatepass": any str can be asked about, and none may raise.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
