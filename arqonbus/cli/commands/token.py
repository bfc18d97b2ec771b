"""``arqonbus token``: make a key for a user, and say what a token is, without a server.

This version knows two kinds of credentials: keys of the configuration (``auth.keys``), and tickets, which a server
gives out so that a client comes back as who it was. There are no signed tokens, so none is made.
"""

import argparse
import json
import os
import re
import secrets
from typing import Final

from arqonbus.cli.kit.connection import token_of
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure, note
from arqonbus.cli.kit.parser import Parser
from arqonbus.cli.kit.settings import add_json_flag

__all__ = ["add", "kind_of", "run"]

KEY_BYTES: Final = 32
"""Random bytes of a key: 256 bits, 43 characters."""

_JWT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_TICKET: Final = re.compile(r"c-[A-Za-z0-9_-]+\.[0-9a-f]{32}")

_NOTES: Final = {
    "key": "looks like a key; keys do not expire, and are taken away by changing auth.keys and a SIGHUP",
    "ticket": "looks like a ticket: the server that gave it out takes its client back for a while; it is no key",
    "jwt": "looks like a JSON Web Token; this version of the server understands none, unless it stands in auth.keys",
}


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus token make alice", "a new key, and the lines of the configuration for it")
    parser.add_example("arqonbus token make alice --json", "for programs")
    parser.add_example("arqonbus token inspect --token-file key --config arqonbus.toml", "whose key it is")
    parser.add_argument("action", metavar="ACTION", choices=("make", "inspect"), help="make or inspect")
    parser.add_argument("user", metavar="USER", nargs="?", help="of make: whose key it is to be")
    parser.add_argument(
        "--token-file", metavar="FILE", help="of inspect: read the token from a file; -: standard input"
    )
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help="of inspect: the token itself, for others on this machine to read (env: ARQONBUS_TOKEN)",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="of inspect: whose auth.keys are looked up (env: ARQONBUS_CONFIG)"
    )
    add_json_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Make or inspect."""
    return _make(options) if options.action == "make" else _inspect(options)


def _make(options: argparse.Namespace) -> int:
    from arqonbus.cli.kit.output import Output
    from arqonbus.cli.kit.records import TokenRecord

    if not options.user:
        raise Failure(Exit.USAGE, "expected a USER", hint="arqonbus token make alice", code="usage")
    key = secrets.token_urlsafe(KEY_BYTES)
    lines = f"[auth.keys]\n{json.dumps(options.user)} = {json.dumps(key)}"
    out = Output(as_json=options.json)
    if options.json:
        out.record(TokenRecord(kind="key", user=options.user, token=key, config=lines))
        return Exit.OK
    out.line(key)
    note(f"put this into the configuration of the server, then start it or send it SIGHUP:\n\n{lines}\n")
    return Exit.OK


def _inspect(options: argparse.Namespace) -> int:
    from arqonbus.cli.kit.output import Output
    from arqonbus.cli.kit.records import TokenRecord

    if options.user is not None:
        hint = "arqonbus token inspect --token-file FILE"
        raise Failure(
            Exit.USAGE, "inspect takes the token from a file, a flag or ARQONBUS_TOKEN", hint=hint, code="usage"
        )
    token = token_of(options)
    if token is None:
        raise Failure(Exit.USAGE, "expected a token: --token-file FILE or ARQONBUS_TOKEN", code="usage")
    kind, has_keys, user = kind_of(token), _has_config(options), None
    if has_keys:
        user = _user_of(token, options)
        kind = kind if user is None else "key"
    out = Output(as_json=options.json)
    whose = user or ("nobody's" if has_keys else "not looked up; --config FILE")
    if options.json:
        out.record(TokenRecord(kind=kind, user=user, note=_NOTES[kind]))
    else:
        out.facts([("kind", kind), ("length", f"{len(token)} characters"), ("user", whose), ("note", _NOTES[kind])])
    return Exit.FAILED if has_keys and user is None else Exit.OK


def kind_of(token: str) -> str:
    """Say what a token looks like: `key`, `ticket` or `jwt`."""
    if _TICKET.fullmatch(token):
        return "ticket"
    return "jwt" if _JWT.fullmatch(token) else "key"


def _has_config(options: argparse.Namespace) -> bool:
    return bool(options.config or os.environ.get("ARQONBUS_CONFIG") or os.environ.get("ARQONBUS_AUTH_KEYS"))


def _user_of(token: str, options: argparse.Namespace) -> str | None:
    from arqonbus.config import load
    from arqonbus.errors import ConfigError
    from arqonbus.security.keys import Keys

    try:
        loaded = load([], os.environ, options.config)
    except ConfigError as error:
        raise Failure(Exit.USAGE, error.problems[0], hint="arqonbus check-config", code="config") from error
    return Keys(loaded.settings.auth.keys).user_of(token)
