"""A deleted stack leaves nothing behind (A10)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import moto.cloudformation.parsing as parsing
import pytest
from moto.core.common_models import CloudFormationModel

from emr_drill.stand_in.patching import original
from emr_drill.stand_in.resource_deletions import DELETIONS
from emr_drill.stand_in.resource_types import MADE_BY_MOTO

from .stack_world import StackWorld, stack_world

# Gone with what it belongs to, its function; load balancers' parts are the load balancers' module's own.
GOES_WITH_ITS_OWNER = {"AWS::Lambda::Permission"}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}]}
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}},
        "Gateway": {"Type": "AWS::EC2::InternetGateway"},
        "Attachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
        },
        "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {
                "SubnetId": {"Ref": "Subnet"},
                "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
            },
        },
        "Routes": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Association": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Routes"}},
        },
        "Route": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attachment",
            "Properties": {
                "RouteTableId": {"Ref": "Routes"},
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": {"Ref": "Gateway"},
            },
        },
        "Endpoint": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "ServiceName": "com.amazonaws.us-east-1.dynamodb",
                "RouteTableIds": [{"Ref": "Routes"}],
                "VpcEndpointType": "Gateway",
            },
        },
        "One": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "1", "VpcId": {"Ref": "Vpc"}}},
        "Two": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "2", "VpcId": {"Ref": "Vpc"}}},
        "FromTwo": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["One", "GroupId"]},
                "SourceSecurityGroupId": {"Fn::GetAtt": ["Two", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 8998,
                "ToPort": 8998,
                "Description": "Livy",
            },
        },
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "flows"}},
        "FlowRole": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
        "Flow": {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {
                "ResourceType": "VPC",
                "ResourceId": {"Ref": "Vpc"},
                "TrafficType": "ALL",
                "LogGroupName": {"Ref": "Logs"},
                "DeliverLogsPermissionArn": {"Fn::GetAtt": ["FlowRole", "Arn"]},
            },
        },
        "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": POLICY}},
    }
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        yield running


def left(world: StackWorld) -> dict[str, int]:
    """How many things of each kind there are."""
    ec2 = world.client("ec2")
    return {
        "vpcs": len(ec2.describe_vpcs()["Vpcs"]),
        "gateways": len(ec2.describe_internet_gateways()["InternetGateways"]),
        "nat gateways": len([nat for nat in ec2.describe_nat_gateways()["NatGateways"] if nat["State"] != "deleted"]),
        "addresses": len(ec2.describe_addresses()["Addresses"]),
        "route tables": len(ec2.describe_route_tables()["RouteTables"]),
        "endpoints": len([each for each in ec2.describe_vpc_endpoints()["VpcEndpoints"] if each["State"] != "deleted"]),
        "groups": len(ec2.describe_security_groups()["SecurityGroups"]),
        "flow logs": len(ec2.describe_flow_logs()["FlowLogs"]),
        "policies": len(world.client("iam").list_policies(Scope="Local")["Policies"]),
    }


def test_nothing_is_left_of_a_network(world: StackWorld) -> None:
    before = left(world)
    stack = world.create("network", TEMPLATE)
    made = world.settled(stack)
    world.client("cloudformation").delete_stack(StackName=stack)

    assert (made, world.settled(stack), left(world)) == ("CREATE_COMPLETE", "DELETE_COMPLETE", before)


def test_every_deletion_is_tried_here() -> None:
    assert set(DELETIONS) - {resource["Type"] for resource in TEMPLATE["Resources"].values()} == set()


@pytest.mark.parametrize("name", sorted(MADE_BY_MOTO))
def test_every_type_can_be_deleted(name: str) -> None:
    """By moto's model or by this module: a model without a deletion is forgotten in silence."""
    model = original(parsing, "get_model_map")()[name]
    own = [owner for owner in inspect.getmro(model) if owner is not CloudFormationModel]
    deletes = any("delete_from_cloudformation_json" in vars(owner) or "delete" in vars(owner) for owner in own)
    balanced = name.startswith("AWS::ElasticLoadBalancingV2::")

    assert deletes or balanced or name in DELETIONS or name in GOES_WITH_ITS_OWNER
