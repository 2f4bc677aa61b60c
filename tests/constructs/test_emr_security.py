"""Security groups and security configuration of clusters."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms

from emr_dr.emr_security import EmrSecurity
from emr_dr.network import EMR_TAG

from ..synthesis import new_app, only, resources, templates

Rule = tuple[str, str, str, int, int]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    app = new_app(tmp_path_factory.mktemp("security"))
    stack = Stack(app, "Stack")
    EmrSecurity(stack, "Security", vpc=ec2.Vpc(stack, "Vpc"), key=kms.Key(stack, "Key"))
    return templates(app)["Stack"]


def group(reference: Any) -> str:
    """Name of the group that a template's reference points at."""
    name: str = reference["Fn::GetAtt"][0]
    return name.removeprefix("Security")[:-8]


def rules(template: dict[str, Any], kind: str, peer: str) -> set[Rule]:
    return {
        (
            group(rule["GroupId"]),
            group(rule[peer]),
            rule["IpProtocol"],
            rule["FromPort"],
            rule["ToPort"],
        )
        for rule in resources(template, kind).values()
    }


def test_nothing_is_admitted_from_an_address(template: dict[str, Any]) -> None:
    """A14: no public defaults.  A rule names a group or does not exist."""
    groups = resources(template, "AWS::EC2::SecurityGroup").values()

    assert [each["SecurityGroupIngress"] for each in groups if "SecurityGroupIngress" in each] == []


def test_emrs_service_reaches_the_machines(template: dict[str, Any]) -> None:
    expected = {("Primary", "ServiceAccess", "tcp", 8443, 8443), ("Core", "ServiceAccess", "tcp", 8443, 8443)}

    assert expected <= rules(template, "AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId")


def test_the_primary_reaches_emrs_service(template: dict[str, Any]) -> None:
    """Without this rule EMR refuses to launch in a private subnet."""
    ingress = rules(template, "AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId")

    assert {rule for rule in ingress if rule[0] == "ServiceAccess"} == {("ServiceAccess", "Primary", "tcp", 9443, 9443)}


def test_service_access_goes_to_the_machines_alone(template: dict[str, Any]) -> None:
    assert rules(template, "AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId") == {
        ("ServiceAccess", "Primary", "tcp", 8443, 8443),
        ("ServiceAccess", "Core", "tcp", 8443, 8443),
    }


@pytest.mark.parametrize("to_group", ["Primary", "Core"])
@pytest.mark.parametrize("from_group", ["Primary", "Core"])
def test_nodes_talk_to_each_other(template: dict[str, Any], to_group: str, from_group: str) -> None:
    ingress = rules(template, "AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId")

    assert {rule[2:] for rule in ingress if rule[:2] == (to_group, from_group)} == {
        ("tcp", 0, 65535),
        ("udp", 0, 65535),
        ("icmp", -1, -1),
    }


def test_the_group_for_load_balancers_has_no_rule_of_its_own(template: dict[str, Any]) -> None:
    """A5: who may reach a primary's services is decided by the strategy that stands in front of it."""
    ingress = rules(template, "AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId")

    assert [rule for rule in ingress if rule[0] == "AdditionalPrimary"] == []


def test_emrs_service_role_may_use_every_group(template: dict[str, Any]) -> None:
    groups = resources(template, "AWS::EC2::SecurityGroup").values()

    assert len(groups) == 4
    assert all({"Key": EMR_TAG, "Value": "true"} in each["Tags"] for each in groups)


def document(template: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = only(template, "AWS::EMR::SecurityConfiguration")["SecurityConfiguration"]
    return found


def test_disks_are_encrypted_with_the_key(template: dict[str, Any]) -> None:
    """B8: encryption at rest.  cdk-nag's EMR4 looks elsewhere, so that this test stands for it."""
    encryption = document(template)["EncryptionConfiguration"]

    assert encryption["EnableAtRestEncryption"] is True
    disks = encryption["AtRestEncryptionConfiguration"]["LocalDiskEncryptionConfiguration"]
    assert disks["EnableEbsEncryption"] is True
    assert disks["EncryptionKeyProviderType"] == "AwsKms"
    assert disks["AwsKmsKey"]["Fn::GetAtt"][0].startswith("Key")


def test_objects_are_encrypted_with_the_key(template: dict[str, Any]) -> None:
    """B8."""
    objects = document(template)["EncryptionConfiguration"]["AtRestEncryptionConfiguration"]

    assert objects["S3EncryptionConfiguration"]["EncryptionMode"] == "SSE-KMS"


def test_machines_answer_metadata_requests_with_a_token_alone(template: dict[str, Any]) -> None:
    """B8: a job that can be made to fetch an address cannot be made to fetch the role's credentials."""
    assert document(template)["InstanceMetadataServiceConfiguration"] == {
        "MinimumInstanceMetadataServiceVersion": 2,
        "HttpPutResponseHopLimit": 1,
    }


def test_the_document_has_no_other_part(template: dict[str, Any]) -> None:
    """EMR refuses unknown keys only when a cluster is launched."""
    assert set(document(template)) == {"EncryptionConfiguration", "InstanceMetadataServiceConfiguration"}
