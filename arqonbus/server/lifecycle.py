"""Lifecycle: start, signals, reload, drain, end.

starting ──▶ serving ──SIGTERM/SIGINT──▶ draining ──all gone, or deadline──▶ stopped (0)
   │            └─SIGHUP: reload              └──second signal──▶ stopped at once (128 + signal)
   └─ cannot listen, no Redis where it is required: one line, 2
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from arqonbus import __version__
from arqonbus.actor import Dispatcher
from arqonbus.config import Settings
from arqonbus.errors import ConfigError, StorageError
from arqonbus.protocol.activities import ACTIVITY_VERSION, ServerDraining, ServerStarted
from arqonbus.routing.mail import DrainAll
from arqonbus.server.assembly import Bus, node_name
from arqonbus.server.banner import announce
from arqonbus.server.clock import WallClock
from arqonbus.server.observation import Observation
from arqonbus.server.reload import Reload
from arqonbus.telemetry.logs import LogHandle, configure, get_log
from arqonbus.transport import Bind, Handshake, Health, Limits, Listener, ListenError, Timeouts, Tls

if TYPE_CHECKING:
    from arqonbus.server.store import Store
    from arqonbus.server.worker import Worker

__all__ = ["serve"]

OK, CANNOT_START = 0, 2  # exit codes
STOP_TIMEOUT_S = 2.0  # for the actors, once no connection is left: they only have to put away what they hold
POLL_S = 0.02  # between two looks whether all clients have left; a drain lasts seconds
GC_THRESHOLDS = (20_000, 10, 10)  # most objects of the hot path hold no cycle: look for cycles less often than usual

_log = get_log("server")


def serve(settings: Settings, reload: Callable[[], Settings] | None = None, bus_type: Callable[..., Bus] = Bus) -> int:
    """Run a server until it is told to stop.

    Args:
        settings: valid ones.
        reload: reads the settings again, for SIGHUP; raises ConfigError. None: SIGHUP is logged and ignored.
        bus_type: makes the bus, with the arguments of Bus; for who wants other parts in it.

    Returns:
        The exit code: 0 drained, 2 could not start, 128 + signal when a second signal cut the drain short. With
        workers: 1 where one crashed again and again.
    """
    if settings.server.workers > 1:
        from arqonbus.server.supervisor import supervise

        return supervise(
            settings, reload, lambda own, worker: _serve_one(own, reload, bus_type, worker), node_name(settings)
        )
    return _serve_one(settings, reload, bus_type, None)


def _serve_one(
    settings: Settings, reload: Callable[[], Settings] | None, bus_type: Callable[..., Bus], worker: Worker | None
) -> int:
    logs = configure(settings.log.level, settings.log.format, sys.stderr)
    try:
        with asyncio.Runner(loop_factory=_loop_factory(settings)) as runner:
            return runner.run(_Server(settings, reload, logs, bus_type, worker).run())
    finally:
        logs.close()


def _loop_factory(settings: Settings) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if not settings.server.uvloop:
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class _Server:
    """One run of the server."""

    def __init__(
        self,
        settings: Settings,
        reload: Callable[[], Settings] | None,
        logs: LogHandle,
        bus_type: Callable[..., Bus],
        worker: Worker | None,
    ) -> None:
        self._settings = settings
        self._bus_type = bus_type
        self._reload = reload
        self._logs = logs
        self._worker = worker  # one of several on a port; None: the only one
        self._signals: list[int] = []  # that told us to stop, in order
        self._told = asyncio.Event()  # set at each of them
        self._is_ready = False
        self._observation: Observation  # made before the bus
        self._store: Store | None = None  # shared by several servers; None: each has its own memory

    async def run(self) -> int:
        """Start, serve, drain."""
        name = node_name(self._settings)
        observation = self._observation = Observation(self._settings, name, self._logs)
        try:
            return await self._run(name, observation)
        except (ConfigError, ListenError, StorageError) as error:
            print(f"arqonbus: {error}", file=sys.stderr)  # noqa: T201 - for the person who starts it, before any log
            return CANNOT_START
        finally:
            if self._store is not None:
                await self._store.end(STOP_TIMEOUT_S)
            await observation.close()

    async def _run(self, name: str, observation: Observation) -> int:
        loop = asyncio.get_running_loop()
        store = self._store = self._make_store(name)
        shared, cluster = (store.history, store.cluster) if store is not None else (None, None)
        clock, tracer = WallClock().timestamp, observation.tracer
        bus = self._bus_type(self._settings, Dispatcher(loop), clock, name, tracer, shared=shared, cluster=cluster)
        listener = self._listener(bus)
        observation.watch(bus, listener, self._store)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        if self._worker is not None:
            self._worker.watch(loop, self._orphaned)
        if not await self._wait_for_store():
            return OK
        await listener.start()
        observation.start()
        reloader = Reload(self._settings, self._reload, bus, listener, self._logs, self._handshake)
        loop.add_signal_handler(signal.SIGHUP, reloader.run)
        self._announce(bus, listener)
        bus.emit(ServerStarted(bus.name, __version__, ACTIVITY_VERSION))
        self._calm_gc()
        self._is_ready = True
        if self._worker is not None:
            self._worker.say_ready()
        await self._told.wait()
        return await self._drain(bus, listener)

    def _make_store(self, name: str) -> Store | None:
        if not self._settings.redis.url:
            return None
        from arqonbus.server.store import Store  # 0.1 s for a library that most servers do without

        return Store(self._settings, name)

    async def _wait_for_store(self) -> bool:
        """Wait until it is known whether Redis is there. False: we were told to stop meanwhile.

        Raises:
            StorageError: it is not, and it is required.
        """
        if self._store is None:
            return True
        begin, told = asyncio.ensure_future(self._store.begin()), asyncio.ensure_future(self._told.wait())
        await asyncio.wait((begin, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not begin.done():
            begin.cancel()
            return False
        if problem := begin.result():
            raise StorageError(problem)
        return True

    def _listener(self, bus: Bus) -> Listener:
        server, limits = self._settings.server, self._settings.limits
        return Listener(
            bus.open_session,
            self._handshake(self._settings),
            bind=Bind(server.host, server.port, server.unix_socket, server.backlog, self._worker is not None),
            tls=Tls(server.tls_cert, server.tls_key, server.tls_client_ca) if server.tls_cert else None,
            limits=Limits(
                message_bytes=limits.message_bytes,
                connections=limits.connections,
                half_open=limits.half_open,
                half_open_per_ip=limits.half_open_per_ip,
                handshake_bytes=limits.handshake_bytes,
                outbox_bytes=limits.outbox_bytes,
                control_rate=limits.control_rate,
                control_burst=limits.control_burst,
            ),
            timeouts=Timeouts(
                handshake_s=server.handshake_timeout_s,
                close_s=server.close_timeout_s,
                heartbeat_s=server.heartbeat_s,
                pong_s=server.pong_timeout_s,
            ),
        )

    def _handshake(self, settings: Settings) -> Handshake:
        return Handshake(
            Health(
                self._readiness, __version__, metrics=self._observation.scrape if settings.telemetry.metrics else None
            ),
            path=settings.server.path,
            origins=settings.server.origins,
            compression=settings.server.compression,
            query_token=settings.auth.query_token,
        )

    def _readiness(self) -> tuple[bool, str]:
        if not self._is_ready:
            return False, "starting"
        return (True, "") if self._store is None else self._store.readiness()

    def _announce(self, bus: Bus, listener: Listener) -> None:
        settings = self._settings
        loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
        if self._worker is not None:
            _log.info("worker_started", server=bus.name, worker=self._worker.number, loop=loop)
            return
        self._logs.flush()
        announce(settings, bus.name, listener.addresses, loop, _log.info)

    @staticmethod
    def _calm_gc() -> None:
        """Leave what was made so far, which stays, out of every collection."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)

    def _stop(self, number: int) -> None:
        self._signals.append(number)
        self._told.set()

    def _orphaned(self) -> None:
        _log.warning("supervisor_gone")
        self._stop(signal.SIGTERM)

    async def _drain(self, bus: Bus, listener: Listener) -> int:
        """Let the clients go, spread over time; cut those who stay past the deadline."""
        server = self._settings.server
        bus.is_draining = True
        listener.drain(leave=self._worker is not None)
        _log.info("drain_started", signal=signal.Signals(self._signals[0]).name, clients=bus.directory.n_clients)
        deadline_ms, spread_ms = int(server.drain_timeout_s * 1000), int(server.drain_spread_s * 1000)
        bus.emit(ServerDraining(bus.name, deadline_ms))
        bus.registry.signal(DrainAll(deadline_ms, spread_ms))
        await self._wait_until_empty(listener, server.drain_timeout_s)
        n_left = listener.statistics().open
        await listener.close()
        if bus.activity is not None:
            bus.activity.close()
        is_clean = await bus.system.stop(0.0 if len(self._signals) > 1 else STOP_TIMEOUT_S)
        _log.info("server_stopped", clients_cut=n_left, clean=is_clean)
        return OK if len(self._signals) < 2 else 128 + self._signals[1]

    async def _wait_until_empty(self, listener: Listener, timeout_s: float) -> None:
        """Wait for the last client to leave, the deadline, or the second signal."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeout_s
        # Polled: an event would cost the end of every connection a call, for something that happens once.
        while listener.statistics().open and len(self._signals) < 2 and loop.time() < ends_at:  # noqa: ASYNC110 - see above
            await asyncio.sleep(POLL_S)
