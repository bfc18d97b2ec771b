"""Servers that crash as soon as they start, where a file ``crash`` lies: python -m tests.server.crashing run ..."""

import sys
from pathlib import Path
from typing import Any

from arqonbus.config import Override, load
from arqonbus.server import serve
from arqonbus.server.assembly import Bus


class CrashingBus(Bus):
    def __init__(self, *args: Any, **more: Any) -> None:
        if Path("crash").exists():
            raise RuntimeError("a crash on purpose")
        super().__init__(*args, **more)


if __name__ == "__main__":
    flags = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    overrides = [Override(flag, f"server.{flag[2:]}", flags[flag]) for flag in ("--port", "--workers")]
    sys.exit(serve(load(overrides, path=flags["--config"]).settings, bus_type=CrashingBus))
