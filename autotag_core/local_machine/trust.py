"""The machine's certificate authorities as a Java key store: a bundled Java knows only its own, not a company's."""

from __future__ import annotations

import hashlib
import os
import ssl
import struct
from pathlib import Path

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_PASSWORD = "changeit"
"""Java's own default password for key stores that hold nothing secret."""


def trust_options(folder: Path) -> list[str]:
    """Java options that trust what this machine trusts, with the key store in `folder`; [] if no authority is known."""
    certificates = machine_certificates()
    if not certificates:
        return []
    store = folder / "trust.jks"
    store.write_bytes(key_store(certificates, _PASSWORD))
    return [
        f"-Djavax.net.ssl.trustStore={store}",
        "-Djavax.net.ssl.trustStoreType=JKS",
        f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}",
    ]


def machine_certificates() -> list[bytes]:
    """Distinct certificate authorities in DER form, from SSL_CERT_FILE, OpenSSL's default and the usual bundles."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    for bundle in (os.environ.get("SSL_CERT_FILE"), *_BUNDLES):
        if bundle and Path(bundle).is_file():
            try:
                context.load_verify_locations(cafile=bundle)
            except (OSError, ssl.SSLError):
                continue
    return list(dict.fromkeys(context.get_ca_certs(binary_form=True)))


def key_store(certificates: list[bytes], password: str) -> bytes:
    """A JKS key store, version 2, one trusted entry per certificate (format: sun.security.provider.JavaKeyStore)."""
    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates))
    for number, certificate in enumerate(certificates):
        alias, kind = f"ca{number}".encode(), b"X.509"
        body += struct.pack(">IH", 2, len(alias)) + alias + struct.pack(">Q", 0)
        body += struct.pack(">H", len(kind)) + kind + struct.pack(">I", len(certificate)) + certificate
    return body + hashlib.sha1(password.encode("utf-16-be") + b"Mighty Aphrodite" + body).digest()
