"""Supervisor: the process that starts several servers on one port, starts those again that end, and ends them all.

It has no loop, no thread and no client: it waits for signals, for pipes and for its children. The children are forks of
it, so they share what is loaded; the kernel gives each new connection to one of them (SO_REUSEPORT).

    ── first worker ready ──▶ the others ── all ready ──▶ "server_started", once
    a worker ends           ▶ again, after a pause; a crash loop: all end, exit code 1
    SIGHUP                  ▶ to all
    SIGTERM, SIGINT         ▶ drained in turn, within server.drain_timeout_s in all; a second one: all at once
    the supervisor is killed▶ each worker sees the end of its lifeline and drains
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import msgspec

from arqonbus.config import Settings
from arqonbus.errors import ConfigError
from arqonbus.server.banner import announce
from arqonbus.server.child import CRASHED, Child
from arqonbus.server.reload import RELOADABLE
from arqonbus.server.restarts import Restarts
from arqonbus.server.worker import Worker, settings_of_worker
from arqonbus.telemetry.logs import EventLog, configure, get_log
from arqonbus.transport import Bind, ListenError
from arqonbus.transport.bind import reserve_tcp

__all__ = ["Work", "supervise"]

OK, CANNOT_START = 0, 2  # exit codes
LOOK_S: Final = 1.0  # between two looks without any event, in case one was missed
GRACE_S: Final = 6.0  # for a worker to end behind its drain: 2 s for its actors, 2 s for Redis, 1 s for telemetry
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

Work = Callable[[Settings, Worker], int]
"""Runs one server to its end; gives its exit code."""


def supervise(settings: Settings, reload: Callable[[], Settings] | None, work: Work, name: str) -> int:
    """Run ``server.workers`` servers until told to stop.

    Args:
        settings: valid ones.
        reload: reads the settings again, at SIGHUP; raises ConfigError. None: they stay.
        work: runs one of them, in a process of its own.
        name: of all of them.

    Returns:
        The exit code: 0 drained, 1 a worker crashed again and again, 2 could not start, 128 + signal when a second
        signal cut the drain short.
    """
    server = settings.server
    try:
        reserved = reserve_tcp(Bind(server.host, server.port, "", server.backlog))
    except ListenError as error:
        print(f"arqonbus: {error}", file=sys.stderr)  # noqa: T201 - for the person who starts it
        return CANNOT_START
    try:
        return _Supervisor(settings, reload, work, name, reserved).run()
    finally:
        for sock in reserved:
            sock.close()


class _Supervisor:
    def __init__(
        self,
        settings: Settings,
        reload: Callable[[], Settings] | None,
        work: Work,
        name: str,
        reserved: list[socket.socket],
    ) -> None:
        self._settings = settings
        self._reload = reload
        self._work = work
        self._name = name
        self._reserved = reserved  # keep the port ours while no worker lives; nobody listens there
        self._addresses = [_address(sock) for sock in reserved]
        self._port: int = reserved[0].getsockname()[1]
        self._children = [Child(number) for number in range(1, settings.server.workers + 1)]
        self._told: list[int] = []  # signals to end, in order
        self._is_stopping = False
        self._is_announced = False
        self._code = OK
        self._lifeline = os.pipe()
        self._wakeup = socket.socketpair()

    def run(self) -> int:
        """Start, watch, end."""
        gc.collect()
        gc.freeze()  # what is there stays, in memory that the forks share
        with self._signals():
            self._reap()
            while not self._is_stopping or any(child.pid for child in self._children):
                self._go_on()
                self._wait()
                self._reap()
        self._tell("info", "supervisor_stopped", exit=self._code)
        return self._code

    # --- what happens -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        for sock in self._wakeup:
            sock.setblocking(False)
        before = {number: signal.signal(number, _noted) for number in SIGNALS}
        before_fd = signal.set_wakeup_fd(self._wakeup[1].fileno())
        try:
            yield
        finally:
            signal.set_wakeup_fd(before_fd)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._close_ends()

    def _close_ends(self) -> None:
        for fd in self._lifeline:
            os.close(fd)
        for sock in self._wakeup:
            sock.close()
        for child in self._children:
            child.close_pipe()

    def _wait(self) -> None:
        """Wait for something to happen, or to be due."""
        now = time.monotonic()
        due = [child.kill_at or child.start_at for child in self._children if child.kill_at or not child.pid]
        timeout_s = max(0.0, min([now + LOOK_S, *(at for at in due if at > now)]) - now)
        pipes = {child.ready: child for child in self._children if child.ready >= 0}
        readable, _, _ = select.select([self._wakeup[0].fileno(), *pipes], [], [], timeout_s)
        for fd in readable:
            if fd in pipes:
                pipes[fd].listen()
        with contextlib.suppress(BlockingIOError):
            for number in self._wakeup[0].recv(4096):
                self._take(number)

    def _take(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._told.append(number)
            self._stop(OK)
            if len(self._told) == 2:  # the second: at once
                self._code = 128 + number
                for child in self._children:
                    child.signal(signal.SIGTERM)
                    child.signal(signal.SIGINT)  # another number, since two of one may come as one
        elif number == signal.SIGHUP:
            self._renew()
            for child in self._children:
                child.signal(signal.SIGHUP)

    def _renew(self) -> None:
        """Take the settings that a reload changes for those workers that are still to be started."""
        try:
            new = self._reload() if self._reload is not None else self._settings
        except ConfigError:
            return  # the workers say so
        for key in RELOADABLE:
            section, field = key.split(".")
            value = getattr(getattr(new, section), field)
            changed = msgspec.structs.replace(getattr(self._settings, section), **{field: value})
            self._settings = msgspec.structs.replace(self._settings, **{section: changed})

    # --- the workers --------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        now = time.monotonic()
        if self._is_stopping:
            self._drain_next(now)
            return
        for child in self._children:
            # The first one alone at first: what keeps it from starting would keep all.
            if not child.pid and now >= child.start_at and (child.number == 1 or self._children[0].is_ready):
                child.start(partial(self._be, child), now)
        if not self._is_announced and all(child.is_ready for child in self._children):
            self._is_announced = True
            count = f"{len(self._children)} workers"
            announce(self._settings, self._name, self._addresses, count, partial(self._tell, "info"))

    def _be(self, child: Child, ready: int) -> int:
        """Be the worker."""
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        os.setpgid(0, 0)  # Ctrl-C is the supervisor's, who ends us in turn
        lifeline = os.dup(self._lifeline[0])
        self._close_ends()
        for sock in self._reserved:
            sock.close()
        settings = settings_of_worker(self._settings, child.number, self._name, self._port)
        return self._work(settings, Worker(child.number, lifeline, ready))

    def _reap(self) -> None:
        for child in self._children:
            code = child.reap()
            if code is not None:
                self._ended(child, code)

    def _ended(self, child: Child, code: int) -> None:
        if self._is_stopping:
            if code not in (OK, -signal.SIGTERM) and not self._code:
                self._code = CRASHED
            return
        if code == CANNOT_START and not self._is_announced:
            self._stop(CANNOT_START)  # it has said why
            return
        lived_s = time.monotonic() - child.started_at
        pause_s = Restarts.could_not_start() if code == CANNOT_START else child.restarts.ended(lived_s)
        if pause_s is None:
            self._tell("error", "worker_keeps_ending", worker=child.number, exit=code)
            words = f"worker {child.number} ended again and again within seconds of its start, last with {code}"
            print(f"arqonbus: {words}; giving up", file=sys.stderr)  # noqa: T201 - for the person who started it
            self._stop(CRASHED)
            return
        child.start_at = time.monotonic() + pause_s
        self._tell(
            "warning", "worker_ended", worker=child.number, exit=code, lived_s=round(lived_s, 1), again_s=pause_s
        )

    # --- the end ------------------------------------------------------------------------------------------------

    def _stop(self, code: int) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._code = code

    def _drain_next(self, now: float) -> None:
        """See that one of them drains; its clients go to the others meanwhile."""
        living = [child for child in self._children if child.pid]
        for child in living:
            if child.kill_at and now >= child.kill_at:
                self._tell("warning", "worker_killed", worker=child.number)
                child.signal(signal.SIGKILL)
                child.kill_at = now + LOOK_S
        if living and not any(child.kill_at for child in living):
            server = self._settings.server
            living[0].kill_at = now + server.drain_timeout_s / server.workers + GRACE_S
            living[0].signal(signal.SIGTERM)

    def _tell(self, level: str, event: str, /, **fields: object) -> None:
        """Log a line, by a thread that is gone when this returns: a process with threads must not fork."""
        logs = configure(self._settings.log.level, self._settings.log.format, sys.stderr)
        try:
            log: EventLog = get_log("server")
            {"info": log.info, "warning": log.warning, "error": log.error}[level](event, **fields)
        finally:
            logs.close()


def _noted(*_: object) -> None:
    """Do nothing: the number of the signal comes by the wakeup pipe."""


def _address(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
