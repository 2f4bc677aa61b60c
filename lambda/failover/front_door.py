"""Memberships and rule conditions of the load balancer: what of the front door changes at run time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dr_core.config import FunctionConfig, ManagedClusterResources, SlotResources
from dr_core.routing import (
    Conditions,
    header_conditions,
    id_conditions,
    unseeded_id_conditions,
    unused_header_conditions,
    unused_id_conditions,
)
from dr_core.target_health import is_load_balancers_fault

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef, TargetHealthTypeDef

# DescribeRules takes some at once; how many is not documented, and 20 is what similar calls of the service take.
_RULES_AT_ONCE = 20

# The state of a target of which the load balancer cannot tell: neither healthy nor unhealthy.
NOT_KNOWN = "not known"


@dataclass(frozen=True, kw_only=True)
class FrontDoor:
    """The load balancer's target groups and rules, as the controller uses them."""

    client: ElasticLoadBalancingv2Client
    config: FunctionConfig

    def slot(self, number: int) -> SlotResources:
        """The resources of a slot."""
        return next(slot for slot in self.config.slots if slot.number == number)

    def managed_cluster(self, name: str) -> ManagedClusterResources:
        """The target groups that belong to one managed cluster alone."""
        return next(each for each in self.config.managed_clusters if each.name == name)

    def health(self, target_group: str) -> dict[str, str]:
        """The state of every registered target (``healthy``, ``initial``, ``draining`` ...), by address.

        It is :data:`NOT_KNOWN` where the load balancer itself has an error: that says nothing of the target.
        """
        answer = self.client.describe_target_health(TargetGroupArn=target_group)
        return {
            each["Target"]["Id"]: _state(each["TargetHealth"])
            for each in answer["TargetHealthDescriptions"]
            if "Target" in each and "TargetHealth" in each
        }

    def open_slot(self, number: int, *, address: str, prefix: int, unseeded: bool) -> None:
        """Route names of *prefix* to *address*, and ids of it; small ids instead if its Livy is *unseeded*."""
        slot = self.slot(number)
        self._register(slot.target_group, address, self.config.ports.livy)
        self._modify(slot.id_rule, unseeded_id_conditions() if unseeded else id_conditions(prefix))
        self._modify(slot.header_rule, header_conditions(prefix))

    def close_slot(self, number: int, *, address: str | None) -> None:
        """Route nothing to a slot any more: the ids that it had answer 410 from now on."""
        slot = self.slot(number)
        self._modify(slot.id_rule, unused_id_conditions(number))
        self._modify(slot.header_rule, unused_header_conditions(number))
        if address is not None:
            self._deregister(slot.target_group, address, self.config.ports.livy)

    def put_in_service(self, *, managed_cluster: str, address: str) -> None:
        """Register *address* with the groups of its managed cluster and the balanced group.

        The balanced group comes last: whoever is registered there is registered with the others too.
        """
        for target_group, port in self._service_groups(managed_cluster):
            self._register(target_group, address, port)

    def take_out_of_service(self, *, managed_cluster: str, address: str) -> None:
        """Deregister *address* from the groups of :meth:`put_in_service`; a no-op where it is not registered."""
        for target_group, port in self._service_groups(managed_cluster):
            self._deregister(target_group, address, port)

    def leave_balanced_group(self, address: str) -> None:
        """Deregister *address* from the balanced group alone: no new job comes to it, its ids and web interfaces do."""
        self._deregister(self.config.balanced_target_group, address, self.config.ports.livy)

    def join_balanced_group(self, address: str) -> None:
        """Undo :meth:`leave_balanced_group`."""
        self._register(self.config.balanced_target_group, address, self.config.ports.livy)

    def conditions(self, rules: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """What each of *rules* matches, by its ARN."""
        found: dict[str, list[dict[str, Any]]] = {}
        for first in range(0, len(rules), _RULES_AT_ONCE):
            answer = self.client.describe_rules(RuleArns=list(rules[first : first + _RULES_AT_ONCE]))
            for rule in answer["Rules"]:
                found[rule.get("RuleArn", "")] = [dict(each) for each in rule.get("Conditions", [])]
        return found

    def set_conditions(self, rule: str, conditions: Conditions) -> None:
        """Let *rule* match *conditions* and nothing else."""
        self._modify(rule, conditions)

    def register(self, target_group: str, *, address: str, port: int) -> None:
        """Register a target; a no-op if it is one."""
        self._register(target_group, address, port)

    def deregister(self, target_group: str, *, address: str, port: int) -> None:
        """Deregister a target; a no-op if it is none."""
        self._deregister(target_group, address, port)

    def _service_groups(self, managed_cluster: str) -> tuple[tuple[str, int], ...]:
        own = self.managed_cluster(managed_cluster)
        ports = self.config.ports
        return (
            (own.resource_manager_target_group, ports.resource_manager),
            (own.name_node_target_group, ports.name_node),
            (self.config.balanced_target_group, ports.livy),
        )

    def _register(self, target_group: str, address: str, port: int) -> None:
        self.client.register_targets(TargetGroupArn=target_group, Targets=[_target(address, port)])

    def _deregister(self, target_group: str, address: str, port: int) -> None:
        self.client.deregister_targets(TargetGroupArn=target_group, Targets=[_target(address, port)])

    def _modify(self, rule: str, conditions: list[dict[str, Any]]) -> None:
        self.client.modify_rule(RuleArn=rule, Conditions=conditions)  # type: ignore[arg-type]


def _state(health: TargetHealthTypeDef) -> str:
    state, reason = health.get("State", ""), health.get("Reason", "")
    return NOT_KNOWN if is_load_balancers_fault(state=state, reason=reason) else state


def _target(address: str, port: int) -> TargetDescriptionTypeDef:
    return {"Id": address, "Port": port}
