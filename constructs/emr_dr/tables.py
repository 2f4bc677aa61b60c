"""The two tables of a deployment: what the controller knows, and what probers saw.

Both are encrypted with the key that DynamoDB owns.  A customer key would add a service that must answer in the minute
of a failover, to protect names and addresses of clusters that the EMR API shows to the same readers.
"""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from emr_dr.own_checks import acknowledged
from emr_dr.policy_checks import acknowledge


class Tables(Construct):
    """Record and evidence.

    Attributes:
        record: managed clusters, incarnations, slots, operations and incidents; partition key ``kind``, sort key
            ``id``.  Kept when the stack is deleted, as it is the only account of what ran; gone only when the very
            deploy that makes it is rolled back, as nothing ran yet.
        evidence: what each prober saw, and when the newest run of each watcher began; partition key ``incarnation``,
            sort key ``observed``.  Items vanish after ``expires_at`` (epoch seconds), the table goes with the stack.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.record = dynamodb.Table(
            self,
            "Record",
            partition_key=dynamodb.Attribute(name="kind", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=_recovery(),
            # Without deletion protection, which would stop the rollback of a first deploy as well.  A person who
            # deletes the table still has the backup that DynamoDB makes then of a table with point-in-time recovery.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        self.evidence = dynamodb.Table(
            self,
            "Evidence",
            partition_key=dynamodb.Attribute(name="incarnation", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="observed", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=_recovery(),
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.evidence,
            {
                acknowledged("stateful-kept"): (
                    "what probers saw within the last minutes, which vanishes by itself (expires_at): without probers "
                    "nobody reads it"
                )
            },
        )


def _recovery() -> dynamodb.PointInTimeRecoverySpecification:
    return dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)
