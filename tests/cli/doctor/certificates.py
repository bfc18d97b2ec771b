"""Certificates for tests, made by openssl."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_CA = """\
[ca]
default_ca = here
[here]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def make_certificate(folder: Path, days: int = 90, name: str = "cert") -> tuple[str, str]:
    """Make a certificate for 127.0.0.1 that signs itself, and its key."""
    certificate, key = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    options = f"-x509 -newkey rsa:2048 -nodes -days {days} -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    _openssl(f"req {options} -keyout {key} -out {certificate}")
    return certificate, key


def make_ended_certificate(folder: Path) -> tuple[str, str]:
    """Make one that was good on 1 January 2020 only."""
    certificate, key, request = str(folder / "ended.pem"), str(folder / "ended.key"), str(folder / "ended.csr")
    (folder / "ca.cnf").write_text(_CA.format(folder=folder))
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01")
    _openssl(f"req -new -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout {key} -out {request}")
    dates = "-startdate 20200101000000Z -enddate 20200102000000Z"
    _openssl(f"ca -batch -selfsign -config {folder}/ca.cnf {dates} -in {request} -keyfile {key} -out {certificate}")
    return certificate, key


def _openssl(arguments: str) -> None:
    tool = shutil.which("openssl")
    if tool is None:
        assert "CI" not in os.environ, "openssl is needed for tests of TLS and is not here"
        pytest.skip("NOT RUN: tests of TLS need the openssl command")
    done = subprocess.run([tool, *arguments.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
