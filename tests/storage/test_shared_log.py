"""The seam of shared logs is small; what it promises is in shared_contract.py."""

import json

from arqonbus.storage.shared_log import SharedHistory, SharedLog, with_seq


def promised(seam: type) -> set[str]:
    return {name for name in (*vars(seam), *seam.__annotations__) if not name.startswith("_")}


def test_the_seams_hold_what_they_hold() -> None:
    logs = {"backend", "state", "open", "follow", "note", "channels", "holds", "delete", "sweep"}
    assert promised(SharedHistory) == logs | {"group", "delete_group"}
    assert promised(SharedLog) == {"append", "read", "say", "retain", "close"}


def test_a_text_gets_its_place_as_the_first_field() -> None:
    text = with_seq(b'{"type":"event","payload":{"seq":"{"}}', 42)

    assert json.loads(text) == {"seq": 42, "type": "event", "payload": {"seq": "{"}}
    assert text.startswith(b'{"seq":42,"type"')
