"""The pool of slots: the routing places that incarnations take and give back.

CloudFormation makes the groups and the rules; their members and conditions belong to the controller at run time.  A
deploy that wrote a live rule anew would answer 410 for live jobs, so nothing here may depend on a setting: a template
that says the same leaves the rules alone (a test changes every setting and compares).  The one exception is what Livy
speaks, which CloudFormation can only change by replacing the groups: that is decided before the first deploy, and a
later change of it fails (:mod:`emr_dr.front_door`).  Tags
that CloudFormation gets for the whole stack are beyond a template's reach: see the limits in the README.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from dr_core import routing
from emr_dr.listener_rules import ListenerRule, forward_to
from emr_dr.service_target_groups import LIVY_HEALTH_PATH, ServiceTargetGroup


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One routing place.

    Attributes:
        number: from 1 on.
        target_group: of the incarnation that holds the slot.
        id_rule: routes the ids of its range.
        header_rule: routes look-ups by name that carry its prefix.
    """

    number: int
    target_group: elbv2.IApplicationTargetGroup
    id_rule: ListenerRule
    header_rule: ListenerRule


class SlotPool(Construct):
    """The slots of a deployment, all free.

    Attributes:
        slots: in the order of their numbers.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        listener: elbv2.IApplicationListener,
        count: int,
        protocol: elbv2.ApplicationProtocol = elbv2.ApplicationProtocol.HTTP,
    ) -> None:
        """Define the pool.

        Args:
            listener: Livy's.
            count: how many slots; part of the strategy, never a setting.  1 to 99, as priorities leave a hundred
                places for each kind of rule.
            protocol: what Livy speaks; the one setting that the pool depends on, decided before the first deploy.

        Raises:
            ValueError: *count* is out of its range.
        """
        super().__init__(scope, construct_id)
        if not 1 <= count <= 99:
            raise ValueError(f"a pool has 1 to 99 slots, got {count}: correct the strategy")
        self._protocol = protocol
        self.slots = tuple(self._slot(number, vpc=vpc, listener=listener) for number in range(1, count + 1))

    def _slot(self, number: int, *, vpc: ec2.IVpc, listener: elbv2.IApplicationListener) -> Slot:
        group = ServiceTargetGroup(
            self, f"Group{number}", vpc=vpc, health_path=LIVY_HEALTH_PATH, protocol=self._protocol
        )
        return Slot(
            number=number,
            target_group=group,
            id_rule=ListenerRule(
                self,
                f"IdRule{number}",
                listener=listener,
                priority=routing.id_rule_priority(number),
                conditions=routing.unused_id_conditions(number),
                action=forward_to(group),
            ),
            header_rule=ListenerRule(
                self,
                f"HeaderRule{number}",
                listener=listener,
                priority=routing.header_rule_priority(number),
                conditions=routing.unused_header_conditions(number),
                action=forward_to(group),
            ),
        )
