"""EMR: what cdk-nag's EMR4 and EMR5 look for in the wrong place, and what they do not look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emr_dr.own_rules.model import Resource, Rule

SECURITY_CONFIGURATION, CLUSTER = "AWS::EMR::SecurityConfiguration", "AWS::EMR::Cluster"
_KNOWN = frozenset(
    {
        "AuthenticationConfiguration",
        "AuthorizationConfiguration",
        "EncryptionConfiguration",
        "InstanceMetadataServiceConfiguration",
    }
)
# Code execution and data without a question who asks; see emr_dr.incarnation_template.
_CLOSED = (
    ("yarn-site", "yarn.webapp.enable-rest-app-submissions", "false"),
    ("hdfs-site", "dfs.webhdfs.user.provider.user.pattern", "^$"),
    ("hdfs-site", "dfs.webhdfs.rest-csrf.enabled", "true"),
)
_OWN_GROUPS = (
    "EmrManagedMasterSecurityGroup",
    "EmrManagedSlaveSecurityGroup",
    "ServiceAccessSecurityGroup",
    "AdditionalMasterSecurityGroups",
)


def _configuration(resource: Resource) -> Iterable[str]:
    document = resource.properties.get("SecurityConfiguration")
    if not isinstance(document, Mapping):
        yield "its document is no object that can be checked"
        return
    for unknown in sorted(document.keys() - _KNOWN):
        yield f"EMR does not read {unknown} at the top of the document"
    encryption = document.get("EncryptionConfiguration", {})
    at_rest = encryption.get("AtRestEncryptionConfiguration", {})
    disks = at_rest.get("LocalDiskEncryptionConfiguration", {})
    if encryption.get("EnableAtRestEncryption") is not True:
        yield "data at rest is not encrypted"
    if not (disks.get("EncryptionKeyProviderType") == "AwsKms" and disks.get("AwsKmsKey")):
        yield "disks are not encrypted by a KMS key"
    if disks.get("EnableEbsEncryption") is not True:
        yield "EBS volumes are not encrypted"
    if at_rest.get("S3EncryptionConfiguration", {}).get("EncryptionMode") not in ("SSE-KMS", "CSE-KMS"):
        yield "objects in S3 are not encrypted by a KMS key"
    in_transit = encryption.get("InTransitEncryptionConfiguration", {}).get("TLSCertificateConfiguration", {})
    if encryption.get("EnableInTransitEncryption") is True and not in_transit.get("S3Object"):
        yield "encryption in transit is switched on without certificates"
    metadata = document.get("InstanceMetadataServiceConfiguration", {})
    if metadata.get("MinimumInstanceMetadataServiceVersion") != 2:
        yield "machines answer metadata requests without a session (IMDSv1)"
    if metadata.get("HttpPutResponseHopLimit") != 1:
        yield "metadata answers travel further than the machine itself"


def _cluster(resource: Resource) -> Iterable[str]:
    found: Mapping[str, Any] = resource.properties
    instances: Mapping[str, Any] = found.get("Instances", {})
    for name in ("SecurityConfiguration", "LogUri", "LogEncryptionKmsKeyId", "ServiceRole", "JobFlowRole"):
        if not found.get(name):
            yield f"it has no {name}"
    for name in _OWN_GROUPS:
        if not instances.get(name):
            yield f"it leaves {name} to EMR"
    if instances.get("Ec2KeyName"):
        yield "a key pair opens its machines"
    classifications = {
        str(each.get("Classification")): each.get("ConfigurationProperties", {})
        for each in found.get("Configurations", [])
    }
    for classification, name, wanted in _CLOSED:
        got = classifications.get(classification, {}).get(name)
        if got != wanted:
            yield f"{name} is {got!r} in {classification}, it must be {wanted!r}"
    yield from _machines(instances)


def _machines(instances: Mapping[str, Any]) -> Iterable[str]:
    """Instance groups or instance fleets, and no spot machine where a job or a cluster ends with it."""
    kinds = {kind for kind in ("Group", "Fleet") if instances.get(f"MasterInstance{kind}")}
    if len(kinds) != 1 or {kind for kind in ("Group", "Fleet") if instances.get(f"CoreInstance{kind}")} != kinds:
        yield "its primary and core nodes must be in instance groups or in instance fleets, all of them"
    for group in ("MasterInstanceGroup", "CoreInstanceGroup"):
        if instances.get(group, {}).get("Market", "ON_DEMAND") != "ON_DEMAND":
            yield f"its {group} is of spot machines, which EC2 may take back"
    for fleet in ("MasterInstanceFleet", "CoreInstanceFleet"):
        if instances.get(fleet, {}).get("TargetSpotCapacity", 0) != 0:
            yield f"its {fleet} has spot machines, which EC2 may take back"


RULES = (
    Rule(
        name="emr-security-configuration",
        asks="A security configuration has the keys that EMR reads: disks and objects by KMS keys, IMDSv2 alone",
        remedy="write the document below EncryptionConfiguration (emr_dr.emr_security)",
        kinds=frozenset({SECURITY_CONFIGURATION}),
        look=_configuration,
    ),
    Rule(
        name="emr-cluster",
        asks="A cluster has a security configuration, logs under a KMS key, groups of its own and no key pair; "
        "REST submission and WebHDFS are closed; primary and core are on demand",
        remedy="see emr_dr.incarnation_template",
        kinds=frozenset({CLUSTER}),
        look=_cluster,
    ),
)
