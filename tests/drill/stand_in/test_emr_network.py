"""What EMR does to the network of its clusters (A12): rules that are missing, interfaces that come and go."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from moto.ec2.models import ec2_backends

from emr_drill.stand_in.emr_network import EmrNetwork, wanted_rules
from emr_drill.stand_in.server import ACCOUNT, reset_moto

REGION = "us-east-1"


class Place:
    """Three groups in a subnet, and EMR's work on them."""

    def __init__(self) -> None:
        reset_moto()
        self.ec2: Any = ec2_backends[ACCOUNT][REGION]
        self.vpc = self.ec2.create_vpc("10.0.0.0/16")
        self.subnet = self.ec2.create_subnet(self.vpc.id, "10.0.0.0/24")
        self.primary, self.core, self.service, self.additional = (
            self.ec2.create_security_group(name, name, vpc_id=self.vpc.id)
            for name in ("primary", "core", "service", "additional")
        )
        self.network = EmrNetwork(cast(Any, SimpleNamespace(account=ACCOUNT, region=REGION)))

    def cluster(self, number: int = 1, **instances: Any) -> Any:
        request = {
            "Ec2SubnetId": self.subnet.id,
            "EmrManagedMasterSecurityGroup": self.primary.id,
            "EmrManagedSlaveSecurityGroup": self.core.id,
            "ServiceAccessSecurityGroup": self.service.id,
            "AdditionalMasterSecurityGroups": [self.additional.id],
            **instances,
        }
        return SimpleNamespace(id=f"j-{number}", request={"Instances": request}, tags={"ours": "true"})

    def rules(self) -> list[tuple[Any, ...]]:
        return sorted(
            (group.id, each.is_egress, each.ip_protocol, each.from_port, each.to_port, each.source_group["GroupId"])
            for group in (self.primary, self.core, self.service, self.additional)
            for each in (*group.ingress_rules, *group.egress_rules)
            if each.source_group
        )


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_launch_adds_the_rules_that_are_documented_once(place: Place) -> None:
    wanted = sorted(wanted_rules(primary=place.primary.id, core=place.core.id, service=place.service.id))
    place.network.prepare(place.cluster())
    place.network.prepare(place.cluster(2))

    assert place.rules() == wanted
    assert len(wanted) == 17


def test_one_that_was_removed_comes_back_with_the_next_launch(place: Place) -> None:
    place.network.prepare(place.cluster())
    before = place.rules()
    place.core.ingress_rules.pop()
    place.network.prepare(place.cluster(2))

    assert place.rules() == before


def test_a_later_release_may_want_more(place: Place) -> None:
    place.network.more_ports = (7337,)
    place.network.prepare(place.cluster())

    more = [each for each in place.rules() if each[3] == 7337]
    groups = (place.primary.id, place.core.id, place.service.id)
    assert {(each[0], each[5]) for each in more} == {(one, other) for one in groups for other in groups}


def test_interfaces_are_in_use_while_a_cluster_lives_and_gone_afterwards(place: Place) -> None:
    cluster = place.cluster()
    place.network.prepare(cluster)
    primary, service = place.ec2.enis.values()

    assert {primary.status, service.status} == {"in-use"}
    assert [group.id for group in primary.group_set] == [place.primary.id, place.additional.id]
    assert [group.id for group in service.group_set] == [place.service.id]
    place.network.release(cluster)
    place.network.release(cluster)
    assert place.ec2.enis == {}


def test_the_interface_of_the_service_may_stay_unused(place: Place) -> None:
    place.network.leaves_interfaces = True
    cluster = place.cluster()
    place.network.prepare(cluster)
    place.network.release(cluster)

    (left,) = place.ec2.enis.values()
    assert left.status == "available"
    assert left.description == "EMR service access of j-1"


def test_groups_that_nobody_made_are_left_alone(place: Place) -> None:
    place.network.prepare(place.cluster(EmrManagedMasterSecurityGroup="sg-0000000000000000f"))

    assert place.rules() == []
    assert place.ec2.enis == {}


def test_a_cluster_of_instance_fleets_names_its_subnet_in_a_list(place: Place) -> None:
    """B5."""
    cluster = place.cluster()
    instances = cluster.request["Instances"]
    instances["Ec2SubnetIds"] = [instances.pop("Ec2SubnetId")]
    place.network.prepare(cluster)

    assert {each.subnet.id for each in place.ec2.enis.values()} == set(instances["Ec2SubnetIds"])
