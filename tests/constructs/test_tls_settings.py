"""B8: what the section on encryption in transit accepts, and what it says of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dr_core.config import ServicePorts
from emr_dr.settings import Settings
from emr_dr.settings_errors import SettingsError
from emr_dr.tls_settings import Tls, authority

from ..synthesis import REPOSITORY

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef"
DOOR = {"certificate_arn": CERTIFICATE, "host_name": "livy.example.com"}
ZONE = {"hosted_zone_id": "Z0123456789ABC", "hosted_zone_name": "example.com"}
CLUSTERS = {**DOOR, "authority_file": "tests/authority.pem", "emr_certificates": "s3://certificates/clusters.zip"}


def parsed(tls: dict[str, Any], **others: Any) -> Settings:
    return Settings.parse({"region": "eu-west-1", "tls": tls, **others})


def test_nothing_is_encrypted_by_default() -> None:
    settings = Settings()

    assert (settings.tls.scheme, settings.tls.cluster_scheme) == ("http", "http")
    assert settings.ports == ServicePorts()
    assert settings.tls.domain(None) == ""


@pytest.mark.parametrize("tls", [DOOR, {**DOOR, **ZONE}, {**DOOR, "authority_file": "tests/authority.pem"}])
def test_the_front_door_alone(tls: dict[str, Any]) -> None:
    settings = parsed(tls)

    assert (settings.tls.scheme, settings.tls.cluster_scheme) == ("https", "http")
    assert settings.ports.scheme == "http"


def test_clusters_speak_on_hadoops_own_ports() -> None:
    """They would else speak TLS where everybody expects none."""
    settings = parsed(CLUSTERS)

    assert settings.ports == ServicePorts(scheme="https", livy=8998, resource_manager=8090, name_node=9871)
    assert settings.tls.domain("eu-west-1") == "eu-west-1.compute.internal"
    assert settings.tls.domain("us-east-1") == "ec2.internal"


def test_ports_that_were_chosen_stay() -> None:
    settings = parsed(CLUSTERS, front_door={"resource_manager_port": 18088})

    assert (settings.ports.resource_manager, settings.ports.name_node) == (18088, 9871)


def test_a_domain_of_ones_own() -> None:
    assert parsed({**CLUSTERS, "cluster_domain": "data.example"}).tls.domain("eu-west-1") == "data.example"


def test_each_strategy_has_a_name() -> None:
    tls = parsed({**DOOR, "host_name": "{strategy}.livy.example.com"}).tls

    assert tls.host("active-passive") == "active-passive.livy.example.com"


@pytest.mark.parametrize(
    ("tls", "key", "says"),
    [
        ({"certificate_arn": CERTIFICATE}, "certificate_arn", "a certificate is for a name"),
        ({"host_name": "livy.example.com"}, "host_name", "the name is that of the certificate"),
        ({**DOOR, "hosted_zone_id": "Z0123456789ABC"}, "hosted_zone_id", "zones are named by both"),
        ({**DOOR, "hosted_zone_name": "example.com"}, "hosted_zone_name", "zones are named by both"),
        ({**DOOR, **ZONE, "hosted_zone_name": "example.org"}, "host_name", "a name in the zone example.org"),
        ({**DOOR, **ZONE, "host_name": "example.com"}, "host_name", "a name in the zone example.com"),
        ({"authority_file": "a.pem"}, "authority_file", "nobody shows a certificate otherwise"),
        ({"emr_certificates": "s3://bucket/c.zip"}, "emr_certificates", "protects nothing"),
        ({**DOOR, "emr_certificates": "s3://bucket/c.zip"}, "emr_certificates", "no public authority signs"),
        ({**CLUSTERS, "emr_certificates": "https://bucket/c.zip"}, "emr_certificates", "https://bucket/c.zip"),
        ({**CLUSTERS, "emr_certificates": "s3://bucket/c.tar"}, "emr_certificates", "c.tar"),
        ({**DOOR, "cluster_domain": "example.com"}, "cluster_domain", "the name is that of its certificate"),
        ({**DOOR, "certificate_arn": "arn:aws:iam::111122223333:server-certificate/x"}, "certificate_arn", "iam"),
        (
            {**DOOR, "certificate_arn": CERTIFICATE.replace("eu-west-1", "us-east-1")},
            "certificate_arn",
            "a certificate in the region eu-west-1",
        ),
    ],
)
def test_contradictions_are_refused(tls: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parsed(tls)

    assert f"tls.{key}: got" in str(caught.value)
    assert says in str(caught.value)


def test_a_certificate_needs_a_region() -> None:
    with pytest.raises(SettingsError, match="set region: eu-west-1"):
        Settings.parse({"tls": DOOR})


def test_a_livy_that_speaks_no_tls_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"set cluster\.release_label to emr-7\.4\.0 or newer"):
        parsed(CLUSTERS, cluster={"release_label": "emr-7.3.0"})


def test_the_authority_is_looked_at() -> None:
    tls = Tls.model_validate({"authority_file": "tests/authority.pem"})

    assert authority(tls, folder=REPOSITORY) == REPOSITORY / "tests" / "authority.pem"
    assert authority(Tls(), folder=REPOSITORY) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("", "it holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n", "it holds EC PRIVATE KEY"),
    ],
)
def test_a_file_that_is_no_authority_is_refused(tmp_path: Path, content: str | None, says: str) -> None:
    """B8: what is published with the functions must not be a key."""
    file = tmp_path / "a.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SettingsError, match=says):
        authority(Tls.model_validate({"authority_file": str(file)}), folder=REPOSITORY)
