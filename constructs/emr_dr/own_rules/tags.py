"""Tags, by which cost is found and things of ours are told from others (B7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from emr_dr.own_rules.model import Resource, Rule

STACK_TAG = "emr-dr:stack"
"""On everything that can be tagged: the stack that it belongs to, the same whatever the settings say."""

DEPLOYMENT_TAG = "emr-dr:deployment"
"""On clusters, in place of it: their stack is one of many."""

# Types of our templates that CloudFormation can tag, and the property that holds the tags.  A test compares the list
# with CloudFormation's schemas.  Listener rules are missing on purpose: see emr_dr.listener_rules.
TAGGED = {
    "AWS::CloudWatch::Alarm": "Tags",
    "AWS::DynamoDB::Table": "Tags",
    "AWS::EC2::EIP": "Tags",
    "AWS::EC2::FlowLog": "Tags",
    "AWS::EC2::InternetGateway": "Tags",
    "AWS::EC2::NatGateway": "Tags",
    "AWS::EC2::RouteTable": "Tags",
    "AWS::EC2::SecurityGroup": "Tags",
    "AWS::EC2::Subnet": "Tags",
    "AWS::EC2::VPC": "Tags",
    "AWS::EC2::VPCEndpoint": "Tags",
    "AWS::EMR::Cluster": "Tags",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Tags",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "Tags",
    "AWS::Events::Rule": "Tags",
    "AWS::IAM::Role": "Tags",
    "AWS::KMS::Key": "Tags",
    "AWS::Lambda::Function": "Tags",
    "AWS::Logs::LogGroup": "Tags",
    "AWS::MWAA::Environment": "Tags",
    "AWS::S3::Bucket": "Tags",
    "AWS::SNS::Topic": "Tags",
    "AWS::SQS::Queue": "Tags",
    "AWS::SecretsManager::Secret": "Tags",
    "AWS::StepFunctions::StateMachine": "Tags",
}


def _tagged(resource: Resource) -> Iterable[str]:
    found = resource.properties.get(TAGGED[resource.kind], [])
    keys = set(found) if isinstance(found, Mapping) else {each.get("Key") for each in found}
    if not keys & {STACK_TAG, DEPLOYMENT_TAG}:
        yield f"it has no tag {STACK_TAG}"


RULES = (
    Rule(
        name="tagged",
        asks="Whatever can be tagged says whose it is",
        remedy=f"add the tag {STACK_TAG} (emr_dr.own_checks.tag_stack)",
        kinds=frozenset(TAGGED),
        look=_tagged,
    ),
)
