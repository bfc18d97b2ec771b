"""Cases: the edges of a connection. Broken frames, bounds, credentials, plain HTTP."""

import json
from collections.abc import Awaitable, Callable
from typing import Final

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.peer import Peer
from arqonbus.testing.conformance.socket import BINARY, CLOSE, TEXT, HandshakeRefused, frame, get
from arqonbus.testing.conformance.stage import SUBPROTOCOL, Stage
from arqonbus.testing.conformance.verdict import Failed, Skipped, check

__all__ = ["CASES"]

_PING: Final = b'{"type":"command","id":"behind","command":"ping"}'
_CONTINUATION: Final = 0
_MANY: Final = 600  # mistakes; the server's default bound is 20 a minute
_LARGEST_TRIED: Final = 16 * 1024 * 1024
_MEMBERSHIPS_TRIED: Final = 1024


def _broken(data: bytes, code: int) -> Callable[[Stage], Awaitable[None]]:
    async def play(stage: Stage) -> None:
        broken, other = await stage.peer(), await stage.peer()
        await broken.socket.send_bytes(data)
        check(code, await broken.closed(), "the close")
        await other.ask("ping")

    return play


async def too_large(stage: Stage) -> None:
    """A message over the limit of the welcome closes with 1009; one just below it is taken."""
    peer = await stage.peer()
    limit = peer.welcome["limits"]["max_message_bytes"]
    if limit > _LARGEST_TRIED:
        raise Skipped(f"the server takes {limit} bytes a message")
    head = {"type": "event", "room": stage.room, "channel": "x", "id": "m", "ack": True, "payload": ""}
    room_left = limit - len(json.dumps(head, separators=(",", ":")))
    await peer.send({**head, "payload": "x" * room_left})
    check("ok", (await peer.take("response"))["status"], f"a message of {limit} bytes")
    await peer.send({**head, "payload": "x" * (room_left + 1)})
    check(1009, await peer.closed(), f"the close after a message of {limit + 1} bytes")


async def fragments(stage: Stage) -> None:
    """A message in pieces, with a ping between them, is one message."""
    peer = await stage.peer()
    await peer.socket.send_bytes(frame(TEXT, _PING[:10], is_final=False))
    await peer.socket.send_bytes(frame(9, b"between"))
    await peer.socket.send_bytes(frame(_CONTINUATION, _PING[10:20], is_final=False))
    await peer.socket.send_bytes(frame(_CONTINUATION, _PING[20:]))
    check("behind", (await peer.take("response"))["request_id"], "the answer to a message in three pieces")


async def many_mistakes(stage: Stage) -> None:
    """Mistakes without end close with 4500, each of those before is answered."""
    peer = await stage.peer()
    for _ in range(_MANY):
        await peer.send({"type": "evnt"})
    await peer.settle()
    if peer.code is None:
        raise Skipped(f"the server bears {_MANY} mistakes (limits.invalid_envelopes)")
    check(4500, peer.code, "the close")
    codes = {answer["error"]["code"] for answer in peer.untaken() if answer["type"] == "response"}
    check({"unknown_type"}, codes, "the answers before it")


async def wrong_token(stage: Stage) -> None:
    """Who shows a wrong token is told so in a frame, then closed with 4501."""
    peer = await stage.open(token="of-nobody")  # noqa: S106 - a token that is none
    if not await peer.until(lambda: bool(peer.frames) or peer.code is not None):
        raise Failed("a frame that says that the token is wrong", "nothing")
    first = peer.frames[0] if peer.frames else {}
    if first.get("event") == "welcome":
        raise Skipped("the server lets anybody in, whatever the token")
    told = first.get("payload") if first.get("type") == "system" else first.get("error")
    check("unauthenticated", (told or {}).get("code"), "the code")
    check(4501, await peer.closed(), "the close")


async def wrong_token_in_connect(stage: Stage) -> None:
    """The same with the command `connect`."""
    peer = await stage.open(token="")
    response = await peer.request({"type": "command", "command": "connect", "args": {"token": "of-nobody"}})
    if response["status"] == "ok":
        raise Skipped("the server lets anybody in, whatever the token")
    check("unauthenticated", response["error"]["code"], "the code")
    check(4501, await peer.closed(), "the close")


async def subprotocols(stage: Stage) -> None:
    """Ours is echoed, none is served, and only unknown ones are refused with the names of the known."""
    peer = await stage.open(Sec_WebSocket_Protocol=f"something.else, {SUBPROTOCOL}")
    check(SUBPROTOCOL, peer.socket.subprotocol, "the subprotocol echoed")
    try:
        await stage.open(Sec_WebSocket_Protocol="something.else")
    except HandshakeRefused as refusal:
        check(400, refusal.status, "the status")
        check(True, SUBPROTOCOL in refusal.text, "the body names the supported one")
        return
    raise Failed("HTTP 400 for an unknown subprotocol", "a WebSocket")


async def pages(stage: Stage) -> None:
    """The server tells its health, whether it is ready, and its version."""
    for path in ("/health", "/ready", "/version"):
        status, body = await get(stage.target.url, path)
        check(200, status, f"the status of {path}")
        try:
            check(True, isinstance(json.loads(body), dict), f"a JSON object as the body of {path}")
        except ValueError as error:
            raise Failed(f"JSON as the body of {path}", body[:200]) from error


async def memberships(stage: Stage) -> None:
    """One client is in so many channels, and no more."""
    peer = await stage.peer()
    for number in range(_MEMBERSHIPS_TRIED):
        args = {"room": stage.room, "channel": f"c{number}"}
        response = await peer.request({"type": "command", "command": "join_channel", "args": args})
        if response["status"] == "error":
            check("limit_exceeded", response["error"]["code"], f"the code of join {number + 1}")
            await _goes_on(stage, peer)
            return
    raise Skipped(f"one client may be in {_MEMBERSHIPS_TRIED} channels (limits.memberships)")


async def _goes_on(stage: Stage, peer: Peer) -> None:
    await peer.ask("leave_channel", room=stage.room, channel="c0")
    await peer.join(stage.room, "c0")


async def kicked(stage: Stage) -> None:
    """Whom an administrator ends is closed with 4503, has left as kicked, and is nobody's to continue."""
    admin, watcher, victim = await stage.peer(), await stage.member("x", presence=True), await stage.member("x")
    await admin.ask("kick", client=victim.id, reason="for a test")
    check(4503, await victim.closed(), "the close")
    left = (await watcher.take("system/member_left"))["payload"]
    check((victim.id, "kicked"), (left["client"], left["reason"]), "who left, and why")
    late = await stage.open()
    result = await late.ask("connect", resume={"ticket": victim.ticket} if victim.ticket else {})
    check(False, result["client"] == victim.id, "the ticket continues the client")


async def large_will(stage: Stage) -> None:
    """A will is bounded."""
    peer = await stage.peer()
    size = min(256 * 1024, peer.welcome["limits"]["max_message_bytes"] // 2)
    will = {"room": stage.room, "channel": "x", "payload": "x" * size}
    response = await peer.request({"type": "command", "command": "set_will", "args": {"will": will}})
    if response["status"] == "ok":
        raise Skipped(f"the server takes a will of {size} bytes (limits.will_bytes)")
    check("too_large", response["error"]["code"], "the code")


async def large_private(stage: Stage) -> None:
    """A private message is bounded by its payload times its addressees."""
    peer = await stage.peer()
    size = min(256 * 1024, peer.welcome["limits"]["max_message_bytes"] // 2)
    head = {"type": "private", "to": [f"c-nobody-{n}" for n in range(100)], "ack": True}
    response = await peer.request({**head, "payload": "x" * size})
    if response["status"] == "ok":
        raise Skipped(f"the server takes {size} bytes for 100 clients (limits.mailbox_bytes)")
    check("too_large", response["error"]["code"], "the code")


CASES: Final = (
    Case("frames: binary closes with 1003", ("002/FR-008",), _broken(frame(BINARY, b"{}"), 1003)),
    Case("frames: no UTF-8 closes with 1007", ("002/FR-008",), _broken(frame(TEXT, b'"\xff"'), 1007)),
    Case("frames: no mask closes with 1002", ("002/FR-008",), _broken(b"\x81\x02{}", 1002)),
    Case("frames: a reserved bit closes with 1002", ("002/FR-008",), _broken(frame(TEXT | 0x40, b"{}"), 1002)),
    Case("frames: an unknown opcode closes with 1002", ("002/FR-008",), _broken(frame(3, b"{}"), 1002)),
    Case("frames: a long ping closes with 1002", ("002/FR-008",), _broken(frame(9, b"x" * 126), 1002)),
    Case("frames: a stray continuation closes with 1002", ("002/FR-008",), _broken(frame(0, b"{}"), 1002)),
    Case("frames: a close of one byte closes with 1002", ("002/FR-008",), _broken(frame(CLOSE, b"x"), 1002)),
    Case("frames: too large closes with 1009", ("002/FR-008",), too_large),
    Case("frames: a message in pieces is one message", ("002/FR-008",), fragments),
    Case("bounds: mistakes without end close with 4500", ("002/FR-012",), many_mistakes),
    Case("bounds: memberships of one client", ("003/FR-011",), memberships),
    Case("bounds: the size of a will", ("013/FR-010",), large_will),
    Case("bounds: the size of a private message", ("004/FR-005",), large_private),
    Case("credentials: a wrong token is told and closed with 4501", ("002/FR-005",), wrong_token),
    Case("credentials: a wrong token in connect is told and closed with 4501", ("002/FR-005",), wrong_token_in_connect),
    Case("credentials: an administrator ends a client with 4503", ("005/FR-009",), kicked),
    Case("handshake: subprotocols", ("002/FR-002",), subprotocols),
    Case("http: health, ready and version", ("002/FR-010",), pages),
)
