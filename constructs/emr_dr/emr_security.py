"""Security groups of clusters and the security configuration that every incarnation is launched with."""

from __future__ import annotations

from typing import Any

from aws_cdk import Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_emr as emr
from aws_cdk import aws_kms as kms
from constructs import Construct

from emr_dr.network import EMR_TAG

# Ports between EMR's service and the machines in a private subnet (EMR Management Guide, "Amazon EMR-managed security
# groups for private subnets").
_SERVICE_TO_NODES = 8443
_PRIMARY_TO_SERVICE = 9443


class EmrSecurity(Construct):
    """The groups and the security configuration.

    Attributes:
        primary_group: EMR-managed group of primaries.
        core_group: EMR-managed group of core and task nodes.
        service_access_group: group of the interface through which EMR's service reaches the machines.
        additional_primary_group: second group of primaries, for the rules that let load balancers and probers in:
            EMR edits the managed groups at every launch and leaves this one alone.
        security_configuration_name: disks encrypted with the key, IMDSv2 only.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc, key: kms.IKey, certificates: str | None = None
    ) -> None:
        """Define groups and security configuration.

        Args:
            scope: parent.
            construct_id: id below the parent.
            vpc: where clusters run.
            key: encrypts their disks.
            certificates: ``s3://`` address of the archive with which they encrypt in transit; not at all by default.
        """
        super().__init__(scope, construct_id)
        self.primary_group = self._group("Primary", vpc, "EMR-managed: primary nodes", outbound=True)
        self.core_group = self._group("Core", vpc, "EMR-managed: core and task nodes", outbound=True)
        self.service_access_group = self._group("ServiceAccess", vpc, "EMR-managed: service access", outbound=False)
        self.additional_primary_group = self._group(
            "AdditionalPrimary", vpc, "Primary nodes: load balancers and probers", outbound=False
        )
        self._allow_what_emr_needs()
        configuration = emr.CfnSecurityConfiguration(
            self,
            "Configuration",
            security_configuration=security_configuration(key_arn=key.key_arn, certificates=certificates),
        )
        self.security_configuration_name = configuration.ref

    def _group(self, name: str, vpc: ec2.IVpc, description: str, *, outbound: bool) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(self, name, vpc=vpc, description=description, allow_all_outbound=outbound)
        Tags.of(group).add(EMR_TAG, "true")
        return group

    def _allow_what_emr_needs(self) -> None:
        """The rules that EMR adds at launch where they are missing.

        Made here, so that they are reviewed, and so that deleting the stack finds no rules that it does not know:
        rules between two groups keep both from being deleted.
        """
        nodes = {"primary": self.primary_group, "core": self.core_group}
        for to_name, group in nodes.items():
            for from_name, peer in nodes.items():
                for protocol, port in (
                    ("TCP", ec2.Port.all_tcp()),
                    ("UDP", ec2.Port.all_udp()),
                    ("ICMP", ec2.Port.all_icmp()),
                ):
                    group.add_ingress_rule(peer, port, f"{protocol} from {from_name} to {to_name} nodes")
            group.add_ingress_rule(
                self.service_access_group, ec2.Port.tcp(_SERVICE_TO_NODES), f"EMR service to {to_name} nodes"
            )
            self.service_access_group.add_egress_rule(
                group, ec2.Port.tcp(_SERVICE_TO_NODES), f"EMR service to {to_name} nodes"
            )
        self.service_access_group.add_ingress_rule(
            self.primary_group, ec2.Port.tcp(_PRIMARY_TO_SERVICE), "Primary nodes to EMR service"
        )


def security_configuration(*, key_arn: str, certificates: str | None = None) -> dict[str, Any]:
    """The document that EMR accepts: encryption keys stand below ``EncryptionConfiguration``.

    (EMR Management Guide, "Create a security configuration using the AWS CLI".)
    """
    in_transit = {"TLSCertificateConfiguration": {"CertificateProviderType": "PEM", "S3Object": certificates}}
    return {
        "EncryptionConfiguration": {
            # Speaking TLS inside a cluster needs a certificate whose names only the owner of a domain can give.
            "EnableInTransitEncryption": certificates is not None,
            **({"InTransitEncryptionConfiguration": in_transit} if certificates is not None else {}),
            "EnableAtRestEncryption": True,
            "AtRestEncryptionConfiguration": {
                "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": key_arn},
                "LocalDiskEncryptionConfiguration": {
                    "EnableEbsEncryption": True,
                    "EncryptionKeyProviderType": "AwsKms",
                    "AwsKmsKey": key_arn,
                },
            },
        },
        "InstanceMetadataServiceConfiguration": {
            "MinimumInstanceMetadataServiceVersion": 2,
            "HttpPutResponseHopLimit": 1,
        },
    }
