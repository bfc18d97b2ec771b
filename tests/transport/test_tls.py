"""TLS files: the good ones give a strict context, every bad one a line that names the setting."""

import ssl
from pathlib import Path

import pytest

from arqonbus.transport.bind import ListenError
from arqonbus.transport.tls import Tls, server_context
from tests.transport.certificates import encrypt, make_authority


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = make_authority(folder, "bus")
    _, other_key = make_authority(folder, "other")
    (folder / "noise.pem").write_text("no pem at all")
    both = folder / "both.pem"
    both.write_bytes(Path(cert).read_bytes() + Path(key).read_bytes())
    return {
        "cert": cert,
        "key": key,
        "other_key": other_key,
        "noise": str(folder / "noise.pem"),
        "encrypted": encrypt(key, folder / "encrypted.key"),
        "both": str(both),
        "missing": str(folder / "missing.pem"),
    }


def test_threat_29_the_context_takes_tls_12_and_forward_secret_aead_only(files):
    context = server_context(Tls(files["cert"], files["key"]))
    old = [cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"]

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert old
    assert all(name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name) for name in old)
    assert context.verify_mode is ssl.CERT_NONE


def test_certificate_and_key_may_be_one_file(files):
    assert server_context(Tls(files["both"]))


def test_an_authority_makes_client_certificates_a_must(files):
    context = server_context(Tls(files["cert"], files["key"], files["cert"]))

    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("cert", "key", "client_ca", "words"),
    [
        ("missing", "key", None, r"server\.tls_cert: cannot read .*missing\.pem: no such file"),
        ("cert", "missing", None, r"server\.tls_key: cannot read .*missing\.pem"),
        ("cert", "key", "missing", r"server\.tls_client_ca: cannot read .*missing\.pem"),
        ("noise", "key", None, r"server\.tls_cert, server\.tls_key: expected a PEM certificate"),
        ("cert", "noise", None, r"server\.tls_cert, server\.tls_key: expected a PEM certificate"),
        ("cert", "other_key", None, r"key values mismatch"),
        ("cert", None, None, r"no key file"),
        ("cert", "encrypted", None, r"server\.tls_key: the key is encrypted"),
        ("cert", "key", "noise", r"server\.tls_client_ca: expected PEM certificates"),
    ],
)
def test_a_bad_file_is_one_line_that_names_the_setting(files, cert, key, client_ca, words):
    tls = Tls(files[cert], files[key] if key else "", files[client_ca] if client_ca else "")

    with pytest.raises(ListenError, match=words) as caught:
        server_context(tls)
    assert "\n" not in str(caught.value)
