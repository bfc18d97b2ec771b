"""Answers of the probes."""

import json

import pytest

from arqonbus.transport.health import PATHS, Health


def ask(path: str, *, ready: bool = True, why: str = "", is_draining: bool = False) -> tuple[int, object]:
    head, body = Health(lambda: (ready, why), "1.2.3").answer(path, is_draining=is_draining).split(b"\r\n\r\n")
    return int(head[9:12]), json.loads(body)


@pytest.mark.parametrize(
    ("path", "ready", "is_draining", "status", "body"),
    [
        ("/health", True, False, 200, {"status": "ok"}),
        ("/health", False, False, 200, {"status": "ok"}),
        ("/health", True, True, 200, {"status": "draining"}),
        ("/ready", True, False, 200, {"ready": True}),
        ("/ready", False, False, 503, {"ready": False, "why": "starting"}),
        ("/ready", True, True, 503, {"ready": False, "why": "draining"}),
        ("/version", True, False, 200, {"version": "1.2.3", "protocol": "1.0"}),
    ],
)
def test_a_probe_gets_its_answer(path, ready, is_draining, status, body):
    assert ask(path, ready=ready, why="" if ready else "starting", is_draining=is_draining) == (status, body)


def test_one_that_is_ready_all_the_same_says_what_is_wrong():
    assert ask("/ready", ready=True, why="storage: away") == (200, {"ready": True, "why": "storage: away"})


def test_not_ready_says_when_to_ask_again():
    assert b"\r\nRetry-After: 1\r\n" in Health(lambda: (False, "starting"), "1").answer("/ready", is_draining=False)


@pytest.mark.parametrize("path", sorted(PATHS))
def test_every_path_has_an_answer(path):
    assert ask(path)[0] == 200


def test_the_numbers_are_there_where_they_are_wanted():
    asked = []

    def metrics(accept: str) -> tuple[str, str]:
        asked.append(accept)
        return "text/plain; version=0.0.4", "arqonbus_rooms 1\n"

    health = Health(lambda: (True, ""), "1", metrics=metrics)
    head, body = health.answer("/metrics", is_draining=False, accept="text/plain").split(b"\r\n\r\n")

    assert b"text/plain; version=0.0.4" in head
    assert (body, asked) == (b"arqonbus_rooms 1\n", ["text/plain"])
    assert health.has("/metrics") and not Health(lambda: (True, ""), "1").has("/metrics")
