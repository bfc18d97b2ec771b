from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.routing.cards import RoomCard
from arqonbus.routing.directory import Directory
from tests.commands.calls import client_card, probe


def test_clients_and_rooms_are_found_by_name() -> None:
    directory, client, room, ref = Directory(), client_card("c-1"), RoomCard("r"), probe("r").ref
    directory.add_client(client)
    directory.add_room(ref, room)

    assert directory.client("c-1") is client
    assert list(directory.clients()) == [client]
    assert directory.room("r") is ref
    assert directory.room_card("r") is room
    assert list(directory.room_cards()) == [room]
    assert (directory.n_clients, directory.n_rooms) == (1, 1)


def test_strangers_are_not_found() -> None:
    directory = Directory()

    assert (directory.client("c-1"), directory.room("r"), directory.room_card("r")) == (None, None, None)


def test_who_ended_is_found_by_its_ref_and_forgotten() -> None:
    directory, client, ref = Directory(), client_card("c-1"), probe("r").ref
    directory.add_client(client)
    directory.add_room(ref, RoomCard("r"))

    assert directory.remove(client.ref) is client
    assert directory.remove(ref) is None
    assert directory.remove(ref) is None

    assert (directory.n_clients, directory.n_rooms) == (0, 0)


def test_a_room_of_the_name_of_a_client_is_another_thing() -> None:
    directory, client, ref = Directory(), client_card("same"), probe("same").ref
    directory.add_client(client)
    directory.add_room(ref, RoomCard("same"))

    directory.remove(ref)

    assert directory.client("same") is client
    assert directory.room("same") is None


def test_a_room_made_again_stays_when_the_old_one_ends() -> None:
    directory, old, new = Directory(), probe("r").ref, probe("r").ref
    directory.add_room(old, RoomCard("r"))
    directory.add_room(new, RoomCard("r"))

    directory.remove(old)

    assert directory.room("r") is new


def test_a_room_that_ended_is_not_found_before_it_is_forgotten() -> None:

    manual = ManualDispatcher()
    room: Probe[object] = Probe(ActorSystem(manual.dispatcher), "r")
    directory = Directory()
    directory.add_room(room.ref, RoomCard("r"))

    room.ref.stop()
    manual.run_until_idle()

    assert directory.room("r") is None
    assert directory.n_rooms == 1


def test_who_is_away_is_the_one_that_is_gone_when_its_session_ends() -> None:
    directory, client = Directory(), client_card("c-1")
    directory.add_client(client)
    directory.set_away(client)

    assert directory.remove(client.ref) is client


def test_the_end_of_a_session_that_another_one_continues_takes_nobody_away() -> None:
    directory, old, new = Directory(), client_card("c-1"), client_card("c-2")
    directory.add_client(old)
    directory.add_client(new)
    new.client = "c-1"
    directory.add_client(new)

    assert directory.remove(old.ref) is None
    assert directory.client("c-1") is new
    assert directory.remove(new.ref) is new


def test_who_goes_on_as_another_client_is_found_by_both_ids_until_its_end() -> None:
    """The ticket of the first one may be all that has reached the client."""
    directory, card = Directory(), client_card("c-new")
    assert directory.add_client(card) is True

    card.client = "c-old"
    assert directory.add_client(card) is False

    assert (directory.client("c-new"), directory.client("c-old")) == (None, card)
    assert (directory.to_continue("c-new"), directory.to_continue("c-old")) == (card, card)
    directory.remove(card.ref)
    assert (directory.to_continue("c-new"), directory.to_continue("c-old"), directory.n_clients) == (None, None, 0)


def test_an_id_that_somebody_else_has_by_now_stays_his() -> None:
    directory, first, second = Directory(), client_card("c-1"), client_card("c-2")
    directory.add_client(first)
    directory.add_client(second)
    second.client = "c-1"
    directory.add_client(second)

    first.client = "c-0"
    directory.add_client(first)

    assert (directory.client("c-1"), directory.client("c-0")) == (second, first)
    assert directory.n_clients == 2


def test_who_is_away_may_become_somebody_else() -> None:
    directory, card = Directory(), client_card("c-new")
    directory.add_client(card)
    directory.set_away(card)

    card.client = "c-old"
    directory.add_client(card)

    assert (directory.n_away, directory.n_clients) == (0, 1)
