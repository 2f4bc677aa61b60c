"""Which kinds of items of the record each function uses: what its role is held to, by ``dynamodb:LeadingKeys``.

The kind is the table's partition key.  Whoever changes an incarnation or a managed cluster decides what runs: these two
kinds are changed by who has to, and by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from dr_core.controls import Controls
from dr_core.orphans import Sighting
from dr_core.record import GENERATION_COUNTER, Incarnation, Incident, ManagedCluster, Operation, Slot
from dr_core.standby import StandbyLaunches

# The partition keys of the items that a request reaches.
_LEADING_KEYS = "dynamodb:LeadingKeys"
# What nobody but the failover package itself has a name for: what people were told of, what was called off, which
# requests of CloudFormation have come, and which were carried out in place.
CORRECTION, CALLED_OFF = "correction", "called-off"
DELIVERED_REQUEST, CHANGED_IN_PLACE = "delivered-request", "changed-in-place"


@dataclass(frozen=True, kw_only=True)
class RecordKinds:
    """The kinds that one function uses.

    Attributes:
        changes: kinds whose items it makes or changes, and reads.
        looks_at: kinds whose items it only reads.
    """

    changes: frozenset[str] = frozenset()
    looks_at: frozenset[str] = frozenset()

    @property
    def reads(self) -> frozenset[str]:
        """Every kind that it uses."""
        return self.changes | self.looks_at


FAILOVER: Final = RecordKinds(
    changes=frozenset(
        {
            CALLED_OFF,
            Controls.KIND,  # which incarnation may serve with ids outside its range
            GENERATION_COUNTER["kind"],
            Incarnation.KIND,
            ManagedCluster.KIND,
            Operation.KIND,
            Slot.KIND,
        }
    ),
    looks_at=frozenset({Incident.KIND}),
)
MANAGED_CLUSTER: Final = RecordKinds(
    changes=frozenset({CHANGED_IN_PLACE, DELIVERED_REQUEST, Incarnation.KIND, ManagedCluster.KIND, Operation.KIND})
)
EXECUTION_ENDED: Final = RecordKinds(changes=frozenset({Incarnation.KIND, ManagedCluster.KIND, Operation.KIND}))
CONTROL: Final = RecordKinds(
    changes=frozenset({Controls.KIND}),
    looks_at=frozenset({Incarnation.KIND, Incident.KIND, ManagedCluster.KIND, Operation.KIND}),
)
RECONCILER: Final = RecordKinds(
    changes=frozenset({CORRECTION, Incarnation.KIND, ManagedCluster.KIND, Sighting.KIND, Slot.KIND}),
    looks_at=frozenset({Controls.KIND, Incident.KIND, Operation.KIND}),
)
STANDBY_KEEPER: Final = RecordKinds(
    changes=frozenset({Incarnation.KIND, Operation.KIND, StandbyLaunches.KIND}),
    looks_at=frozenset({Controls.KIND, Incident.KIND, ManagedCluster.KIND}),
)
MONITOR: Final = RecordKinds(
    changes=frozenset({Controls.KIND, Incident.KIND, Operation.KIND}),  # of the controls: whose turn it is
    looks_at=frozenset({Incarnation.KIND, ManagedCluster.KIND}),
)
PROBER: Final = RecordKinds(looks_at=frozenset({Incarnation.KIND}))


def on_items(record: dynamodb.ITable, actions: Iterable[str], *, kinds: Iterable[str]) -> iam.PolicyStatement:
    """*actions* of DynamoDB on items of the record whose kind is one of *kinds*."""
    return iam.PolicyStatement(
        actions=[f"dynamodb:{action}" for action in sorted(actions)],
        resources=[record.table_arn],
        conditions={
            "ForAllValues:StringEquals": {_LEADING_KEYS: sorted(kinds)},
            # The other condition would hold of a request that names no key.
            "Null": {_LEADING_KEYS: "false"},
        },
    )
