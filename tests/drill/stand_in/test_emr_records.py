"""What EMR's records say of instances, names and ids."""

from __future__ import annotations

import re

from emr_drill.stand_in.emr_records import Cluster, InstanceGroup, new_id, private_name


def cluster(address: str | None) -> Cluster:
    """A cluster with one primary and two core nodes."""
    groups = [("MASTER", 1), ("CORE", 2)]
    return Cluster(
        id="j-1ABCDEFGHIJKL",
        request={"Name": "a-g1", "Instances": {"Ec2SubnetId": "subnet-1"}},
        availability_zone="us-east-1a",
        zone=1,
        network="10.0.1.0/24",
        groups=[
            InstanceGroup(id=new_id("ig"), request={"InstanceRole": role, "InstanceCount": count, "InstanceType": "x"})
            for role, count in groups
        ],
        created=0.0,
        address=address,
    )


def test_ids_look_like_emrs() -> None:
    assert re.fullmatch(r"j-[A-Z0-9]{13}", new_id("j"))


def test_names_are_those_of_the_region() -> None:
    assert private_name("10.0.1.2", "us-east-1") == "ip-10-0-1-2.ec2.internal"
    assert private_name("10.0.1.2", "eu-west-1") == "ip-10-0-1-2.eu-west-1.compute.internal"


def test_instances_keep_their_ids_from_one_answer_to_the_next() -> None:
    one = cluster("127.10.1.10")

    assert one.instances(region="us-east-1") == one.instances(region="us-east-1")


def test_only_the_primary_has_a_loopback_address() -> None:
    found = [instance["PrivateIpAddress"] for _, instance in cluster("127.10.1.10").instances(region="us-east-1")]

    assert found == ["127.10.1.10", "10.0.1.10", "10.0.1.11"]


def test_instance_ids_look_like_ec2s() -> None:
    found = [instance["Ec2InstanceId"] for _, instance in cluster("127.10.1.10").instances(region="us-east-1")]

    assert all(re.fullmatch(r"i-[0-9a-f]{17}", one) for one in found)
    assert len(set(found)) == 3
