"""What nodes speak TLS with: certificates by their ARN, and a client's side that looks at none.

A load balancer looks at no certificate of a target ("Target groups for your Application Load Balancers": targets may
have certificates that they signed themselves, or that have expired), and neither do health checks.
"""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

from emr_drill.authority import Certificate


def serving(certificate: Certificate, file: Path) -> ssl.SSLContext:
    """A server's side; *file* is written, as the library reads certificates from files alone."""
    file.write_bytes(certificate.key + certificate.certificate + certificate.chain)
    file.chmod(0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(file)
    return context


def blind() -> ssl.SSLContext:
    """A client's side that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Certificates:
    """The certificates of Certificate Manager, as load balancers use them.  Methods may be called from any thread.

    Args:
        folder: where files of certificates lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def hold(self, arn: str, certificate: Certificate) -> None:
        """Have *certificate* under *arn*, in place of another one; listeners use it for connections from now on."""
        with self._lock:
            self._contexts[arn] = serving(certificate, self._folder / f"certificate-{arn.rsplit('/', 1)[-1]}.pem")

    def context(self, arn: str) -> ssl.SSLContext | None:
        """What a listener with the certificate *arn* speaks with; ``None`` if there is no such certificate."""
        with self._lock:
            return self._contexts.get(arn)
