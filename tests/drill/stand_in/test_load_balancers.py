"""The front door of the stand-in, from the AWS API to the client (A1, A4, A10, A12)."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_core import routing
from emr_drill.errors import DrillError
from emr_drill.stand_in import load_balancers
from tests.drill.front_door.world import Origin, eventually, free_port
from tests.drill.stand_in.load_balancer_world import FakeStandIn, ask, deploy, stand_in, states

ROUTER, DOOR, PRIMARY = "127.98.1.2", "127.98.1.3", "127.98.1.10"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeStandIn]:
    """A stand-in whose delays pass in a blink."""
    with stand_in(tmp_path) as made:
        yield made


@pytest.fixture
def port() -> int:
    """A port that the front door may use."""
    return free_port(PRIMARY)


@pytest.fixture
def outputs(fake: FakeStandIn, port: int) -> dict[str, str]:
    """The deployed front door."""
    return deploy(fake, port)


@pytest.fixture
def primary(port: int) -> Iterator[Origin]:
    """A service on a primary, on the front door's port as in life."""
    made = Origin(host=PRIMARY, port=port, name="primary")
    yield made
    made.close()


def register(fake: FakeStandIn, group: str, port: int) -> None:
    """Put the primary into *group* and wait until it is healthy there and every node knows."""
    fake.client("elbv2").register_targets(TargetGroupArn=group, Targets=[{"Id": PRIMARY, "Port": port}])
    eventually(lambda: states(fake, group) == {PRIMARY: "healthy"})
    fake.settle()


def test_names_are_written_for_functions(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """Each name with its nodes in the order of AZs."""
    expected = {outputs["RouterName"]: [ROUTER, "127.98.2.2"], outputs["DoorName"]: [DOOR, "127.98.2.3"]}
    assert json.loads((fake.workdir / "names.json").read_text()) == expected
    assert fake.load_balancers.dns_names() == expected


def test_fixed_response_is_reached_through_the_stable_name(
    fake: FakeStandIn, outputs: dict[str, str], port: int
) -> None:
    """Network load balancer, application load balancer, rule."""
    fake.settle()
    assert ask(DOOR, port, routing.HEALTH_PATH) == (200, routing.HEALTH_BODY)
    assert ask("127.98.2.3", port, "/batches/1002000000") == (410, routing.GONE_BODY)


def test_stable_names_target_becomes_healthy(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """Its health check is the front door's own fixed response."""
    eventually(lambda: states(fake, outputs["Doorway"]) == {outputs["RouterArn"]: "healthy"})


def test_registered_primary_gets_requests(
    fake: FakeStandIn, outputs: dict[str, str], port: int, primary: Origin
) -> None:
    """Once it is healthy (A12)."""
    assert ask(ROUTER, port, "/batches")[0] == 503
    register(fake, outputs["Balanced"], port)
    assert json.loads(ask(DOOR, port, "/batches")[1])["name"] == "primary"


def test_new_target_is_initial(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """Nothing answers there yet."""
    fake.client("elbv2").register_targets(TargetGroupArn=outputs["Balanced"], Targets=[{"Id": PRIMARY, "Port": port}])
    assert states(fake, outputs["Balanced"]) == {PRIMARY: "initial"}


def test_target_that_died_is_unhealthy(fake: FakeStandIn, outputs: dict[str, str], port: int, primary: Origin) -> None:
    """Found out by real checks; the load balancer fails open to it and answers 502."""
    register(fake, outputs["Balanced"], port)
    primary.close()
    eventually(lambda: states(fake, outputs["Balanced"]) == {PRIMARY: "unhealthy"})
    assert ask(ROUTER, port, "/batches")[0] == 502
    change = {"kind": "target_health", "before": "healthy", "after": "unhealthy"}
    assert any(change.items() <= entry.items() for entry in fake.journal)


def test_registering_again_changes_nothing(
    fake: FakeStandIn, outputs: dict[str, str], port: int, primary: Origin
) -> None:
    """It stays healthy."""
    register(fake, outputs["Balanced"], port)
    fake.client("elbv2").register_targets(TargetGroupArn=outputs["Balanced"], Targets=[{"Id": PRIMARY, "Port": port}])
    assert states(fake, outputs["Balanced"]) == {PRIMARY: "healthy"}


def test_deregistered_target_is_draining(tmp_path: Path, port: int) -> None:
    """For the group's delay, 30 s, which take some time at this speed."""
    with stand_in(tmp_path, speed=1) as slow:
        outputs = deploy(slow, port)
        client = slow.client("elbv2")
        targets = [{"Id": PRIMARY, "Port": port}]
        client.register_targets(TargetGroupArn=outputs["Balanced"], Targets=targets)
        client.deregister_targets(TargetGroupArn=outputs["Balanced"], Targets=targets)
        assert states(slow, outputs["Balanced"]) == {PRIMARY: "draining"}


def test_target_of_a_group_without_listener_is_unused(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """Nobody checks it."""
    client = fake.client("elbv2")
    vpc = client.describe_target_groups(TargetGroupArns=[outputs["Slot"]])["TargetGroups"][0]["VpcId"]
    group = client.create_target_group(Name="alone", Protocol="HTTP", Port=port, VpcId=vpc, TargetType="ip")[
        "TargetGroups"
    ][0]["TargetGroupArn"]
    client.register_targets(TargetGroupArn=group, Targets=[{"Id": PRIMARY, "Port": port}])
    assert states(fake, group) == {PRIMARY: "unused"}


def test_modified_rule_routes_ids_to_the_slot(
    fake: FakeStandIn, outputs: dict[str, str], port: int, primary: Origin
) -> None:
    """What the controller does in Route and at retirement."""
    register(fake, outputs["Slot"], port)
    client = fake.client("elbv2")
    client.modify_rule(RuleArn=outputs["IdRule"], Conditions=routing.id_conditions(1002))
    fake.settle()
    assert json.loads(ask(ROUTER, port, "/batches/1002000000")[1])["name"] == "primary"
    client.modify_rule(RuleArn=outputs["IdRule"], Conditions=routing.unused_id_conditions(1))
    fake.settle()
    assert ask(ROUTER, port, "/batches/1002000000")[0] == 410


def test_each_node_learns_of_a_change_in_its_own_time(tmp_path: Path, port: int) -> None:
    """No node knows at once, and the times are drawn from the table: 8 to 12 s for each."""
    with stand_in(tmp_path, speed=1) as slow:
        outputs = deploy(slow, port)
        before = {answer.node: answer for answer in slow.load_balancers.owners_of("/batches/1002000000", port=port)}
        asked = slow.clock.now()
        slow.client("elbv2").modify_rule(RuleArn=outputs["IdRule"], Conditions=routing.id_conditions(1002))
        change = next(entry for entry in reversed(slow.journal) if entry["kind"] == "load_balancer_change")
        assert slow.load_balancers.settled_at(kind="application") == max(change["effective"].values())
        delays = [time - asked for time in change["effective"].values()]
        assert before.keys() == change["effective"].keys()
        assert len(set(delays)) == len(delays)
        # At least 8 s; the deployment's own changes may still be under way and keep their order.
        assert all(delay >= 8 for delay in delays)


def test_owners_are_told_for_each_node(fake: FakeStandIn, outputs: dict[str, str], port: int, primary: Origin) -> None:
    """For the drill's check that no id has a wrong owner at any moment."""
    register(fake, outputs["Slot"], port)
    fake.client("elbv2").modify_rule(RuleArn=outputs["IdRule"], Conditions=routing.id_conditions(1002))
    fake.settle()
    owners = fake.load_balancers.owners_of("/batches/1002000000", port=port)
    assert [(owner.zone, owner.rule, owner.targets) for owner in owners] == [
        ("us-east-1a", "101", (primary.target,)),
        ("us-east-1b", "101", (primary.target,)),
    ]
    gone = fake.load_balancers.owners_of("/batches/1003000000", port=port)
    assert [(owner.rule, owner.status) for owner in gone] == [("900", 410)] * 2


def test_owner_by_header_is_told(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """A slot without member: 503, and from the right rule."""
    fake.settle()
    owners = fake.load_balancers.owners_of("/batches/x", port=port, headers={"X-Emr-Id-Prefix": "unused-1"})
    assert {(owner.rule, owner.status) for owner in owners} == {("201", 503)}


def test_requests_are_reported(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """To whom the drill named."""
    seen: list[tuple[object, ...]] = []
    fake.settle()
    fake.load_balancers.on_request = lambda *request: seen.append(request)
    ask(ROUTER, port, "/batches/5")
    eventually(lambda: bool(seen))
    assert seen[0][1:] == (ROUTER, port, "GET", "/batches/5", 410, "", "900")


def test_stack_can_be_deleted(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """Nothing listens and no name is left."""
    fake.client("cloudformation").delete_stack(StackName="front-door")
    assert fake.load_balancers.dns_names() == {}
    with pytest.raises(ConnectionRefusedError):
        ask(ROUTER, port, "/")


def test_port_in_use_is_told_with_the_remedy(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """Another drill on the same block, or anything else that listens there."""
    other = Origin(host=ROUTER)
    with pytest.raises(DrillError, match=f"{other.target}: port {other.target.port} is in use"):
        fake.client("elbv2").create_listener(
            LoadBalancerArn=outputs["RouterArn"],
            Protocol="HTTP",
            Port=other.target.port,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": outputs["Slot"]}],
        )
    other.close()


def test_nodes_of_a_lost_zone_answer_nobody_and_keep_their_names(
    fake: FakeStandIn, outputs: dict[str, str], port: int
) -> None:
    """The worst case: DNS goes on naming an address where nobody is (A11)."""
    names = fake.load_balancers.dns_names()
    fake.load_balancers.lose_zone("us-east-1a")
    for address in (ROUTER, DOOR):
        with pytest.raises(TimeoutError):
            socket.create_connection((address, port), timeout=0.3)
    socket.create_connection(("127.98.2.2", port), timeout=5).close()
    assert fake.load_balancers.dns_names() == names

    fake.load_balancers.regain_zone("us-east-1a")
    for address in (ROUTER, DOOR):
        socket.create_connection((address, port), timeout=5).close()


def test_a_node_of_a_lost_zone_owns_nothing(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    fake.load_balancers.lose_zone("us-east-1a")
    assert [answer.zone for answer in fake.load_balancers.owners_of("/x", port=port)] == ["us-east-1b"]

    fake.load_balancers.regain_zone("us-east-1a")
    assert [answer.zone for answer in fake.load_balancers.owners_of("/x", port=port)] == ["us-east-1a", "us-east-1b"]


def test_a_network_load_balancer_passes_nothing_on_to_a_lost_node_once_it_noticed(
    fake: FakeStandIn, outputs: dict[str, str]
) -> None:
    """Cross-zone: until then a share of the connections ends there."""
    balancers = fake.load_balancers
    (arn,) = [
        one["LoadBalancerArn"]
        for one in fake.client("elbv2").describe_load_balancers()["LoadBalancers"]
        if one["Type"] == "application"
    ]
    balancers.lose_zone("us-east-1a")
    fake.clock.sleep(load_balancers.GONE_NODE_NOTICED_SECONDS + 1)

    assert balancers._nodes_in_use(arn) == [("us-east-1b", "127.98.2.2")]
    assert len(balancers._nodes_of(arn)) == 2
