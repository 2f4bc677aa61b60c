"""What a load balancer was told, as values that never change: one snapshot for each change of the control plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from emr_drill.front_door.health import HealthState
from emr_drill.front_door.rules import Condition

# AWS lets priorities be 1 to 50,000; the default rule is evaluated after all of them.
DEFAULT_RULE_PRIORITY = 50_001


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A member of a target group: an address, or the ARN of an application load balancer, and a port."""

    id: str
    port: int

    def __str__(self) -> str:
        return f"{self.id}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How the members of a group are checked.

    Attributes:
        protocol: ``HTTP``, ``HTTPS`` or ``TCP``.
        port: None for the target's own port.
        path: path and query of an HTTP check.
        matcher: good status codes, as in ``200``, ``200-399`` or ``200,202``.
        interval_seconds: simulated seconds between two checks.
        timeout_seconds: machine seconds that a check may take (limits on sockets are never scaled).
        healthy_threshold: checks in a row that make an unhealthy target healthy.
        unhealthy_threshold: checks in a row that make a target unhealthy.
    """

    protocol: str = "HTTP"
    port: int | None = None
    path: str = "/"
    matcher: str = "200"
    interval_seconds: float = 30
    timeout_seconds: float = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetGroup:
    """A target group as a node knows it.

    Attributes:
        arn: its ARN.
        name: its name.
        target_type: ``ip`` or ``alb``.
        targets: registered targets, in order of registration.
        health_check: how they are checked.
        deregistration_delay_seconds: simulated seconds that a deregistered target is reported as draining.
        cross_zone: the group's own setting; None to use the load balancer's.
        encrypted: whether its targets are spoken to over TLS.
    """

    arn: str
    name: str
    target_type: str
    targets: tuple[Target, ...]
    health_check: HealthCheck
    deregistration_delay_seconds: float = 300
    cross_zone: bool | None = None
    encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Action of a rule: pass the request to a target of one of the groups.

    Attributes:
        groups: ARN and weight of each.
    """

    groups: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedResponse:
    """Action of a rule: the load balancer answers by itself."""

    status: int
    content_type: str = "text/plain"
    body: str = ""


Action = Forward | FixedResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of a listener; the default rule has no condition and :data:`DEFAULT_RULE_PRIORITY`."""

    arn: str
    priority: int
    conditions: tuple[Condition, ...]
    action: Action

    @property
    def label(self) -> str:
        """The priority as the API shows it."""
        return "default" if self.priority == DEFAULT_RULE_PRIORITY else str(self.priority)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A listener.

    Attributes:
        arn: its ARN.
        port: the port that every node listens on.
        rules: in order of evaluation, the default rule last.
        certificate: ARN of the certificate that it speaks TLS with; empty if it speaks in the clear.
    """

    arn: str
    port: int
    rules: tuple[Rule, ...]
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """A load balancer at one moment.

    Attributes:
        arn: its ARN.
        name: its name.
        kind: ``application`` or ``network``.
        dns_name: name that clients resolve.
        zones: names of the AZs that it has a node in, in alphabetical order.
        listeners: its listeners.
        groups: every target group that a rule of it names.
        idle_timeout_seconds: machine seconds after which an idle connection is closed.
        cross_zone: whether a node uses targets of other AZs.
    """

    arn: str
    name: str
    kind: str
    dns_name: str
    zones: tuple[str, ...]
    listeners: tuple[Listener, ...] = ()
    groups: tuple[TargetGroup, ...] = ()
    idle_timeout_seconds: float = 60
    cross_zone: bool = True

    def listener(self, port: int) -> Listener | None:
        """The listener on *port*."""
        return next((listener for listener in self.listeners if listener.port == port), None)

    def group(self, arn: str) -> TargetGroup | None:
        """The target group *arn*, if a rule names it."""
        return next((group for group in self.groups if group.arn == arn), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one node would do with a request now, without sending it anywhere.

    Attributes:
        node: the node's address.
        zone: AZ of the node.
        rule: priority of the rule that takes the request, or ``default``; empty if nothing listens on the port.
        status: status code that the node answers by itself (a fixed response, or 503 without a target); None if the
            request goes to a target.
        group: name of the target group, empty for a fixed response; the first if a rule has several.
        group_arn: its ARN.
        targets: the targets that may get it.
    """

    node: str
    zone: str
    rule: str
    status: int | None
    group: str = ""
    group_arn: str = ""
    targets: tuple[Target, ...] = ()


class Verdicts(Protocol):
    """Who knows whether a target is healthy."""

    def state(self, group: str, target: Target) -> HealthState | None:
        """State of *target* in the group with the ARN *group*; None for one that is not known."""
