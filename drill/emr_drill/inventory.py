"""Everything that there is in the stand-in, kind by kind, as a person with a console would list it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn


class Thing(NamedTuple):
    """Something that exists.

    Attributes:
        kind: ``AWS::Service::Thing``.
        name: its name or id; of a rule of a security group all that it says.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Listing:
    """How to list all things of one kind.

    Attributes:
        kind: ``AWS::Service::Thing``.
        service: boto3's name of the service.
        call: boto3's name of the call, one that answers in pages.
        names: JMESPath of the names in a page.
        arguments: of the call.
    """

    kind: str
    service: str
    call: str
    names: str
    arguments: tuple[tuple[str, str], ...] = ()

    def things(self, stand_in: StandIn) -> list[Thing]:
        """All of them."""
        client: Any = stand_in.client(self.service)
        found = client.get_paginator(self.call).paginate(**dict(self.arguments)).search(self.names)
        return [Thing(self.kind, str(name)) for name in found if name is not None]


EXECUTION = "AWS::StepFunctions::Execution"  # no resource type of CloudFormation's, but named like one
# What a rule of a security group says; its id is another one for each listing.
_RULE = (
    "SecurityGroupRules[].join(' ', [GroupId, to_string(IsEgress), to_string(IpProtocol), to_string(FromPort), "
    "to_string(ToPort), to_string(CidrIpv4), to_string(ReferencedGroupInfo.GroupId)])"
)
_ALIVE = """Clusters[?!contains(`["TERMINATED", "TERMINATED_WITH_ERRORS"]`, Status.State)].Name"""

# Every kind that a template of ours or the controller makes, but for parts that go with their whole (listeners with
# their load balancer, permissions with their function, policies with their role).
LISTINGS = (
    Listing(
        *("AWS::CloudFormation::Stack", "cloudformation", "list_stacks"),
        "StackSummaries[?StackStatus!='DELETE_COMPLETE'].StackName",
    ),
    Listing("AWS::CloudWatch::Alarm", "cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
    Listing("AWS::CloudWatch::Dashboard", "cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
    Listing("AWS::DynamoDB::Table", "dynamodb", "list_tables", "TableNames[]"),
    Listing(
        "AWS::EC2::NetworkInterface", "ec2", "describe_network_interfaces", "NetworkInterfaces[].NetworkInterfaceId"
    ),
    Listing("AWS::EC2::SecurityGroup", "ec2", "describe_security_groups", "SecurityGroups[].GroupId"),
    Listing("AWS::EC2::SecurityGroupRule", "ec2", "describe_security_group_rules", _RULE),
    Listing(
        *("AWS::EC2::VPCEndpoint", "ec2", "describe_vpc_endpoints"),
        "VpcEndpoints[?State!='deleted'].VpcEndpointId",
    ),
    Listing("AWS::EMR::Cluster", "emr", "list_clusters", _ALIVE),
    Listing(
        *("AWS::ElasticLoadBalancingV2::LoadBalancer", "elbv2", "describe_load_balancers"),
        "LoadBalancers[].LoadBalancerName",
    ),
    Listing(
        *("AWS::ElasticLoadBalancingV2::TargetGroup", "elbv2", "describe_target_groups"),
        "TargetGroups[].TargetGroupName",
    ),
    Listing("AWS::Events::Rule", "events", "list_rules", "Rules[].Name"),
    Listing("AWS::IAM::ManagedPolicy", "iam", "list_policies", "Policies[].PolicyName", (("Scope", "Local"),)),
    Listing("AWS::IAM::Role", "iam", "list_roles", "Roles[].RoleName"),
    Listing("AWS::KMS::Key", "kms", "list_keys", "Keys[].KeyId"),
    Listing("AWS::Lambda::Function", "lambda", "list_functions", "Functions[].FunctionName"),
    Listing("AWS::Logs::LogGroup", "logs", "describe_log_groups", "logGroups[].logGroupName"),
    Listing("AWS::S3::Bucket", "s3", "list_buckets", "Buckets[].Name"),
    Listing("AWS::SNS::Topic", "sns", "list_topics", "Topics[].TopicArn"),
    Listing("AWS::SQS::Queue", "sqs", "list_queues", "QueueUrls[]"),
    Listing("AWS::SSM::Parameter", "ssm", "describe_parameters", "Parameters[].Name"),
    Listing("AWS::Scheduler::Schedule", "scheduler", "list_schedules", "Schedules[].Name"),
    Listing("AWS::SecretsManager::Secret", "secretsmanager", "list_secrets", "SecretList[].Name"),
    Listing("AWS::StepFunctions::StateMachine", "stepfunctions", "list_state_machines", "stateMachines[].name"),
)


def inventory(stand_in: StandIn) -> frozenset[Thing]:
    """All that there is; of stacks, clusters and executions those that have not come to their end."""
    listed = [thing for listing in LISTINGS for thing in listing.things(stand_in)]
    running = [Thing(EXECUTION, arn) for arn in stand_in.state_machines.running()]
    return frozenset([*listed, *running])
