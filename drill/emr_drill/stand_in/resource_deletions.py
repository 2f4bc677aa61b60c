"""Deletion of what moto's own models can only make: moto 5.2.5 forgets such a resource without deleting it.

What is left behind then keeps others from going, such as a route table its VPC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

Deletion = Callable[["StandIn", str, Mapping[str, Any]], object]


def _release_address(stand_in: StandIn, physical_id: str, properties: Mapping[str, Any]) -> None:
    client = stand_in.client("ec2")
    for address in client.describe_addresses()["Addresses"]:
        if physical_id in (address["PublicIp"], address.get("AllocationId")):
            client.release_address(AllocationId=address["AllocationId"])


def _disassociate(stand_in: StandIn, physical_id: str, properties: Mapping[str, Any]) -> None:
    """By the subnet: the model's id is the route table's."""
    client = stand_in.client("ec2")
    for table in client.describe_route_tables(RouteTableIds=[properties["RouteTableId"]])["RouteTables"]:
        for association in table["Associations"]:
            if association.get("SubnetId") == properties["SubnetId"]:
                client.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])


def _revoke_ingress(stand_in: StandIn, physical_id: str, properties: Mapping[str, Any]) -> None:
    """By the rule's content: the model has no id, and drops the description."""
    client = stand_in.client("ec2")
    group = properties["GroupId"]
    rules = client.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    found = [rule["SecurityGroupRuleId"] for rule in rules["SecurityGroupRules"] if _is_ingress(rule, properties)]
    client.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=found[:1])


def _is_ingress(rule: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    sources = {
        "CidrIp": rule.get("CidrIpv4"),
        "CidrIpv6": rule.get("CidrIpv6"),
        "SourceSecurityGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId"),
        "SourcePrefixListId": rule.get("PrefixListId"),
    }
    return (
        not rule["IsEgress"]
        and rule["IpProtocol"] == str(properties["IpProtocol"])
        and all(int(rule.get(key, -1)) == int(properties.get(key, -1)) for key in ("FromPort", "ToPort"))
        and all(properties.get(key) == source for key, source in sources.items() if key in properties)
    )


def _delete_nat_gateway(stand_in: StandIn, physical_id: str, properties: Mapping[str, Any]) -> None:
    """With its interface, which moto leaves in the subnet."""
    client = stand_in.client("ec2")
    found = client.describe_nat_gateways(NatGatewayIds=[physical_id])["NatGateways"]
    interfaces = [address.get("NetworkInterfaceId") for each in found for address in each["NatGatewayAddresses"]]
    client.delete_nat_gateway(NatGatewayId=physical_id)
    for interface in filter(None, interfaces):
        client.delete_network_interface(NetworkInterfaceId=interface)


DELETIONS: dict[str, Deletion] = {
    "AWS::EC2::EIP": _release_address,
    "AWS::EC2::FlowLog": lambda stand_in, id_, _: stand_in.client("ec2").delete_flow_logs(FlowLogIds=[id_]),
    "AWS::EC2::InternetGateway": lambda stand_in, id_, _: stand_in.client("ec2").delete_internet_gateway(
        InternetGatewayId=id_
    ),
    "AWS::EC2::NatGateway": _delete_nat_gateway,
    "AWS::EC2::Route": lambda stand_in, _, properties: stand_in.client("ec2").delete_route(
        RouteTableId=properties["RouteTableId"], DestinationCidrBlock=properties["DestinationCidrBlock"]
    ),
    "AWS::EC2::RouteTable": lambda stand_in, id_, _: stand_in.client("ec2").delete_route_table(RouteTableId=id_),
    "AWS::EC2::SecurityGroupIngress": _revoke_ingress,
    "AWS::EC2::SubnetRouteTableAssociation": _disassociate,
    "AWS::EC2::VPCEndpoint": lambda stand_in, id_, _: stand_in.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[id_]),
    "AWS::EC2::VPCGatewayAttachment": lambda stand_in, _, properties: stand_in.client("ec2").detach_internet_gateway(
        InternetGatewayId=properties["InternetGatewayId"], VpcId=properties["VpcId"]
    ),
    "AWS::IAM::ManagedPolicy": lambda stand_in, id_, _: stand_in.client("iam").delete_policy(PolicyArn=id_),
}
