"""What runs every minute."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from emr_dr.functions import PythonFunction
from emr_dr.policy_checks import acknowledge

EVENT_AGE = Duration.seconds(60)
"""How old an event of a schedule may get before its function runs: as old as the next one is young.

While an AZ is away, Lambda cannot run the prober of its subnet and keeps the events, for hours by default; when the AZ
returned, all of them would run at once.
"""


class EveryMinute(Construct):
    """Starts functions at every minute, the shortest period that EventBridge Scheduler knows.

    Attributes:
        dead_letters: deliveries that the scheduler gave up, and runs of the functions that failed (a function that is
            started here gets it as its own dead-letter queue, too); empty when all is well.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(
            self.dead_letters,
            {"AwsSolutions-SQS3": "it is a dead-letter queue itself, of schedules and functions; nothing reads it"},
        )
        stack = Stack.of(self)
        self._role = iam.Role(
            self,
            "Role",
            description="EventBridge Scheduler starts the functions of a deployment with it",
            # The confused-deputy guard of the EventBridge Scheduler user guide.
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )
        self._role.add_to_policy(
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.dead_letters.queue_arn])
        )

    def start(self, function: PythonFunction) -> scheduler.CfnSchedule:
        """Start *function* at every minute with an empty event, at any second of it.

        A delivery that fails is not repeated for longer than the minute: the next one looks at a newer world.
        """
        # L1, as the L2's target grants every version of the function by a wildcard.
        schedule = scheduler.CfnSchedule(
            self,
            function.node.id,
            name=function.name,
            description=f"Starts {function.name}",
            schedule_expression="rate(1 minute)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function.function_arn,
                role_arn=self._role.role_arn,
                input="{}",
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=60, maximum_retry_attempts=1
                ),
            ),
        )
        self._role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function.function_arn])
        )
        # The scheduler tries the role when the schedule is made.
        schedule.node.add_dependency(self._role)
        return schedule
