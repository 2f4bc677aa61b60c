"""What the ELBv2 API of the stand-in refuses and answers, where moto alone would be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core import routing
from emr_drill.stand_in import load_balancers_moto
from tests.drill.front_door.world import free_port

from .load_balancer_world import FakeStandIn, deploy, stand_in, states

PRIMARY = "127.98.1.10"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeStandIn]:
    """One for all tests, which leave it as it was."""
    with stand_in(tmp_path_factory.mktemp("front-door")) as made:
        yield made


@pytest.fixture(scope="module")
def port() -> int:
    return free_port(PRIMARY)


@pytest.fixture(scope="module")
def outputs(fake: FakeStandIn, port: int) -> dict[str, str]:
    """The deployed front door."""
    return deploy(fake, port)


def test_deregistering_is_idempotent(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """A target that is not registered is no error."""
    for _ in range(2):
        fake.client("elbv2").deregister_targets(
            TargetGroupArn=outputs["Balanced"], Targets=[{"Id": PRIMARY, "Port": port}]
        )
    assert states(fake, outputs["Balanced"]) == {}


def test_target_that_was_never_registered_is_unused(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """If asked for by name."""
    targets = [{"Id": PRIMARY, "Port": port}]
    assert states(fake, outputs["Balanced"], Targets=targets) == {PRIMARY: "unused"}


def test_modified_rule_is_described_as_given(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """RegexValues come back, so that the controller can compare."""
    client = fake.client("elbv2")
    client.modify_rule(RuleArn=outputs["IdRule"], Conditions=routing.id_conditions(1002))
    rule = client.describe_rules(RuleArns=[outputs["IdRule"]])["Rules"][0]
    assert rule["Conditions"] == routing.id_conditions(1002)


def test_rule_beyond_the_quota_is_refused(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """As on AWS, by the API."""
    conditions = [{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": [f"^/{n}$" for n in range(6)]}}]
    with pytest.raises(ClientError, match="A rule can only have '5' condition values"):
        fake.client("elbv2").modify_rule(RuleArn=outputs["IdRule"], Conditions=conditions)


def test_a_network_listener_with_encryption_is_refused(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """The data path speaks TLS at the application load balancer alone, and says so instead of pretending."""
    with pytest.raises(ClientError, match="allowed: HTTP, HTTPS, TCP"):
        fake.client("elbv2").create_listener(
            LoadBalancerArn=outputs["DoorArn"],
            Protocol="TLS",
            Port=8443,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": outputs["Slot"]}],
        )


def test_a_listener_with_an_unknown_certificate_is_refused(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """As on AWS, when the listener is made and not when somebody connects."""
    with pytest.raises(ClientError, match="ertificate"):
        fake.client("elbv2").create_listener(
            LoadBalancerArn=outputs["RouterArn"],
            Protocol="HTTPS",
            Port=8443,
            Certificates=[{"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/none"}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": outputs["Slot"]}],
        )


@pytest.mark.parametrize(
    "target",
    [{"Id": "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/none/1"}, {"Id": "10.0.0.1"}],
)
def test_group_of_a_load_balancer_takes_nothing_else(
    fake: FakeStandIn, outputs: dict[str, str], target: dict[str, Any]
) -> None:
    """Target groups of type alb."""
    with pytest.raises(ClientError, match="no application load balancer"):
        fake.client("elbv2").register_targets(TargetGroupArn=outputs["Doorway"], Targets=[target])


def test_group_of_addresses_takes_addresses(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """And not names."""
    with pytest.raises(ClientError, match="not a valid IPv4 address"):
        fake.client("elbv2").register_targets(TargetGroupArn=outputs["Slot"], Targets=[{"Id": "primary"}])


def test_second_listener_on_a_port_is_refused(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """One listener to a port."""
    with pytest.raises(ClientError, match="DuplicateListener"):
        fake.client("elbv2").create_listener(
            LoadBalancerArn=outputs["RouterArn"],
            Protocol="HTTP",
            Port=port,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": outputs["Slot"]}],
        )


@pytest.fixture
def rule(fake: FakeStandIn, outputs: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Arguments for a rule of the listener, whose default action is taken if the test says nothing else."""
    yield {
        "ListenerArn": outputs["Listener"],
        "Priority": 500,
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/x"]}}],
        "Actions": [{"Type": "forward", "TargetGroupArn": outputs["Slot"]}],
    }


def test_action_that_the_data_path_does_not_carry_out_is_refused(fake: FakeStandIn, rule: dict[str, Any]) -> None:
    """Rather than taken and ignored."""
    redirect = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Port": "443"}}
    with pytest.raises(ClientError, match="Action 'redirect' is not carried out here; allowed: forward"):
        fake.client("elbv2").create_rule(**{**rule, "Actions": [redirect]})


def test_fixed_response_beyond_the_limit_is_refused(fake: FakeStandIn, rule: dict[str, Any]) -> None:
    config = {"StatusCode": "410", "ContentType": "text/plain", "MessageBody": "x" * 1025}
    with pytest.raises(ClientError, match="has 1025 characters; the limit is 1024"):
        fake.client("elbv2").create_rule(
            **{**rule, "Actions": [{"Type": "fixed-response", "FixedResponseConfig": config}]}
        )


def test_priority_in_use_is_refused(fake: FakeStandIn, rule: dict[str, Any]) -> None:
    """Also where a template gave the other one, as a number."""
    with pytest.raises(ClientError, match="PriorityInUse"):
        fake.client("elbv2").create_rule(**{**rule, "Priority": 101})


def test_rules_beyond_the_quota_are_refused(
    fake: FakeStandIn, rule: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front door has four already."""
    monkeypatch.setattr(load_balancers_moto, "RULES", 4)
    with pytest.raises(ClientError, match="A load balancer can only have '4' rules"):
        fake.client("elbv2").create_rule(**rule)


def test_load_balancers_name_is_taken(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    client = fake.client("elbv2")
    door = client.describe_load_balancers(LoadBalancerArns=[outputs["DoorArn"]])["LoadBalancers"][0]
    subnets = [zone["SubnetId"] for zone in door["AvailabilityZones"]]
    with pytest.raises(ClientError, match="DuplicateLoadBalancerName"):
        client.create_load_balancer(Name=door["LoadBalancerName"], Subnets=subnets)


def test_load_balancers_have_names_of_their_kind(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    assert outputs["DoorName"].endswith(".elb.us-east-1.amazonaws.com")
    assert outputs["RouterName"].endswith(".us-east-1.elb.amazonaws.com")
    assert outputs["DoorName"] == outputs["DoorName"].lower()


def test_group_of_a_load_balancer_needs_its_listener(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    target = {"Id": outputs["RouterArn"], "Port": port + 1}
    with pytest.raises(ClientError, match="needs a listener on the group's port"):
        fake.client("elbv2").register_targets(TargetGroupArn=outputs["Doorway"], Targets=[target])


def test_registering_the_same_target_twice_keeps_one(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    client = fake.client("elbv2")
    targets = [{"Id": PRIMARY, "Port": port}]
    for _ in range(2):
        client.register_targets(TargetGroupArn=outputs["Slot"], Targets=targets)
    registered = states(fake, outputs["Slot"])
    client.deregister_targets(TargetGroupArn=outputs["Slot"], Targets=targets)

    assert list(registered) == [PRIMARY]


def test_target_of_an_unknown_group_is_refused(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        fake.client("elbv2").register_targets(TargetGroupArn=outputs["Slot"] + "0", Targets=[{"Id": PRIMARY}])


class Follower:
    """A data path that counts."""

    def __init__(self) -> None:
        self.refreshed = 0

    def refresh(self) -> None:
        self.refreshed += 1

    def target_health(self, group_arn: str) -> list[tuple[str, int, str, str | None, str | None]]:
        return [(PRIMARY, 8998, "unhealthy", "Target.Timeout", "told")]


@pytest.fixture
def follower(fake: FakeStandIn) -> Iterator[Follower]:
    """Follows the API in place of the stand-in's load balancers."""
    made = Follower()
    load_balancers_moto.connect(made)
    yield made
    load_balancers_moto.connect(fake.load_balancers)


def test_each_change_reaches_the_data_path_once(fake: FakeStandIn, outputs: dict[str, str], follower: Follower) -> None:
    """However often the patches were put in place."""
    load_balancers_moto.connect(follower)
    fake.client("elbv2").modify_rule(RuleArn=outputs["IdRule"], Conditions=routing.unused_id_conditions(1))

    assert follower.refreshed == 1


def test_reading_is_no_change(fake: FakeStandIn, outputs: dict[str, str], follower: Follower) -> None:
    fake.client("elbv2").describe_rules(ListenerArn=outputs["Listener"])

    assert follower.refreshed == 0


def test_health_is_what_the_data_path_says(fake: FakeStandIn, outputs: dict[str, str], follower: Follower) -> None:
    answer = fake.client("elbv2").describe_target_health(TargetGroupArn=outputs["Slot"])

    (entry,) = answer["TargetHealthDescriptions"]
    assert (entry["Target"], entry["TargetHealth"]) == (
        {"Id": PRIMARY, "Port": 8998},
        {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "told"},
    )


def test_data_path_that_was_let_go_hears_nothing(
    fake: FakeStandIn, outputs: dict[str, str], follower: Follower
) -> None:
    load_balancers_moto.disconnect(follower)
    fake.client("elbv2").modify_rule(RuleArn=outputs["IdRule"], Conditions=routing.unused_id_conditions(1))

    assert follower.refreshed == 0


def test_letting_go_of_another_data_path_changes_nothing(
    fake: FakeStandIn, outputs: dict[str, str], follower: Follower
) -> None:
    """A stand-in that stops late must not silence the next one."""
    load_balancers_moto.disconnect(Follower())
    fake.client("elbv2").modify_rule(RuleArn=outputs["IdRule"], Conditions=routing.unused_id_conditions(1))

    assert follower.refreshed == 1
