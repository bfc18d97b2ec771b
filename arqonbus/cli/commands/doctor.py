"""``arqonbus doctor``: look at all that a server and its clients need, and say what to do about what is wrong."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from arqonbus.cli.kit.connection import add_connection, token_of, url_of
from arqonbus.cli.kit.exits import LOCAL, Exit
from arqonbus.cli.kit.parser import Parser
from arqonbus.cli.kit.settings import add_setting_flags, load

if TYPE_CHECKING:
    from arqonbus.cli.kit.measures import Finding
    from arqonbus.cli.kit.output import Output
    from arqonbus.config import Settings

__all__ = ["add", "run"]

DEFAULT_TIMEOUT_S = 5.0
COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red", "skipped": "dim"}


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus doctor", "this machine, the configuration, what it names, the server if it runs")
    parser.add_example("arqonbus doctor --config /etc/arqonbus.toml")
    parser.add_example("arqonbus doctor --url wss://bus.example.org/ --token-file token", "that server only")
    add_setting_flags(parser)
    add_connection(parser, timeout="for the server to answer (default: 5)")
    parser.exits = LOCAL


def run(options: argparse.Namespace) -> int:
    """Look, and tell."""
    import asyncio

    from arqonbus.cli.kit.measures import DoctorRecord
    from arqonbus.cli.kit.output import Output

    token = token_of(options)
    found = asyncio.run(_found(options, token))
    ok = not any(finding.verdict == "wrong" for finding in found)
    out = Output(as_json=options.json)
    if options.json:
        out.record(DoctorRecord(ok=ok, findings=tuple(found)))
    else:
        _tell(out, found)
    return Exit.OK if ok else Exit.FAILED


async def _found(options: argparse.Namespace, token: str | None) -> list[Finding]:
    from arqonbus.cli.doctor.bus import check_bus

    timeout_s = options.timeout or DEFAULT_TIMEOUT_S
    is_named = bool(options.url or os.environ.get("ARQONBUS_URL"))
    if is_named and options.config is None:
        return await check_bus(url_of(options), token, timeout_s)
    findings, settings = _configuration(options)
    if settings is None:
        return findings
    local, is_there = await _local(settings)
    findings += local
    if is_named:
        findings += await check_bus(url_of(options), token, timeout_s)
    elif is_there:
        findings += await check_bus(_own_url(settings), token, timeout_s)
    else:
        from arqonbus.cli.kit.measures import Finding

        findings.append(Finding("bus", "skipped", "no server runs here; --url names another one"))
    return findings


def _configuration(options: argparse.Namespace) -> tuple[list[Finding], Settings | None]:
    from arqonbus.cli.kit.measures import Finding
    from arqonbus.errors import ConfigError

    try:
        loaded = load(options)
    except ConfigError as error:
        do = "docs/CONFIGURATION.md has every setting"
        return [Finding("config", "wrong", problem, do) for problem in error.problems], None
    n_set = sum(origin != "default" for origin in loaded.origins.values())
    words = f"{loaded.file or 'no file'}, {n_set} of {len(loaded.origins)} settings set"
    return [Finding("config", "ok", words)], loaded.settings


async def _local(settings: Settings) -> tuple[list[Finding], bool]:
    """Look at what a server with these settings needs; gives also whether one is there already."""
    import asyncio

    from arqonbus.cli.doctor.machine import check_access, check_files, check_port, check_tls
    from arqonbus.cli.doctor.otlp import check_otlp
    from arqonbus.cli.doctor.shared_store import check_redis

    port, is_there = await asyncio.to_thread(check_port, settings)
    found = [check_files(settings), port, check_access(settings), check_tls(settings)]
    found += await check_redis(settings)
    found += await asyncio.to_thread(check_otlp, settings)
    return found, is_there


def _own_url(settings: Settings) -> str:
    server = settings.server
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)  # noqa: S104 - compared
    scheme = "wss" if server.tls_cert else "ws"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}{server.path}"


def _tell(out: Output, found: list[Finding]) -> None:
    wide = max(len(finding.what) for finding in found)
    for finding in found:
        out.line(
            f"{out.painted(f'{finding.verdict:<7}', COLOURS[finding.verdict])}  {finding.what:<{wide}}  {finding.words}"
        )
        if finding.do:
            out.line(f"{'':<7}  {'':<{wide}}  -> {finding.do}")
    counts = {verdict: sum(finding.verdict == verdict for finding in found) for verdict in COLOURS}
    out.line(f"{counts['wrong']} wrong, {counts['warning']} warnings, {counts['ok']} ok, {counts['skipped']} skipped")
