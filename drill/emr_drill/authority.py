"""A certificate authority that lives for one drill, and certificates of it, good and bad."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# By the machine's clock, which TLS libraries look at; longer than any drill's own.
DEFAULT_LIFE = datetime.timedelta(days=365)
_AGE = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate with its key.

    Attributes:
        certificate: PEM, without the authority's.
        chain: PEM of the authority's.
        key: PEM, not encrypted.
        ends: when it ends, ISO 8601 in UTC.
    """

    certificate: bytes
    chain: bytes
    key: bytes
    ends: str

    def archive(self) -> bytes:
        """As EMR takes it for encryption in transit: a zip file of three PEM files.

        (EMR Management Guide, "Providing certificates for encrypting data in transit".)
        """
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as files:
            files.writestr("privateKey.pem", self.key)
            files.writestr("certificateChain.pem", self.certificate + self.chain)
            files.writestr("trustedCertificates.pem", self.chain)
        return content.getvalue()


class Authority:
    """An authority that nobody knows who was not told."""

    def __init__(self, name: str = "emr-dr drill") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * _AGE)
            .not_valid_after(now + 2 * DEFAULT_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    key_cert_sign=True,
                    crl_sign=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @cached_property
    def pem(self) -> bytes:
        """What those who trust it need."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, names: Sequence[str], *, life: datetime.timedelta = DEFAULT_LIFE) -> Certificate:
        """A certificate for *names*, which ends *life* from now; one with a negative life has ended.

        Args:
            names: host names, the first part of which may be ``*``.
            life: more than minus one day.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _AGE)
            .not_valid_after(now + life)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Certificate(
            certificate=certificate.public_bytes(serialization.Encoding.PEM),
            chain=self.pem,
            key=key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            ends=certificate.not_valid_after_utc.isoformat(),
        )
