"""moto's state of the ELBv2 API, as values that the data path understands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emr_drill.front_door.model import (
    DEFAULT_RULE_PRIORITY,
    Action,
    FixedResponse,
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    Rule,
    Target,
    TargetGroup,
)
from emr_drill.front_door.rules import parse_conditions


def snapshot(backend: Any) -> list[LoadBalancer]:
    """Every load balancer of *backend* (``moto.elbv2.models.ELBv2Backend``)."""
    return [_load_balancer(backend, balancer) for balancer in list(backend.load_balancers.values())]


def _load_balancer(backend: Any, balancer: Any) -> LoadBalancer:
    listeners = tuple(_listener(listener) for listener in list(balancer.listeners.values()))
    groups = dict.fromkeys(arn for listener in listeners for rule in listener.rules for arn in _groups(rule.action))
    attributes = dict(balancer.attrs)
    cross_zone = str(attributes.get("load_balancing.cross_zone.enabled", "false")) == "true"
    return LoadBalancer(
        arn=balancer.arn,
        name=balancer.name,
        kind=balancer.type,
        dns_name=balancer.dns_name,
        zones=tuple(sorted({str(subnet.availability_zone) for subnet in balancer.subnets})),
        listeners=listeners,
        groups=tuple(_group(backend.target_groups[arn]) for arn in groups if arn in backend.target_groups),
        idle_timeout_seconds=float(attributes.get("idle_timeout.timeout_seconds", 60)),
        # Always on for application load balancers.
        cross_zone=cross_zone or balancer.type == "application",
    )


def _groups(action: Action) -> Iterator[str]:
    if isinstance(action, Forward):
        yield from (arn for arn, _ in action.groups)


def _listener(listener: Any) -> Listener:
    rules = sorted((_rule(rule) for rule in list(listener.rules.values())), key=lambda rule: rule.priority)
    return Listener(
        arn=listener.arn,
        port=int(listener.port),
        rules=tuple(rules),
        certificate=(listener.certificate or "") if listener.protocol == "HTTPS" else "",
    )


def _rule(rule: Any) -> Rule:
    return Rule(
        arn=rule.arn,
        priority=DEFAULT_RULE_PRIORITY if rule.is_default else int(rule.priority),
        conditions=parse_conditions(rule.conditions),
        action=_action(rule.actions[-1].data),
    )


def _action(data: dict[str, Any]) -> Action:
    if data["Type"] == "fixed-response":
        config = data["FixedResponseConfig"]
        return FixedResponse(
            status=int(config["StatusCode"]),
            content_type=config.get("ContentType") or "text/plain",
            body=config.get("MessageBody") or "",
        )
    if data.get("TargetGroupArn"):
        return Forward(groups=((data["TargetGroupArn"], 1),))
    groups = data.get("ForwardConfig", {}).get("TargetGroups", [])
    return Forward(groups=tuple((group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups))


def _group(group: Any) -> TargetGroup:
    cross_zone = str(group.attributes.get("load_balancing.cross_zone.enabled"))
    return TargetGroup(
        arn=group.arn,
        name=group.name,
        target_type=group.target_type,
        targets=tuple(Target(id=target["Id"], port=int(target["Port"])) for target in list(group.targets.values())),
        health_check=_health_check(group),
        deregistration_delay_seconds=float(group.attributes.get("deregistration_delay.timeout_seconds", 300)),
        cross_zone={"true": True, "false": False}.get(cross_zone),
        encrypted=group.protocol == "HTTPS",
    )


def _health_check(group: Any) -> HealthCheck:
    port = str(group.health_check_port or "traffic-port")
    return HealthCheck(
        protocol=group.health_check_protocol or "HTTP",
        port=None if port == "traffic-port" else int(port),
        path=group.health_check_path or "/",
        matcher=(getattr(group, "matcher", None) or {}).get("HttpCode", "200"),
        interval_seconds=float(group.health_check_interval_seconds),
        timeout_seconds=float(group.health_check_timeout_seconds),
        healthy_threshold=int(group.healthy_threshold_count),
        unhealthy_threshold=int(group.unhealthy_threshold_count),
    )
