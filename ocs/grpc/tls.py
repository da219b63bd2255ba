"""Server credentials from PEM files: TLS, and mTLS where client certificates are asked for.

Renewed files are taken up at the next handshake, without a restart. Files that cannot be used then are passed
over, and the last good ones stay in force.
"""

import ssl
from pathlib import Path
from typing import NamedTuple

import grpc

from ocs.errors import InputError


class CertificateFiles(NamedTuple):
    """Where the server's certificate is."""

    certificate: Path
    "PEM: the server's certificate, then its intermediates."
    key: Path
    "PEM: its private key, without a passphrase."
    client_ca: Path | None = None
    "PEM: who signs client certificates; every client needs one then. None: clients show none."

    def read(self) -> grpc.ServerCertificateConfiguration:
        """Read the files.

        Raises:
            InputError: a file cannot be read or is not PEM, or the key is not the certificate's.
        """
        # OpenSSL by way of Python says what is wrong; gRPC would only fail each handshake.
        check = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            check.load_cert_chain(self.certificate, self.key, password=_no_passphrase)
            if self.client_ca is not None:
                check.load_verify_locations(self.client_ca)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            files = ", ".join(str(path) for path in self if path is not None)
            raise InputError(files, f"no usable certificate and key: {error}") from error
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        roots = self.client_ca.read_bytes() if self.client_ca is not None else None
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)

    def modified_ns(self) -> tuple[int, ...]:
        """When each file was written; empty while one is missing."""
        try:
            return tuple(path.stat().st_mtime_ns for path in self if path is not None)
        except OSError:
            return ()


def server_credentials(files: CertificateFiles) -> grpc.ServerCredentials:
    """Credentials that follow the files.

    Raises:
        InputError: the files cannot be used now.
    """
    seen_ns = files.modified_ns()
    initial = files.read()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        """Return new certificates, None for those in force. gRPC calls it at each handshake, on a thread."""
        nonlocal seen_ns
        modified_ns = files.modified_ns()
        if modified_ns in (seen_ns, ()):
            return None
        seen_ns = modified_ns
        try:
            return files.read()
        except InputError:
            return None  # half written: the next change is looked at again

    return grpc.dynamic_ssl_server_credentials(
        initial,
        renewed,  # type: ignore[arg-type]  # the stubs forget that None means no change
        require_client_authentication=files.client_ca is not None,
    )


def _no_passphrase() -> str:
    """Refuse a key with a passphrase instead of asking for it on the terminal."""
    raise ValueError("the key has a passphrase")
