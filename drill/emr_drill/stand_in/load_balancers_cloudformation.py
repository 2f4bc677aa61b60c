"""Load balancers, listeners, rules and target groups as CloudFormation resources.

moto 5.2.5 makes every load balancer an application load balancer, drops attributes, targets and tags, cannot delete
listeners, rules and groups, and lacks most attributes of ``Fn::GetAtt``.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

from moto.elbv2 import exceptions, models

from emr_drill.stand_in.patching import replace

# Canonical hosted zones of us-east-1 are published; the drill resolves names itself, so that one of each will do.
HOSTED_ZONES = {"application": "Z35SXDOTRQ7X7K", "network": "Z26RNL4JYFTOTI"}

LOAD_BALANCER_ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "DNSName": lambda balancer: balancer.dns_name,
    "LoadBalancerName": lambda balancer: balancer.name,
    "LoadBalancerArn": lambda balancer: balancer.arn,
    "LoadBalancerFullName": lambda balancer: balancer.arn.split("loadbalancer/")[-1],
    "CanonicalHostedZoneID": lambda balancer: balancer.canonical_hosted_zone_id,
    "SecurityGroups": lambda balancer: balancer.security_groups or [],
}
TARGET_GROUP_ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "TargetGroupArn": lambda group: group.arn,
    "TargetGroupName": lambda group: group.name,
    "TargetGroupFullName": lambda group: group.arn.split(":")[-1],
    "LoadBalancerArns": lambda group: sorted(set(group.load_balancer_arns)),
}
LISTENER_ATTRIBUTES: dict[str, Callable[[Any], Any]] = {"ListenerArn": lambda listener: listener.arn}
RULE_ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "RuleArn": lambda rule: rule.arn,
    "IsDefault": lambda rule: rule.is_default,
}

# Models that moto cannot delete, and the backend's method that does it.
DELETED_BY: dict[type, str] = {
    models.FakeTargetGroup: "delete_target_group",
    models.FakeListener: "delete_listener",
    models.FakeListenerRule: "delete_rule",
}


def apply() -> None:
    """Patch moto; the second time changes nothing."""
    for owner, create, attributes in (
        (models.FakeLoadBalancer, _create_load_balancer, LOAD_BALANCER_ATTRIBUTES),
        (models.FakeTargetGroup, _create_target_group, TARGET_GROUP_ATTRIBUTES),
        (models.FakeListener, _create_listener, LISTENER_ATTRIBUTES),
        (models.FakeListenerRule, _create_rule, RULE_ATTRIBUTES),
    ):
        replace(owner, "create_from_cloudformation_json", classmethod(create))
        for name, value in (("has_cfn_attr", classmethod(_has(attributes))), ("get_cfn_attribute", _get(attributes))):
            setattr(owner, name, value)
    for model, method in DELETED_BY.items():
        name = "delete"
        setattr(model, name, _delete(method))


def _has(attributes: dict[str, Callable[[Any], Any]]) -> Callable[[Any, str], bool]:
    return lambda cls, name: name in attributes


def _get(attributes: dict[str, Callable[[Any], Any]]) -> Callable[[Any, str], Any]:
    return lambda self, name: attributes[name](self)


def _delete(method: str) -> Callable[[Any, str, str], None]:
    def delete(self: Any, account_id: str, region_name: str) -> None:
        # Listeners and rules go with their load balancer, whichever CloudFormation deletes first.
        with contextlib.suppress(exceptions.ListenerNotFoundError, exceptions.TargetGroupNotFoundError):
            getattr(models.elbv2_backends[account_id][region_name], method)(self.arn)

    return delete


def _properties(template: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(template["Properties"])  # moto keeps and changes what it is given


def _pairs(items: list[dict[str, str]] | None) -> dict[str, str]:
    return {item["Key"]: str(item["Value"]) for item in items or []}


def _create_load_balancer(
    cls: Any, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
) -> Any:
    properties = _properties(cloudformation_json)
    backend = models.elbv2_backends[account_id][region_name]
    kind = properties.get("Type", "application")
    balancer = backend.create_load_balancer(
        properties.get("Name", resource_name),
        properties.get("SecurityGroups") or [],
        properties.get("Subnets") or [],
        subnet_mappings=properties.get("SubnetMappings"),
        scheme=properties.get("Scheme", "internet-facing"),
        loadbalancer_type=kind,
        ip_address_type=properties.get("IpAddressType", "ipv4"),
        tags=properties.get("Tags"),
    )
    balancer.canonical_hosted_zone_id = HOSTED_ZONES.get(kind, balancer.canonical_hosted_zone_id)
    balancer.state = "active"
    if attributes := _pairs(properties.get("LoadBalancerAttributes")):
        backend.modify_load_balancer_attributes(balancer.arn, attributes)
    return balancer


def _create_target_group(
    cls: Any, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
) -> Any:
    properties = _properties(cloudformation_json)
    backend = models.elbv2_backends[account_id][region_name]

    def number(name: str) -> int | None:
        return int(properties[name]) if name in properties else None

    def text(name: str) -> str | None:
        return str(properties[name]) if name in properties else None

    enabled = text("HealthCheckEnabled")
    group = backend.create_target_group(
        name=properties.get("Name", resource_name),
        vpc_id=properties.get("VpcId"),
        protocol=properties.get("Protocol"),
        protocol_version=properties.get("ProtocolVersion"),
        port=number("Port"),
        healthcheck_enabled=enabled.lower() if enabled else None,
        healthcheck_protocol=properties.get("HealthCheckProtocol"),
        healthcheck_port=text("HealthCheckPort"),
        healthcheck_path=properties.get("HealthCheckPath"),
        healthcheck_interval_seconds=number("HealthCheckIntervalSeconds"),
        healthcheck_timeout_seconds=number("HealthCheckTimeoutSeconds"),
        healthy_threshold_count=text("HealthyThresholdCount"),
        unhealthy_threshold_count=text("UnhealthyThresholdCount"),
        matcher=properties.get("Matcher"),
        target_type=properties.get("TargetType", "instance"),
        ip_address_type=properties.get("IpAddressType"),
        tags=properties.get("Tags"),
    )
    if attributes := _pairs(properties.get("TargetGroupAttributes")):
        backend.modify_target_group_attributes(group.arn, attributes)
    if targets := properties.get("Targets"):
        backend.register_targets(
            group.arn,
            [{"Id": target["Id"], **({"Port": int(target["Port"])} if "Port" in target else {})} for target in targets],
        )
    return group


def _actions(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for action in items:
        if "FixedResponseConfig" in action:
            action["FixedResponseConfig"]["StatusCode"] = str(action["FixedResponseConfig"]["StatusCode"])
    return items


def _create_listener(
    cls: Any, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
) -> Any:
    properties = _properties(cloudformation_json)
    backend: Any = models.elbv2_backends[account_id][region_name]
    certificates = properties.get("Certificates") or [{}]
    listener = backend.create_listener(
        properties["LoadBalancerArn"],
        properties.get("Protocol"),
        int(properties["Port"]),
        properties.get("SslPolicy"),
        certificates[0].get("CertificateArn"),
        _actions(properties["DefaultActions"]),
        tags=properties.get("Tags"),
    )
    if attributes := properties.get("ListenerAttributes"):
        backend.modify_listener_attributes(listener.arn, attributes)
    return listener


def _create_rule(
    cls: Any, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
) -> Any:
    properties = _properties(cloudformation_json)
    return models.elbv2_backends[account_id][region_name].create_rule(
        properties["ListenerArn"],
        properties["Conditions"],
        int(properties["Priority"]),
        _actions(properties["Actions"]),
        tags=properties.get("Tags"),
    )
