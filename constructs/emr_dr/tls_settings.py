"""Encryption in transit: the section ``tls`` of the settings.

Two legs are encrypted by two settings: ``certificate_arn`` between clients and front door, ``emr_certificates`` between
front door, probers and clusters, and inside a cluster.  docs/tls.md says which legs there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from emr_dr.settings_errors import Problem, SettingsError
from emr_dr.settings_section import Section

STRATEGY_MARK = "{strategy}"
"""Stands in a host name for the strategy's name: each deployment has a front door of its own."""

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(\.{_LABEL})+"

CertificateArn = Annotated[str, Field(pattern=r"^arn:aws(-[a-z]+)*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]{36}$")]
HostName = Annotated[
    str,
    Field(
        pattern=rf"^(\{{strategy\}}|[a-z0-9])(\{{strategy\}}|[a-z0-9-])*(\.{_LABEL})+$",
        max_length=240,
        examples=["livy.example.com", "{strategy}.livy.example.com"],
    ),
]
Domain = Annotated[str, Field(pattern=f"^{_DOMAIN}$", max_length=240, examples=["example.com"])]
# The end of the name says to EMR what it is.
Archive = Annotated[
    str,
    Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^*?$]+\.zip$", examples=["s3://certificates/clusters.zip"]),
]

# With certificates Livy speaks HTTPS on its port from emr-7.4.0 on (EMR Release Guide, "Enabling HTTPS with Apache
# Livy").
_LIVY_SPEAKS_TLS = 4
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


class Tls(Section):
    """Encryption in transit; without certificates everything in the VPC speaks in the clear."""

    certificate_arn: CertificateArn | None = Field(
        default=None,
        description="ARN of a certificate in Certificate Manager of the region and account, for host_name: the front "
        "door speaks TLS with it, 1.2 or newer (needs region); null: HTTP",
    )
    host_name: HostName | None = Field(
        default=None,
        description="name that clients use and the certificate is for; {strategy} stands for active-passive or "
        "active-active, for whoever deploys both",
    )
    hosted_zone_id: Annotated[str, Field(pattern=r"^Z[0-9A-Z]{1,31}$")] | None = Field(
        default=None,
        description="id of the Route 53 zone, private or public, that gets the alias host_name to the front door; "
        "null: the name is made elsewhere, as a CNAME of the output FrontDoorAddress",
    )
    hosted_zone_name: Domain | None = Field(
        default=None, description="name of that zone, which host_name ends with: example.com"
    )
    authority_file: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="PEM file, relative to the folder of app.py, with the authorities whose certificates probers and "
        "Airflow trust, and no others; null: the public authorities",
    )
    emr_certificates: Archive | None = Field(
        default=None,
        description="s3://bucket/key.zip with privateKey.pem, certificateChain.pem and trustedCertificates.pem for the "
        "names of the clusters' machines: EMR encrypts in transit with it, and Livy, ResourceManager and NameNode "
        "speak HTTPS; decided before the first deploy of a deployment (docs/tls.md); null: HTTP",
    )
    cluster_domain: Domain | None = Field(
        default=None,
        description="domain of the clusters' machines, which the archive's certificate is for (*.domain); null: the "
        "one that EC2 gives, ec2.internal in us-east-1 and REGION.compute.internal elsewhere (needs region)",
    )

    def host(self, strategy: str) -> str:
        """The front door's name for *strategy*; empty without TLS."""
        return (self.host_name or "").replace(STRATEGY_MARK, strategy)

    @property
    def scheme(self) -> str:
        """What the front door speaks: ``http`` or ``https``."""
        return "https" if self.certificate_arn else "http"

    @property
    def cluster_scheme(self) -> str:
        """What services on primaries speak."""
        return "https" if self.emr_certificates else "http"

    def domain(self, region: str | None) -> str:
        """Domain of the clusters' machines; empty where their services speak in the clear.

        (VPC user guide, "DNS attributes for your VPC".)
        """
        if self.emr_certificates is None:
            return ""
        return self.cluster_domain or ("ec2.internal" if region == "us-east-1" else f"{region}.compute.internal")


def problems(tls: Tls, *, region: str | None, release: str) -> Iterator[Problem]:
    """What in the section does not fit together."""
    for key, needs, why in (
        ("certificate_arn", "host_name", "a certificate is for a name"),
        ("host_name", "certificate_arn", "the name is that of the certificate"),
        ("hosted_zone_id", "hosted_zone_name", "zones are named by both"),
        ("hosted_zone_name", "hosted_zone_id", "zones are named by both"),
        ("hosted_zone_id", "host_name", "the alias is that name"),
        ("authority_file", "certificate_arn", "nobody shows a certificate otherwise"),
        ("emr_certificates", "certificate_arn", "what is in the clear in front of the clusters protects nothing"),
        ("emr_certificates", "authority_file", "no public authority signs names of machines in a VPC"),
        ("cluster_domain", "emr_certificates", "the name is that of its certificate"),
    ):
        if getattr(tls, key) is not None and getattr(tls, needs) is None:
            yield Problem(
                key=f"tls.{key}",
                got=getattr(tls, key),
                allowed=f"null as long as tls.{needs} is null: {why}",
                remedy=f"set tls.{needs} too, or remove this",
            )
    if tls.emr_certificates is not None and int(release.split(".")[1]) < _LIVY_SPEAKS_TLS:
        yield Problem(
            key="tls.emr_certificates",
            got=tls.emr_certificates,
            allowed=f"null with {release}, whose Livy does not speak TLS by itself",
            remedy=f"set cluster.release_label to emr-7.{_LIVY_SPEAKS_TLS}.0 or newer, or remove this",
        )
    if tls.host_name and tls.hosted_zone_name and not tls.host_name.endswith(f".{tls.hosted_zone_name}"):
        yield Problem(
            key="tls.host_name",
            got=tls.host_name,
            allowed=f"a name in the zone {tls.hosted_zone_name}, such as livy.{tls.hosted_zone_name}",
            remedy="change it, or name the zone that it is in",
        )
    if tls.certificate_arn is not None and (own := tls.certificate_arn.split(":")[3]) != region:
        yield Problem(
            key="tls.certificate_arn",
            got=tls.certificate_arn,
            allowed=f"a certificate in the region {region}" if region else "null as long as region is null",
            remedy=f"set region: {own}" + ("" if region is None else ", or name a certificate of the other one"),
        )


def authority(tls: Tls, *, folder: Path) -> Path | None:
    """The file of authorities, once it was looked at; ``None`` if the public ones are trusted.

    Args:
        folder: what a relative name is relative to.

    Raises:
        SettingsError: the file cannot be read, holds no certificate, or holds a key, which must not be published.
    """
    if tls.authority_file is None:
        return None
    file = folder / tls.authority_file
    try:
        held = _PEM.findall(file.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise _file_problem(tls, f"cannot be read: {error}", "name a file that is there") from error
    if others := sorted(set(held) - {"CERTIFICATE"}):
        raise _file_problem(tls, f"it holds {', '.join(others)}", "leave nothing in it but certificates")
    if not held:
        raise _file_problem(tls, "it holds no certificate", "export the authority's certificate as PEM")
    return file


def _file_problem(tls: Tls, what: str, remedy: str) -> SettingsError:
    return SettingsError(
        [
            Problem(
                key="tls.authority_file",
                got=f"{tls.authority_file} ({what})",
                allowed="a PEM file of certificates (BEGIN CERTIFICATE) and nothing else",
                remedy=remedy,
            )
        ]
    )
