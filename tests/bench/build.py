"""Compiles load.c on demand, into a folder that git ignores."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.bench.failure import BenchFailure

__all__ = ["generator_path"]

_SOURCE = Path(__file__).with_name("load.c")
_CACHE = Path(__file__).with_name(".cache")
_FLAGS = ("-O2", "-std=c11", "-Wall", "-Wextra")


def generator_path() -> Path:
    """Return the compiled generator; compile it first when load.c or the flags have changed.

    Raises: BenchFailure when there is no C compiler, or when it refuses the source.
    """
    binary = _CACHE / f"load-{_fingerprint()}"
    if not binary.exists():
        _compile(_compiler(), binary)
    return binary


def _fingerprint() -> str:
    return hashlib.sha256(_SOURCE.read_bytes() + " ".join(_FLAGS).encode()).hexdigest()[:16]


def _compiler() -> str:
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if name and (found := shutil.which(name)):
            return found
    raise BenchFailure("the load generator is C and there is no C compiler here: install gcc or clang, or set CC")


def _compile(compiler: str, binary: Path) -> None:
    _CACHE.mkdir(exist_ok=True)
    unfinished = binary.with_suffix(f".{os.getpid()}")  # renamed when whole, so two runs at once do no harm
    done = subprocess.run([compiler, *_FLAGS, "-o", str(unfinished), str(_SOURCE)], capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchFailure(f"{compiler} refused {_SOURCE.name} (it needs Linux and glibc or musl):\n{done.stderr}")
    unfinished.replace(binary)
