"""Samplers of other packages, found by entry point."""

import sys
import types
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, ParentBasedTraceIdRatio

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.sampler import Source
from arqonbus.telemetry.sdk_sampler import Foreign, load


def test_a_foreign_sampler_is_asked_in_its_own_way() -> None:
    sampler = Foreign(DEFAULT_ON)

    assert sampler.root(0.0) != 0
    assert sampler.remote(TraceContext(5, 6, 1), Source(), 0.0)
    assert not sampler.remote(TraceContext(5, 6, 0), Source(), 0.0)


def test_its_no_is_no() -> None:
    assert Foreign(ParentBasedTraceIdRatio(0.0)).root(0.0) == 0


def test_a_sampler_is_found_by_the_entry_point_of_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "other-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[opentelemetry_traces_sampler]\nmy_sampler = other_sampler:make\n")
    module = types.ModuleType("other_sampler")
    module.make = lambda argument: ParentBasedTraceIdRatio(float(argument))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "other_sampler", module)
    monkeypatch.syspath_prepend(str(tmp_path))

    assert load("my_sampler", "1.0").root(0.0) != 0
    assert load("my_sampler", "0.0").root(0.0) == 0


def test_a_name_that_nobody_offers_is_an_error() -> None:
    with pytest.raises(LookupError, match="no sampler of the name nobody"):
        load("nobody", "")
