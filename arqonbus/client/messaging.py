"""Messaging: publish, private messages, broadcasts, requests and replies, as methods of the bus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar, Unpack, overload

import msgspec
from msgspec import UNSET, Raw

from arqonbus.client.caller import Caller
from arqonbus.client.codec import Outgoing, PrivateIn, write_payload
from arqonbus.client.codes import REPEATABLE
from arqonbus.client.commands import Commands, place, single_place
from arqonbus.client.core import Core
from arqonbus.client.decoding import decoder_for
from arqonbus.client.errors import ClientError, ReplyError, RequestFailed
from arqonbus.client.message import Message
from arqonbus.client.options import CallOptions, PublishOptions, Will, check_names
from arqonbus.client.outbox import AfterLoss
from arqonbus.client.reading import message_of
from arqonbus.client.results import Ack, BroadcastAck, Nothing, PrivateAck
from arqonbus.client.sending import Terms
from arqonbus.client.tracing import Tracing
from arqonbus.protocol.payloads import Profile

__all__ = ["Messaging", "Responder", "profile_args", "will_args"]

T = TypeVar("T")
R = TypeVar("R")

Responder: TypeAlias = Callable[[Message[T]], Awaitable[object]]
"""Answers one request with what it returns; may raise ReplyError."""


class Messaging(Commands):
    """The part of the bus that sends.

    Every method raises `BusClosed` after the end, `InvalidRequest` for what cannot be written as JSON or is too large,
    `OutboxFull` or `NotConnected` while away (see `when_offline`), and ValueError for a wrong address. With an answer:
    `Rejected` and its classes, `Expired`, `OutcomeUnknown`.
    """

    _core: Core
    _caller: Caller
    _tracing: Tracing
    _timeout_s: float
    _ack_timeout_s: float

    # --- events -----------------------------------------------------------------------------------------------------

    @overload
    async def publish(
        self, address: str, data: object = None, *, ack: Literal[True], **options: Unpack[PublishOptions]
    ) -> Ack: ...

    @overload
    async def publish(
        self, address: str, data: object = None, *, ack: bool = False, **options: Unpack[PublishOptions]
    ) -> Ack | None: ...

    async def publish(
        self, address: str, data: object = None, *, ack: bool = False, **options: Unpack[PublishOptions]
    ) -> Ack | None:
        """Send an event to a channel.

        Args:
            address: `room:channel`
            data: the payload: JSON values, a dataclass, a Struct, a pydantic model
            ack: True: wait until the server has it; it is sent again after a lost connection where that is safe
            **options: see PublishOptions

        Returns:
            what became of it with `ack`; else None, once it is in the outbox
        """
        answer = await self._publish(single_place(address), address, "event", data, ack, options)
        if answer is None:
            return None
        return msgspec.structs.replace(msgspec.json.decode(answer[1], type=Ack), id=answer[0])

    # --- to clients and rooms ---------------------------------------------------------------------------------------

    async def send_private(
        self, to: str | list[str], data: object = None, *, ack: bool = False, **options: Unpack[PublishOptions]
    ) -> PrivateAck | None:
        """Send a private message to clients by id, 1 to 100. Gives what became of it with `ack`."""
        receivers = (to,) if isinstance(to, str) else tuple(to)
        answer = await self._publish({"to": receivers}, "private", "private", data, ack, options)
        return None if answer is None else msgspec.json.decode(answer[1], type=PrivateAck)

    async def broadcast(
        self, room: str, data: object = None, *, ack: bool = False, **options: Unpack[PublishOptions]
    ) -> BroadcastAck | None:
        """Send a message to every member of a room. Gives what became of it with `ack`."""
        where = place(room)
        if "channel" in where:
            raise ValueError(f"expected a room, got {room!r}; publish reaches a channel")
        answer = await self._publish(where, room, "broadcast", data, ack, options)
        return None if answer is None else msgspec.json.decode(answer[1], type=BroadcastAck)

    async def _publish(
        self,
        where: Mapping[str, Any],
        name: str,
        kind: Literal["event", "private", "broadcast"],
        data: object,
        ack: bool,
        options: PublishOptions,
    ) -> tuple[str, Raw] | None:
        """Send a message of one of the kinds. Gives its id and the result, with `ack`."""
        check_names("publish", options, PublishOptions)
        id = options.get("id") or self._core.sending.new_id()
        with self._tracing.sending(name, id) as carrier:
            envelope = self._envelope(kind, id, where, data, options, carrier)
            after_loss: AfterLoss = "if_known" if kind == "event" else "give_up"
            terms = self._terms(options, self._ack_timeout_s, after_loss=after_loss)
            if not ack:
                await self._caller.tell(envelope, terms)
                return None
            if terms.when_offline == "drop":
                raise ValueError('when_offline="drop" and ack do not go together: nothing would answer')
            envelope.ack = True
            answer = await self._caller.ask(envelope, terms)
            assert isinstance(answer, Raw)  # noqa: S101 - a reply settles requests only
            return id, answer

    def _envelope(
        self,
        kind: str,
        id: str,
        where: Mapping[str, Any],
        data: object,
        options: PublishOptions,
        carrier: Mapping[str, str],
    ) -> Outgoing:
        return Outgoing(
            kind,
            id,
            **where,
            payload=write_payload(data),
            metadata=options.get("metadata"),
            reply_to=options.get("reply_to"),
            traceparent=options.get("traceparent") or carrier.get("traceparent"),
            tracestate=options.get("tracestate") or carrier.get("tracestate"),
        )

    def _terms(
        self, options: CallOptions, default_s: float, *, after_loss: AfterLoss, is_request: bool = False
    ) -> Terms:
        timeout_s = options.get("timeout_s")
        when_offline = options.get("when_offline", "queue")
        return Terms(default_s if timeout_s is None else timeout_s, when_offline, after_loss, is_request)

    # --- requests ---------------------------------------------------------------------------------------------------

    async def request(
        self,
        address: str | None = None,
        data: object = None,
        *,
        to: str | None = None,
        type: Any = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """Ask something and wait for the answer.

        Args:
            address: `room:channel` of those who answer; None: `to` is given
            data: the question
            to: client id of the one who answers
            type: how the payload of the answer is read; None: plain JSON values
            **options: see CallOptions

        Raises:
            NoResponder: at once, when nobody is there
            RequestFailed: who answered says that it failed
            OutcomeUnknown: no answer in time
            DecodeError: the answer is not of that type
        """
        return (await self.request_message(address, data, to=to, type=type, **options)).data

    async def request_message(
        self,
        address: str | None = None,
        data: object = None,
        *,
        to: str | None = None,
        type: Any = None,
        **options: Unpack[CallOptions],
    ) -> Message[Any]:
        """Ask something and give the whole message that answers; see `request`."""
        check_names("request", options, CallOptions)
        if (address is None) == (to is None):
            raise ValueError("expected an address or a client, and not both")
        id = options.get("id") or self._core.sending.new_id()
        where: dict[str, Any] = {"to": (to,)} if address is None else single_place(address)
        after_loss: AfterLoss = "give_up" if address is None else "if_known"
        terms = self._terms(options, self._timeout_s, after_loss=after_loss, is_request=True)
        metadata = {"timeout_ms": round(terms.timeout_s * 1000), **(options.get("metadata") or {})}
        with self._tracing.sending(address or "private", id) as carrier:
            asked: PublishOptions = {**options, "metadata": metadata}  # type: ignore[typeddict-item] # has no reply_to
            envelope = self._envelope("event" if to is None else "private", id, where, data, asked, carrier)
            envelope.ack = True
            frame = await self._caller.ask(envelope, terms)
        assert isinstance(frame, PrivateIn)  # noqa: S101 - the ack of a request does not settle it
        return _answer(frame, type)

    async def reply(
        self, message: Message[Any], data: object = None, *, ack: bool = False, **options: Unpack[PublishOptions]
    ) -> PrivateAck | None:
        """Answer a message: a private message to its sender that names it."""
        options.setdefault("reply_to", message.id)
        return await self.send_private(message.sender, data, ack=ack, **options)

    async def reply_error(self, message: Message[Any], code: str, text: str = "") -> None:
        """Answer a request with an error; the one who asked gets RequestFailed with this code and text."""
        await self.reply(message, None, metadata={"error": {"code": code, "message": text}})

    async def _respond(self, handler: Responder[Any], message: Message[Any]) -> None:
        """Reply with what the handler returns, or with its error."""
        try:
            data = await handler(message)
        except ReplyError as error:
            await self.reply_error(message, error.code, error.message)
        except Exception:
            await self.reply_error(message, ReplyError.default_code)
            raise
        else:
            await self.reply(message, data)

    def _responder(self, handler: Responder[Any]) -> Callable[[Message[Any]], Awaitable[None]]:
        return partial(self._respond, handler)

    # --- commands ---------------------------------------------------------------------------------------------------

    async def command(
        self, name: str, args: Mapping[str, Any] | None = None, *, type: type[R], timeout_s: float | None = None
    ) -> R:
        """Run a command by name, and read its answer as `type`; args that are None are left out."""
        given = {key: value for key, value in (args or {}).items() if value is not None}
        after_loss: AfterLoss = "again" if name in REPEATABLE else "give_up"
        terms = Terms(self._timeout_s if timeout_s is None else timeout_s, after_loss=after_loss)
        envelope = Outgoing("command", self._core.sending.new_id(), command=name, args=given)
        answer = await self._caller.ask(envelope, terms)
        assert isinstance(answer, Raw)  # noqa: S101 - a reply settles requests only
        try:
            result = msgspec.json.decode(answer, type=type)
        except msgspec.MsgspecError as error:
            raise ClientError(f"the answer to {name} cannot be read: {error}", code="unreadable") from error
        if isinstance(result, Profile):
            self._core.profile = profile_args(result)  # for the next connect
        return result

    async def set_will(self, will: Will | None, *, timeout_s: float | None = None) -> None:
        """Change the event that the server publishes when this client is lost; None: none."""
        args = {} if will is None else {"will": will_args(will)}
        await self.command("set_will", args, type=Nothing, timeout_s=timeout_s)
        self._core.will = args.get("will")


def will_args(will: Will) -> dict[str, Any]:
    """Write a will as `connect` and `set_will` take it. Raises ValueError, InvalidRequest."""
    return {**single_place(will.address), "payload": write_payload(will.data), "metadata": dict(will.metadata)}


def profile_args(profile: Profile | Mapping[str, Any]) -> Mapping[str, Any]:
    """Write a profile as `connect` takes it. Raises InvalidRequest, msgspec.ValidationError: it is none."""
    if not isinstance(profile, Profile):
        data = {"data": write_payload(profile["data"])} if "data" in profile else {}
        profile = msgspec.convert({**profile, **data}, Profile)
    return {name: value for name, value in msgspec.structs.asdict(profile).items() if value not in (None, UNSET)}


def _answer(frame: PrivateIn, type: Any) -> Message[Any]:
    message = message_of(frame, None)
    error = message.metadata.get("error")
    if isinstance(error, Mapping):
        code = str(error.get("code") or ReplyError.default_code)
        raise RequestFailed(str(error.get("message") or "the responder failed"), code=code)
    return msgspec.structs.replace(message, data=decoder_for(type)(frame.payload))
