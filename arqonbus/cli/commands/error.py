"""``arqonbus error``: explain an error code or a close code, without a server."""

import argparse
from typing import TYPE_CHECKING, Final

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.parser import Parser, closest
from arqonbus.cli.kit.settings import add_json_flag

if TYPE_CHECKING:
    from arqonbus.cli.kit.records import CodeRecord

__all__ = ["add", "run"]

_AFTER: Final = {
    "at_once": "connects again at once",
    "back_off": "connects again after a random delay that grows",
    "never": "stays away",
}


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus error rate_limited", "an error code")
    parser.add_example("arqonbus error 4100", "a close code")
    parser.add_example("arqonbus error", "all of them")
    parser.add_argument("code", metavar="CODE", nargs="?", help="default: all")
    add_json_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Explain."""
    from arqonbus.cli.kit.output import Column, Output

    known = _codes()
    out = Output(as_json=options.json)
    if options.code is not None and options.code not in known:
        message = f"no such code: {options.code}{closest(options.code, known)}"
        raise Failure(Exit.USAGE, message, hint="arqonbus error", code="usage")
    if options.json:
        for record in known.values() if options.code is None else [known[options.code]]:
            out.record(record)
    elif options.code is None:
        rows = [(one.code, "yes" if one.retryable else "no", one.meaning) for one in known.values()]
        out.table((Column("code"), Column("try again"), Column("meaning")), rows)
    else:
        one = known[options.code]
        then = [("a client", one.after)] if one.after else [("try again", "yes" if one.retryable else "no")]
        advice = [("what to do", one.hint)] if one.hint else []
        out.facts([("code", one.code), ("meaning", one.meaning), *then, *advice])
    return Exit.OK


def _codes() -> "dict[str, CodeRecord]":
    from arqonbus.cli.kit.records import CodeRecord
    from arqonbus.client.codes import ERROR_CLASSES
    from arqonbus.protocol.codes import CLOSE_CODES, ERRORS

    records = [
        CodeRecord(
            code=row.code,
            kind="error",
            meaning=row.when,
            retryable=row.retryable,
            after="",
            hint=ERROR_CLASSES[row.code].hint,
        )
        for row in ERRORS.values()
    ]
    records += [
        CodeRecord(
            code=str(row.code),
            kind="close",
            meaning=row.meaning,
            retryable=row.reconnect != "never",
            after=_AFTER[row.reconnect],
            hint="",
        )
        for row in CLOSE_CODES.values()
    ]
    return {record.code: record for record in records}
