"""What a drill with encryption in transit brings along: an authority of its own, its certificates, and the settings."""

from __future__ import annotations

import contextlib
import datetime
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emr_drill.authority import Authority, Certificate
from emr_drill.jobs.client import Secure

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

REGION = "us-east-1"
# What EC2 calls machines there.
CLUSTER_DOMAIN = "ec2.internal"
ZONE = "emr-dr.test"
HOST_NAME = f"livy.{ZONE}"
CERTIFICATE_ARN = f"arn:aws:acm:{REGION}:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"
_HOSTED_ZONE = "Z0123456789ABCDEFGHIJ"
_BUCKET, _ARCHIVE = "emr-dr-drill-certificates", "clusters.zip"
AUTHORITY_FILE = "authority.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """Encryption in transit of one drill.

    Attributes:
        authority: made for this drill; nobody else trusts it.
        folder: where its certificate lies.
        clusters: whether services on clusters speak TLS, too.
    """

    authority: Authority
    folder: Path
    clusters: bool = False

    @classmethod
    def make(cls, folder: Path, *, clusters: bool = False) -> Encryption:
        """A new authority, whose certificate is written to *folder*."""
        authority = Authority()
        (folder / AUTHORITY_FILE).write_bytes(authority.pem)
        return cls(authority=authority, folder=folder, clusters=clusters)

    @property
    def settings(self) -> Mapping[str, str]:
        """What the settings are changed to."""
        return {
            "region": REGION,
            "tls.certificate_arn": CERTIFICATE_ARN,
            "tls.host_name": HOST_NAME,
            "tls.hosted_zone_id": _HOSTED_ZONE,
            "tls.hosted_zone_name": ZONE,
            "tls.authority_file": str(self.folder / AUTHORITY_FILE),
            **({"tls.emr_certificates": f"s3://{_BUCKET}/{_ARCHIVE}"} if self.clusters else {}),
        }

    @property
    def context(self) -> tuple[str, ...]:
        """The same as ``-c`` arguments of ``cdk synth``."""
        return tuple(f"set.{key}={value}" for key, value in self.settings.items())

    def begin(self, stand_in: StandIn) -> None:
        """Have good certificates in the stand-in, before anything is deployed or once more."""
        stand_in.load_balancers.hold_certificate(CERTIFICATE_ARN, self.authority.issue([HOST_NAME]))
        if self.clusters:
            self.give_clusters(stand_in, self.authority.issue([f"*.{CLUSTER_DOMAIN}"]))

    def give_clusters(self, stand_in: StandIn, certificate: Certificate) -> None:
        """Have *certificate* in the archive that clusters fetch at their launch."""
        client = stand_in.client("s3")
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=_BUCKET)
        client.put_object(Bucket=_BUCKET, Key=_ARCHIVE, Body=certificate.archive())

    def expire(self, stand_in: StandIn) -> None:
        """Let the front door show a certificate that has ended."""
        ended = self.authority.issue([HOST_NAME], life=-datetime.timedelta(hours=1))
        stand_in.load_balancers.show_certificate(CERTIFICATE_ARN, ended)

    def curl(self, address: str) -> str:
        """A command that asks the front door at *address* for its batches."""
        file = self.folder / AUTHORITY_FILE
        return f"curl --cacert {file} --resolve {HOST_NAME}:8998:{address} https://{HOST_NAME}:8998/batches"

    def secure(self) -> Secure:
        """How a client speaks TLS that trusts this authority alone."""
        return Secure(name=HOST_NAME, context=ssl.create_default_context(cadata=self.authority.pem.decode()))
