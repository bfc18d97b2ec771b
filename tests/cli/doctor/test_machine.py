"""Files, port, access and certificate of a server on this machine."""

import resource
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from arqonbus.cli.doctor.machine import check_access, check_files, check_port, check_tls, ends_at, expiry
from arqonbus.config import Settings
from arqonbus.config.settings import Auth, Limits, Server
from tests.cli.doctor.certificates import make_certificate, make_ended_certificate
from tests.specs.bus import Bus, free_port

pytestmark = pytest.mark.integration


@pytest.fixture
def few_files() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, hard))
    yield 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_enough_open_files_are_right(few_files: int) -> None:
    assert check_files(Settings(limits=Limits(connections=936))).verdict == "ok"


def test_too_few_open_files_are_told_with_the_number_that_is_needed(few_files: int) -> None:
    finding = check_files(Settings(limits=Limits(connections=937)))

    assert finding.verdict == "warning"
    assert finding.words.startswith("1000 open files are allowed, limits.connections is 937")
    assert finding.do == "ulimit -n 1001 (systemd: LimitNOFILE=1001), or limits.connections = 936"


@pytest.mark.parametrize(
    ("host", "auth", "verdict"),
    [
        ("127.0.0.1", Auth(), "ok"),
        ("localhost", Auth(), "ok"),
        ("0.0.0.0", Auth(), "warning"),
        ("0.0.0.0", Auth(keys={"alice": "k"}), "ok"),
        ("0.0.0.0", Auth(keys={"alice": "k"}, anonymous=True), "warning"),
    ],
)
def test_strangers_who_may_come_in_from_afar_are_told(host: str, auth: Auth, verdict: str) -> None:
    assert check_access(Settings(server=Server(host=host), auth=auth)).verdict == verdict


def at(port: int, host: str = "127.0.0.1") -> Settings:
    return Settings(server=Server(host=host, port=port))


def test_a_free_port_is_right_and_stays_free() -> None:
    port = free_port()

    for _ in range(2):
        finding, is_there = check_port(at(port))
        assert (finding.verdict, finding.words, is_there) == ("ok", f"127.0.0.1:{port} is free", False)


def test_a_bus_at_the_port_is_found(server: Bus) -> None:
    finding, is_there = check_port(at(server.port))

    assert (finding.verdict, is_there) == ("ok", True)
    assert finding.words.startswith(f"a bus is at 127.0.0.1:{server.port}, version ")


def test_a_port_that_somebody_else_has_is_wrong() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))  # and does not listen: whoever asks is refused
        finding, is_there = check_port(at(other.getsockname()[1]))

    assert (finding.verdict, is_there) == ("wrong", False)
    assert finding.words.endswith("is taken, and not by a bus")


def test_an_address_that_is_not_ours_is_wrong() -> None:
    finding, _ = check_port(at(free_port(), "192.0.2.1"))

    assert (finding.verdict, finding.words) == ("wrong", "192.0.2.1 is no address of this machine")


def test_any_port_is_always_free() -> None:
    assert check_port(at(0))[0].words == "any free one"


def with_tls(certificate: str, key: str) -> Settings:
    return Settings(server=Server(tls_cert=certificate, tls_key=key))


def test_a_certificate_is_judged_by_its_end(tmp_path: Path) -> None:
    settings = with_tls(*make_certificate(tmp_path))
    later = datetime.now(UTC) + timedelta(days=80)

    assert check_tls(settings).verdict == "ok"
    assert "is good for 89 days" in check_tls(settings).words
    assert check_tls(settings, later).verdict == "warning"


def test_a_certificate_that_has_ended_is_wrong(tmp_path: Path) -> None:
    finding = check_tls(with_tls(*make_ended_certificate(tmp_path)))

    assert finding.verdict == "wrong"
    assert "expired" in finding.words


def test_a_key_of_another_certificate_is_wrong(tmp_path: Path) -> None:
    certificate, _ = make_certificate(tmp_path)
    _, other_key = make_certificate(tmp_path, name="other")
    finding = check_tls(with_tls(certificate, other_key))

    assert (finding.verdict, "belong together" in finding.do) == ("wrong", True)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_that_is_missing_or_none_is_wrong(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    if content is not None:
        path.write_text(content)

    assert check_tls(with_tls(str(path), str(path))).verdict == "wrong"


def test_no_tls_is_no_fault() -> None:
    assert check_tls(Settings()).words == "off"


def test_the_end_is_that_of_the_certificate(tmp_path: Path) -> None:
    ends = expiry(*make_certificate(tmp_path, days=3))

    assert timedelta(days=2, hours=23) < ends - datetime.now(UTC) <= timedelta(days=3)


def test_no_certificate_has_no_end() -> None:
    with pytest.raises(ValueError, match="no certificate"):
        ends_at({})
    assert issubclass(ssl.SSLCertVerificationError, OSError)
