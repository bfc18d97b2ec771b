"""WebSocket text frames as the server writes them: final, not masked, no extension.

A frame is made once for each message and its bytes are shared by all receivers. A connection with a negotiated
extension cannot use them and gets the bare text instead. RFC 6455, section 5.2.
"""

from functools import lru_cache
from typing import Final

__all__ = ["head", "text_frame"]

_FINAL_TEXT: Final = 0x81  # FIN set, opcode 1
_MAX_SHORT: Final = 125  # longest payload whose length fits the second byte
_MAX_MEDIUM: Final = 0xFFFF  # longest payload whose length fits two more bytes

_SHORT_HEADS: Final = tuple(bytes((_FINAL_TEXT, size)) for size in range(_MAX_SHORT + 1))
_MEDIUM: Final = bytes((_FINAL_TEXT, 126))
_LONG: Final = bytes((_FINAL_TEXT, 127))


# A bus sends the same few sizes over and over, and a hit costs half of the call that it saves.
@lru_cache(maxsize=4096)
def head(size: int) -> bytes:
    """Write the head of a text frame.

    Args:
        size: bytes of the payload, 0 to 2**63 - 1

    Returns:
        2, 4 or 10 bytes
    """
    if size <= _MAX_SHORT:
        return _SHORT_HEADS[size]
    if size <= _MAX_MEDIUM:
        return _MEDIUM + size.to_bytes(2, "big")
    return _LONG + size.to_bytes(8, "big")


def text_frame(payload: bytes) -> bytes:
    """Put the head before the payload.

    Args:
        payload: UTF-8 text, whole
    """
    return head(len(payload)) + payload
