"""Throw-away certificates for tests, made by the openssl program."""

import subprocess
from pathlib import Path


def make_authority(folder: Path, name: str) -> tuple[str, str]:
    """Make a self-signed certificate for localhost; return the paths of certificate and key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        *("-out", str(cert), "-keyout", str(key)),
    )
    return str(cert), str(key)


def encrypt(key: str, path: Path) -> str:
    """Write the key under a password."""
    run("openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", str(path))
    return str(path)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)
