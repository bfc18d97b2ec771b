"""The bus for blocking code, against a real server."""

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from arqonbus.client import Bus as AsyncBus
from arqonbus.client import BusClosed, CannotConnect, NoResponder, NotFound, ReplyError, RequestFailed
from arqonbus.client.sync import Bus, connect
from tests.specs.bus import Bus as Server

pytestmark = pytest.mark.integration

OF_ASYNCIO = {"states", "span", "opened", "closed", "running", "has_read", "report", "settle"}
"""Methods that make sense with an event loop only, or are for handles."""

ONE_AT_A_TIME = {"concurrency"}
"""Arguments that a blocking loop has no use for."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("bus"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bus(server: Server) -> Iterator[Bus]:
    with connect(server.url) as bus:
        yield bus


def public(kind: type) -> dict[str, inspect.Signature]:
    found = {}
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        if not name.startswith("_") and inspect.isfunction(member):
            found[name] = inspect.signature(member)
    return found


def arguments(signature: inspect.Signature) -> list[tuple[str, object, object]]:
    own = [one for one in signature.parameters.values() if one.name not in ONE_AT_A_TIME]
    return [(one.name, one.kind, one.default) for one in own]


def test_names_and_arguments_are_those_of_the_asynchronous_bus() -> None:
    theirs = {name: one for name, one in public(AsyncBus).items() if name not in OF_ASYNCIO}
    ours = public(Bus)

    assert set(ours) == set(theirs)
    for name, signature in ours.items():
        assert arguments(signature) == arguments(theirs[name]), name


def test_properties_are_those_of_the_asynchronous_bus() -> None:
    def properties(kind: type) -> set[str]:
        return {name for name in dir(kind) if isinstance(inspect.getattr_static(kind, name), property)}

    assert properties(Bus) == properties(AsyncBus)


def test_a_bus_publishes_and_reads(bus: Bus) -> None:
    with bus.subscribe("science:sync", type=int) as channel:
        ack = bus.publish("science:sync", 1, ack=True)
        bus.publish("science:sync", 2)

        assert [message.data for message in channel.take(2, timeout_s=5)] == [1, 2]
        assert ack is not None and ack.seq == 1
        with pytest.raises(TimeoutError):
            channel.get(timeout_s=0.01)
        assert channel.get_nowait() is None
        assert channel.position is not None and channel.positions["sync"].seq == 2
        assert (channel.stats.given, channel.waiting, channel.error) == (2, 0, None)


def test_commands_answer(bus: Bus) -> None:
    bus.publish("science:commands", 1, ack=True)

    assert bus.ping() and bus.status().connections >= 1
    assert bus.history("science:commands").messages[0].data == 1
    assert (bus.state, bus.user, bus.error) == ("connected", None, None)
    assert bus.whoami().client == bus.client
    assert bus.stats().sessions == 1


def test_private_messages_and_broadcasts(bus: Bus, server: Server) -> None:
    with (
        connect(server.url) as other,
        other.inbox() as inbox,
        other.broadcasts("science") as broadcasts,
        other.subscribe("science:sync"),
    ):
        bus.send_private(other.client or "", "psst", ack=True)
        bus.broadcast("science", "all", ack=True)

        assert inbox.get(timeout_s=5).data == "psst"
        assert broadcasts.get(timeout_s=5).data == "all"


def test_requests_are_answered_from_another_thread(bus: Bus, server: Server) -> None:
    def answer(message: object) -> object:
        number = message.data  # type: ignore[attr-defined]
        if number == 0:
            raise ReplyError("zero", "not that one")
        if number < 0:
            raise ValueError("negative")
        return 10 / number

    with connect(server.url, on_error=lambda error: None) as responder:
        serving = threading.Thread(target=lambda: responder.serve("math:tenth", answer))
        serving.start()
        _until(lambda: bus.members("math:tenth").count == 1)
        assert bus.request("math:tenth", 4) == 2.5
        assert bus.request_message("math:tenth", 5).data == 2
        for number, code in ((0, "zero"), (-1, "handler_failed")):
            with pytest.raises(RequestFailed) as caught:
                bus.request("math:tenth", number)
            assert caught.value.code == code
    serving.join(5)

    assert not serving.is_alive()
    with pytest.raises(NoResponder):
        bus.request(to=responder.client, data=1)


def test_presence(bus: Bus, server: Server) -> None:
    with bus.presence("science:presence") as here:
        assert list(here.members) == [bus.client]
        with connect(server.url) as other, other.subscribe("science:presence"):
            change = here.get(timeout_s=5)
            assert (change.kind, here.count, here.is_listed, here.error) == ("joined", 2, True, None)
        assert next(here).kind == "left"
    assert list(here) == []


def test_a_drain_ends_a_loop_in_another_thread(server: Server) -> None:
    seen: list[int] = []
    with connect(server.url) as bus:
        channel = bus.subscribe("science:drain").open()
        reading = threading.Thread(target=lambda: channel.run(lambda message: seen.append(message.seq)))
        reading.start()
        for n in range(3):
            bus.publish("science:drain", n, ack=True)

        drained = bus.drain()
        reading.join(5)

    assert seen == [1, 2, 3]
    assert (drained.unsent, drained.unread, bus.state) == (0, 0, "closed")


def test_after_the_end_every_call_fails_and_to_close_again_is_fine(server: Server) -> None:
    bus = connect(server.url).open()
    channel = bus.subscribe("science:end").open()

    bus.close()
    bus.close()
    channel.close()

    with pytest.raises(BusClosed):
        bus.ping()
    with pytest.raises(BusClosed):
        next(channel)


def test_a_server_that_is_not_there_is_an_error_and_leaves_no_thread() -> None:
    before = threading.active_count()

    with pytest.raises(CannotConnect), connect("ws://127.0.0.1:9/", open_timeout_s=0.1):
        pass

    assert threading.active_count() == before


def test_wrong_options_are_an_error_before_there_is_a_thread() -> None:
    before = threading.active_count()

    with pytest.raises(TypeError):
        connect("ws://127.0.0.1:9/", tokn="x")  # type: ignore[call-arg]

    assert threading.active_count() == before


def test_a_handler_with_an_answer_to_a_message(bus: Bus, server: Server) -> None:
    with connect(server.url) as other, other.inbox() as inbox, bus.subscribe("science:reply") as channel:
        other.publish("science:reply", "?")
        question = channel.get(timeout_s=5)
        bus.reply(question, "!")
        bus.reply_error(question, "busy")

        answers = inbox.take(2, timeout_s=5)

    assert [answer.reply_to for answer in answers] == [question.id, question.id]
    assert answers[1].metadata["error"]["code"] == "busy"


def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(200):
        with suppress(NotFound):
            if is_so():
                return
        time.sleep(0.02)
    raise AssertionError("it never came to be")
