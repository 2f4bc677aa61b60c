"""What moto 5.2.5 lacks of the ELBv2 API, patched in for this process.

Each patched symbol has a canary in ``tests/drill/stand_in/test_canaries_load_balancers.py``: moto is pinned, and an
upgrade that changes one of them must be looked at.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from moto.acm.models import CertBundle, acm_backends
from moto.elbv2 import exceptions, models

from emr_drill.authority import Certificate
from emr_drill.front_door.rules import RuleError, parse_conditions
from emr_drill.stand_in.patching import original, replace

# Every backend method after which the data path has to look at the configuration again.
CHANGING_METHODS = (
    "create_load_balancer",
    "delete_load_balancer",
    "modify_load_balancer_attributes",
    "set_subnets",
    "create_listener",
    "modify_listener",
    "delete_listener",
    "create_rule",
    "modify_rule",
    "delete_rule",
    "set_rule_priorities",
    "modify_target_group",
    "modify_target_group_attributes",
    "delete_target_group",
    "register_targets",
    "deregister_targets",
)
# Rules of one load balancer, without default rules ("Quotas for your Application Load Balancers").
RULES = 100
FIXED_RESPONSE_LENGTH = 1024


class DataPath(Protocol):
    """What moves traffic by what the API was told."""

    def refresh(self) -> None:
        """The configuration may have changed."""
        ...

    def target_health(self, group_arn: str) -> list[tuple[str, int, str, str | None, str | None]]:
        """Id, port, state, reason and description of each registered or draining target."""
        ...


_data_path: DataPath | None = None


def connect(data_path: DataPath) -> None:
    """Patch moto, and let *data_path* follow the API from now on."""
    global _data_path
    _data_path = data_path
    backend = models.ELBv2Backend
    for name in {*REPLACEMENTS, *CHANGING_METHODS}:
        method = original(backend, name)
        replacement = REPLACEMENTS[name](method) if name in REPLACEMENTS else method
        replace(backend, name, _refresh_after(replacement) if name in CHANGING_METHODS else replacement)


def disconnect(data_path: DataPath) -> None:
    """Let *data_path* go, if it is the one that follows the API."""
    global _data_path
    if _data_path is data_path:
        _data_path = None


def _refresh_after(method: Any) -> Any:
    """*method*, and then the data path looks at the configuration again."""

    @functools.wraps(method)
    def changed(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        if _data_path is not None:
            _data_path.refresh()
        return result

    return changed


def refused(message: str) -> exceptions.ELBClientError:
    """The API's usual answer to a bad value."""
    return exceptions.ELBClientError("ValidationError", message)


def _validate_conditions(plain: Any) -> Any:
    """moto knows no RegexValues and no quota."""

    def validate(self: Any, conditions: Sequence[Mapping[str, Any]]) -> None:
        try:
            parse_conditions(conditions)
        except RuleError as error:
            raise refused(str(error)) from error
        plain(self, [condition for condition in conditions if not _is_regular(condition)])

    return validate


def _is_regular(condition: Mapping[str, Any]) -> bool:
    return any(isinstance(value, dict) and value.get("RegexValues") for value in [condition, *condition.values()])


def _validate_actions(plain: Any) -> Any:
    """moto takes actions that the data path does not carry out, and bodies of any length."""

    def validate(self: Any, actions: Sequence[Any]) -> None:
        plain(self, actions)
        for action in actions:
            if action.type not in ("forward", "fixed-response"):
                raise refused(f"Action '{action.type}' is not carried out here; allowed: forward, fixed-response")
            body = action.data.get("FixedResponseConfig", {}).get("MessageBody", "")
            if len(body) > FIXED_RESPONSE_LENGTH:
                raise refused(f"The fixed response's message body has {len(body)} characters; the limit is 1024")

    return validate


def _create_load_balancer(plain: Any) -> Any:
    """moto gives every load balancer an ARN and a name of the application kind, and a name that no resolver has."""

    @functools.wraps(plain)
    def create(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        tags = kwargs.pop("tags", None)
        if any(balancer.name == name for balancer in self.load_balancers.values()):
            raise exceptions.DuplicateLoadBalancerName()
        if kwargs.get("scheme") is None:
            kwargs["scheme"] = "internet-facing"
        balancer = plain(self, name, *args, **kwargs)
        identity = balancer.arn.rsplit("/", 1)[-1]
        if balancer.type == "network":
            del self.load_balancers[balancer.arn]
            balancer.arn = balancer.arn.replace(":loadbalancer/app/", ":loadbalancer/net/")
            self.load_balancers[balancer.arn] = balancer
            dns_name = f"{name}-{identity}.elb.{self.region_name}.amazonaws.com"
        else:
            internal = "internal-" if balancer.scheme == "internal" else ""
            dns_name = f"{internal}{name}-{int(identity, 16) % 10**9}.{self.region_name}.elb.amazonaws.com"
        balancer.dns_name = dns_name.lower()  # clients look names up in lower case
        self.tagging_service.tag_resource(balancer.arn, tags)
        return balancer

    return create


def _create_listener(plain: Any) -> Any:
    """moto lets two listeners have one port; and the data path speaks TLS at an application load balancer alone."""

    @functools.wraps(plain)
    def create(self: Any, load_balancer_arn: str, protocol: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        balancer = self.load_balancers.get(load_balancer_arn)
        if balancer is not None and any(int(known.port) == int(port) for known in balancer.listeners.values()):
            raise exceptions.DuplicateListenerError()
        if protocol in ("TLS", "UDP", "TCP_UDP"):
            raise refused(
                f"Listener {port} with protocol '{protocol}' is not carried out here; allowed: HTTP, HTTPS, TCP"
            )
        return plain(self, load_balancer_arn, protocol, port, *args, **kwargs)

    return create


def hold_certificate(account: str, region: str, arn: str, certificate: Certificate) -> None:
    """Have moto's Certificate Manager know *certificate* under *arn*.

    Not by ImportCertificate, which chooses the ARN, and refuses one that has expired: it was good when it came.
    """
    held: Any = acm_backends[account][region]._certificates
    held[arn] = CertBundle(account, certificate.certificate, certificate.key, region=region, arn=arn)


def _create_rule(plain: Any) -> Any:
    """moto knows no quota of rules and compares priorities as they come, text or number."""

    @functools.wraps(plain)
    def create(self: Any, listener_arn: str, conditions: Any, priority: Any, *args: Any, **kwargs: Any) -> Any:
        for balancer in self.load_balancers.values():
            if listener_arn in balancer.listeners:
                count = sum(len(listener.rules) - 1 for listener in balancer.listeners.values())
                if count >= RULES:
                    raise exceptions.ELBClientError("TooManyRules", f"A load balancer can only have '{RULES}' rules")
        return plain(self, listener_arn, conditions, int(priority), *args, **kwargs)

    return create


def _register_targets(plain: Any) -> Any:
    """moto takes any target for an ``alb`` group; registering a target again is a no-op on AWS."""

    @functools.wraps(plain)
    def register(self: Any, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
        group = self.target_groups.get(target_group_arn)
        if group is None:
            raise exceptions.TargetGroupNotFoundError()
        for target in instances:
            _check_target(self, group, target)
        plain(self, target_group_arn, [target for target in instances if not _is_registered(group, target)])

    return register


def _is_registered(group: Any, target: Mapping[str, Any]) -> bool:
    known = group.targets.get(target["Id"])
    return known is not None and int(known["Port"]) == int(target.get("Port", group.port))


def _check_target(backend: Any, group: Any, target: Mapping[str, Any]) -> None:
    if group.target_type == "ip":
        try:
            ipaddress.IPv4Address(target["Id"])
        except ValueError as error:
            raise exceptions.ELBClientError(
                "InvalidTarget", f"The IP address '{target['Id']}' is not a valid IPv4 address"
            ) from error
    elif group.target_type == "alb":
        balancer = backend.load_balancers.get(target["Id"])
        port = int(target.get("Port", group.port))
        if balancer is None or balancer.type != "application":
            raise exceptions.ELBClientError("InvalidTarget", f"'{target['Id']}' is no application load balancer")
        if port != int(group.port) or all(int(known.port) != port for known in balancer.listeners.values()):
            raise exceptions.ELBClientError(
                "InvalidTarget", f"The load balancer '{target['Id']}' needs a listener on the group's port, got {port}"
            )
        if group.targets and target["Id"] not in group.targets:
            raise exceptions.ELBClientError("InvalidTarget", f"'{group.name}' has its one load balancer already")


def _deregister_targets(plain: Any) -> Any:
    """moto refuses a target that is not registered; AWS takes it ("DeregisterTargets")."""

    @functools.wraps(plain)
    def deregister(self: Any, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
        group = self.target_groups.get(target_group_arn)
        known = [target for target in instances if group and (_is_registered(group, target) or _only_id(group, target))]
        plain(self, target_group_arn, known)

    return deregister


def _only_id(group: Any, target: Mapping[str, Any]) -> bool:
    return "Port" not in target and target["Id"] in group.targets


def _describe_target_health(plain: Any) -> Any:
    """moto calls every registered target healthy."""

    @functools.wraps(plain)
    def describe(self: Any, target_group_arn: str, targets: list[dict[str, Any]]) -> list[Any]:
        group = self.target_groups.get(target_group_arn)
        if group is None or _data_path is None:
            return list(plain(self, target_group_arn, targets))
        known = {
            (identity, port): models.FakeHealthStatus(
                identity, str(port), group.health_check_port, state, reason, description
            )
            for identity, port, state, reason, description in _data_path.target_health(target_group_arn)
        }
        if not targets:
            return list(known.values())
        return [
            known.get((target["Id"], int(target.get("Port", group.port))))
            or models.FakeHealthStatus(
                target["Id"],
                str(target.get("Port", group.port)),
                group.health_check_port,
                "unused",
                "Target.NotRegistered",
                "Target is not registered to the target group",
            )
            for target in targets
        ]

    return describe


REPLACEMENTS: dict[str, Callable[[Any], Any]] = {
    "_validate_conditions": _validate_conditions,
    "_validate_actions": _validate_actions,
    "create_load_balancer": _create_load_balancer,
    "create_listener": _create_listener,
    "create_rule": _create_rule,
    "register_targets": _register_targets,
    "deregister_targets": _deregister_targets,
    "describe_target_health": _describe_target_health,
}
