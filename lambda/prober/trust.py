"""Whose certificates a prober believes, and by which name it expects each of them.

A certificate that cannot be trusted is told and never acted upon.  Whoever shows it answers all the same, load
balancers look at no certificate of a target at all, and one certificate serves every cluster: were an expired one taken
for a sick service, every cluster would be replaced, by clusters with the same certificate.  So the request is made
without trust, what it finds counts as ever, and beside it stands what is wrong with the certificate.  No request of a
prober carries a secret.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from dr_core.config import FunctionConfig

AUTHORITY_FILE = Path(__file__).with_name("authority.pem")
"""The authorities that the settings name, published with the function; without it those that everybody trusts."""

# Certificates that Certificate Manager renews are renewed 60 days before their end (its guide, "Managed renewal"), so
# that one which is this close to it will not be by itself.
EXPIRES_SOON_SECONDS = 14 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Both ways of speaking TLS.

    Attributes:
        verifying: asks for a certificate of a known authority, in its time, for the name.
        blind: takes any; for asking on when the other one has found something.
        distrusted: what is to be told of those, by address and port, whose certificate was not trusted when this
            process saw it last; filled and emptied by who asks them.
    """

    verifying: ssl.SSLContext
    blind: ssl.SSLContext
    distrusted: dict[tuple[str, int], str] = field(default_factory=dict, compare=False)

    @classmethod
    def load(cls, file: Path = AUTHORITY_FILE) -> Self:
        """Trust in the authorities of *file*, and in no others; if there is no such file, in the public ones.

        Raises:
            OSError: the file is there and holds no certificate.
        """
        verifying = ssl.create_default_context(cafile=str(file) if file.exists() else None)
        # What Python sets by itself differs from release to release: from 3.13 on it is both of these.
        # Not strict: authorities of companies often leave out a key usage or an identifier that RFC 5280 asks for;
        # most clients take them, and there is nothing to renew.
        verifying.verify_flags &= ~ssl.VERIFY_X509_STRICT
        # An intermediate authority in the file is enough: whoever names it means it.
        verifying.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        blind = ssl.create_default_context()
        blind.check_hostname = False
        blind.verify_mode = ssl.CERT_NONE
        return cls(verifying=verifying, blind=blind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who answers over TLS.

    Attributes:
        name: host name that the certificate has to be for.
        trust: whose certificates are believed.
    """

    name: str
    trust: Trust


def of_front_door(config: FunctionConfig, trust: Trust | None) -> Peer | None:
    """Who answers at the front door; ``None`` if it speaks in the clear."""
    if config.front_door_scheme != "https" or trust is None:
        return None
    return Peer(name=config.front_door_name, trust=trust)


def of_primary(config: FunctionConfig, trust: Trust | None, address: str) -> Peer | None:
    """Who answers on the primary at *address*; ``None`` if it speaks in the clear.

    EC2 names a machine after its address (VPC user guide, "DNS attributes"), and the certificate of a cluster is for
    every name of the domain.
    """
    if config.ports.scheme != "https" or trust is None:
        return None
    return Peer(name=f"ip-{address.replace('.', '-')}.{config.cluster_domain}", trust=trust)


class TlsConnection(HTTPConnection):
    """A connection to an address whose owner shows a certificate for a name.

    Attributes:
        certificate: once the hands are shaken, what is to be told of a certificate that is trusted; empty if nothing.
    """

    def __init__(self, address: str, port: int, *, timeout: float, context: ssl.SSLContext, name: str) -> None:
        super().__init__(address, port, timeout=timeout)
        self.certificate = ""
        self._context = context
        self._name = name

    def connect(self) -> None:
        """Connect and wrap the socket; no hand is shaken yet: whoever cuts it has to know it before anything waits."""
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self._name, do_handshake_on_connect=False)

    def shake_hands(self) -> None:
        """Agree on a key and look at the certificate.

        Raises:
            ssl.SSLCertVerificationError: it cannot be trusted.
            ssl.SSLError: whoever answers does not speak TLS, or not as we do.
        """
        assert isinstance(self.sock, ssl.SSLSocket)
        self.sock.do_handshake()
        ends = (self.sock.getpeercert() or {}).get("notAfter")  # nothing is told of one that was not verified
        if ends is not None and ssl.cert_time_to_seconds(str(ends)) < time.time() + EXPIRES_SOON_SECONDS:
            self.certificate = f"the certificate of {self._name} ends on {ends}: renew it"


def distrust(peer: Peer, address: str, port: int, error: ssl.SSLCertVerificationError) -> str:
    """What to tell of a certificate that cannot be trusted."""
    return f"the certificate that {address}:{port} shows for {peer.name} is not trusted: {error.verify_message}"
