"""Rules about EMR: an example that passes and those that fail (A14, B8)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from emr_dr.emr_security import security_configuration

from .examples import found, of

KEY = "arn:aws:kms:us-east-1:111122223333:key/1"
GOOD = security_configuration(key_arn=KEY)


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    *parents, last = path.split(".")
    place = made
    for parent in parents:
        place = place[parent]
    if value is None:
        place.pop(last)
    else:
        place[last] = value
    return made


def of_configuration(document: Any) -> list[str]:
    return found(
        "emr-security-configuration", of("AWS::EMR::SecurityConfiguration", {"SecurityConfiguration": document})
    )


def test_the_document_that_emr_reads_passes() -> None:
    """cdk-nag's EMR4 and EMR5 look for its keys in another place, and find nothing here."""
    assert of_configuration(GOOD) == []


REST = "EncryptionConfiguration.AtRestEncryptionConfiguration"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("EncryptionConfiguration.EnableAtRestEncryption", False, "data at rest is not encrypted"),
        (f"{REST}.LocalDiskEncryptionConfiguration.EnableEbsEncryption", False, "EBS volumes"),
        (f"{REST}.LocalDiskEncryptionConfiguration.AwsKmsKey", None, "disks are not encrypted by a KMS key"),
        (f"{REST}.S3EncryptionConfiguration.EncryptionMode", "SSE-S3", "objects in S3"),
        ("EncryptionConfiguration.EnableInTransitEncryption", True, "without certificates"),
        ("InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion", 1, "IMDSv1"),
        ("InstanceMetadataServiceConfiguration.HttpPutResponseHopLimit", 2, "travel further"),
        ("InstanceMetadataServiceConfiguration", None, "IMDSv1"),
        ("EnableAtRestEncryption", True, "EMR does not read EnableAtRestEncryption"),
    ],
)
def test_a_document_that_protects_less_is_found(path: str, value: Any, words: str) -> None:
    assert [what for what in of_configuration(changed(GOOD, path, value)) if words in what]


def test_the_flat_document_that_pleases_cdk_nag_is_found() -> None:
    """EMR would take no key of it, and encrypt nothing."""
    assert "data at rest is not encrypted" in of_configuration(GOOD["EncryptionConfiguration"])


def test_a_document_that_cannot_be_checked_is_found() -> None:
    assert of_configuration("{}") == ["its document is no object that can be checked"]


CLUSTER: dict[str, Any] = {
    "SecurityConfiguration": "c",
    "LogUri": "s3://logs/",
    "LogEncryptionKmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/0a1b",
    "ServiceRole": "s",
    "JobFlowRole": "j",
    "Instances": {
        "EmrManagedMasterSecurityGroup": "sg-1",
        "EmrManagedSlaveSecurityGroup": "sg-2",
        "ServiceAccessSecurityGroup": "sg-3",
        "AdditionalMasterSecurityGroups": ["sg-4"],
        "MasterInstanceGroup": {"Market": "ON_DEMAND"},
        "CoreInstanceGroup": {"Market": "ON_DEMAND"},
    },
    "Configurations": [
        {
            "Classification": "yarn-site",
            "ConfigurationProperties": {"yarn.webapp.enable-rest-app-submissions": "false"},
        },
        {
            "Classification": "hdfs-site",
            "ConfigurationProperties": {
                "dfs.webhdfs.user.provider.user.pattern": "^$",
                "dfs.webhdfs.rest-csrf.enabled": "true",
            },
        },
    ],
}


def of_cluster(properties: dict[str, Any]) -> list[str]:
    return found("emr-cluster", of("AWS::EMR::Cluster", properties))


def test_a_closed_cluster_passes() -> None:
    assert of_cluster(CLUSTER) == []


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("SecurityConfiguration", None, "it has no SecurityConfiguration"),
        ("LogUri", None, "it has no LogUri"),
        ("LogEncryptionKmsKeyId", None, "it has no LogEncryptionKmsKeyId"),
        ("Instances.ServiceAccessSecurityGroup", None, "leaves ServiceAccessSecurityGroup to EMR"),
        ("Instances.Ec2KeyName", "mine", "a key pair opens"),
        ("Instances.MasterInstanceGroup.Market", "SPOT", "spot machines"),
        ("Instances.CoreInstanceGroup.Market", "SPOT", "spot machines"),
        ("Instances.CoreInstanceGroup", None, "must be in instance groups or in instance fleets"),
        ("Instances.MasterInstanceFleet", {"TargetOnDemandCapacity": 1}, "must be in instance groups or in instance"),
        ("Configurations", [], "yarn.webapp.enable-rest-app-submissions is None"),
    ],
)
def test_an_open_cluster_is_found(path: str, value: Any, words: str) -> None:
    assert [what for what in of_cluster(changed(CLUSTER, path, value)) if words in what]


def with_fleets(*, primary_spot: int = 0, core_spot: int = 0) -> dict[str, Any]:
    groups = ("MasterInstanceGroup", "CoreInstanceGroup")
    instances = {name: value for name, value in CLUSTER["Instances"].items() if name not in groups}
    instances["MasterInstanceFleet"] = {"TargetOnDemandCapacity": 1, "TargetSpotCapacity": primary_spot}
    instances["CoreInstanceFleet"] = {"TargetOnDemandCapacity": {"Ref": "CoreUnits"}, "TargetSpotCapacity": core_spot}
    return {**CLUSTER, "Instances": instances}


def test_a_cluster_of_instance_fleets_passes() -> None:
    """B5, B8."""
    assert of_cluster(with_fleets()) == []


@pytest.mark.parametrize("spot", ["primary_spot", "core_spot"])
def test_a_fleet_of_spot_machines_is_found_where_a_cluster_or_a_job_ends_with_them(spot: str) -> None:
    """B5."""
    assert [what for what in of_cluster(with_fleets(**{spot: 1})) if "spot machines" in what]
