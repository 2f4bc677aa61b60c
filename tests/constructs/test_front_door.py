"""The front door."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core import routing

from ..synthesis import resources

LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"


def load_balancer(template: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(each for each in resources(template, LOAD_BALANCER).values() if each["Type"] == kind)


def attributes(properties: dict[str, Any]) -> dict[str, Any]:
    return {each["Key"]: each["Value"] for each in properties["LoadBalancerAttributes"]}


def listeners(template: dict[str, Any], protocol: str) -> dict[int, tuple[str, dict[str, Any]]]:
    """Logical id and properties by port."""
    return {
        properties["Port"]: (logical_id, properties)
        for logical_id, properties in resources(template, LISTENER).items()
        if properties["Protocol"] == protocol
    }


@pytest.mark.parametrize("kind", ["network", "application"])
def test_load_balancer_is_internal_and_in_every_zone(active_passive: dict[str, Any], kind: str) -> None:
    """A1, A4."""
    found = load_balancer(active_passive, kind)

    assert found["Scheme"] == "internal"
    assert len(found["Subnets"]) == 3
    assert len(found["SecurityGroups"]) == 1


def test_network_load_balancer_reaches_targets_of_every_zone(active_passive: dict[str, Any]) -> None:
    found = attributes(load_balancer(active_passive, "network"))

    assert found["load_balancing.cross_zone.enabled"] == "true"


def test_load_balancer_closes_idle_connections_before_livy_does(active_passive: dict[str, Any]) -> None:
    found = attributes(load_balancer(active_passive, "application"))

    assert int(found["idle_timeout.timeout_seconds"]) < 30


def test_load_balancer_drops_invalid_headers_and_logs_requests(active_passive: dict[str, Any]) -> None:
    found = attributes(load_balancer(active_passive, "application"))

    assert found["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert found["access_logs.s3.enabled"] == "true"


def test_each_service_has_a_port_of_its_own_on_both_load_balancers(active_passive: dict[str, Any]) -> None:
    """A10."""
    assert set(listeners(active_passive, "TCP")) == {8998, 8088, 9870}
    assert set(listeners(active_passive, "HTTP")) == {8998, 8088, 9870}


def test_network_listener_leads_to_the_same_port_of_the_load_balancer(active_passive: dict[str, Any]) -> None:
    groups = resources(active_passive, GROUP)

    for port, (_, listener) in listeners(active_passive, "TCP").items():
        group = groups[listener["DefaultActions"][0]["TargetGroupArn"]["Ref"]]
        assert group["TargetType"] == "alb"
        assert [target["Port"] for target in group["Targets"]] == [port]
        assert group["HealthCheckPath"] == routing.HEALTH_PATH
        assert group["HealthCheckProtocol"] == "HTTP"


def test_group_of_the_load_balancer_waits_for_its_listener(active_passive: dict[str, Any]) -> None:
    """Elastic Load Balancing refuses the target before the load balancer listens on that port."""
    http = {port: logical_id for port, (logical_id, _) in listeners(active_passive, "HTTP").items()}

    for resource in active_passive["Resources"].values():
        if resource["Type"] == GROUP and resource["Properties"]["TargetType"] == "alb":
            assert http[resource["Properties"]["Port"]] in resource["DependsOn"]


def test_every_listener_answers_the_health_path_itself(active_passive: dict[str, Any]) -> None:
    healthy = {
        rule["ListenerArn"]["Ref"]: rule["Actions"][0]["FixedResponseConfig"]["StatusCode"]
        for rule in resources(active_passive, RULE).values()
        if rule["Priority"] == routing.HEALTH_PRIORITY and rule["Conditions"] == routing.health_conditions()
    }

    assert healthy == {logical_id: "200" for logical_id, _ in listeners(active_passive, "HTTP").values()}


def test_ids_of_nobody_are_answered_410_with_json(active_passive: dict[str, Any]) -> None:
    gone = {
        rule["Priority"]: rule
        for rule in resources(active_passive, RULE).values()
        if rule["Priority"] >= routing.GONE_PRIORITY
    }

    assert [gone[priority]["Conditions"] for priority in sorted(gone)] == list(routing.gone_rules())
    for rule in gone.values():
        assert rule["Actions"][0]["FixedResponseConfig"] == {
            "StatusCode": "410",
            "ContentType": "application/json",
            "MessageBody": routing.GONE_BODY,
        }


def test_priorities_of_a_listener_are_unique(active_passive: dict[str, Any]) -> None:
    places = [(rule["ListenerArn"]["Ref"], rule["Priority"]) for rule in resources(active_passive, RULE).values()]

    assert len(set(places)) == len(places)


def test_everything_else_goes_to_what_is_in_service(active_passive: dict[str, Any]) -> None:
    _, listener = listeners(active_passive, "HTTP")[8998]

    assert listener["DefaultActions"][0]["TargetGroupArn"]["Ref"].startswith("FrontDoorBalanced")


@pytest.mark.parametrize(
    ("port", "path"),
    [
        (8998, "/version"),
        (8088, "/ws/v1/cluster/info"),
        (9870, "/jmx?qry=Hadoop:service=NameNode,name=NameNodeStatus"),
    ],
)
def test_members_are_checked_by_what_their_service_answers(
    active_passive: dict[str, Any], port: int, path: str
) -> None:
    """A5: health checks decide who gets requests."""
    _, listener = listeners(active_passive, "HTTP")[port]
    group = resources(active_passive, GROUP)[listener["DefaultActions"][0]["TargetGroupArn"]["Ref"]]

    assert group["HealthCheckPath"] == path
    assert group["Matcher"] == {"HttpCode": "200"}
    assert (group["HealthCheckIntervalSeconds"], group["HealthyThresholdCount"]) == (5, 2)
    assert group["UnhealthyThresholdCount"] == 2
    assert group["HealthCheckTimeoutSeconds"] < group["HealthCheckIntervalSeconds"]


def test_members_of_groups_are_left_to_the_controller(active_passive: dict[str, Any]) -> None:
    for group in resources(active_passive, GROUP).values():
        if group["TargetType"] == "ip":
            assert "Targets" not in group


def rules_between(template: dict[str, Any], kind: str, group: str) -> set[tuple[int, str]]:
    """Ports and peers of the rules of the security group whose logical id begins with *group*."""
    found = set()
    for rule in resources(template, f"AWS::EC2::SecurityGroup{kind}").values():
        if str(rule["GroupId"]).find(group) >= 0:
            peer = rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId") or rule.get("CidrIp")
            assert rule["FromPort"] == rule["ToPort"]
            found.add((rule["FromPort"], str(peer)))
    return found


def test_only_named_groups_reach_livy_and_nobody_the_web_interfaces(active_passive: dict[str, Any]) -> None:
    admitted = rules_between(active_passive, "Ingress", "FrontDoorNetworkGroup")

    assert {port for port, _ in admitted} == {8998}
    assert {next(name for name in ("LivyClients", "ProbersGroup") if name in peer) for _, peer in admitted} == {
        "LivyClients",
        "ProbersGroup",
    }


def test_front_door_may_go_to_the_load_balancer_and_no_further(active_passive: dict[str, Any]) -> None:
    allowed = rules_between(active_passive, "Egress", "FrontDoorNetworkGroup")

    assert {port for port, _ in allowed} == {8998, 8088, 9870}
    assert all("FrontDoorRoutingGroup" in peer for _, peer in allowed)


def test_load_balancer_may_go_to_primaries_on_the_ports_of_services(active_passive: dict[str, Any]) -> None:
    allowed = rules_between(active_passive, "Egress", "FrontDoorRoutingGroup")

    assert {port for port, _ in allowed} == {8998, 8088, 9870}
    assert all("AdditionalPrimary" in peer for _, peer in allowed)


def test_primaries_admit_the_load_balancer_and_the_probers(active_passive: dict[str, Any]) -> None:
    """A5."""
    admitted = rules_between(active_passive, "Ingress", "AdditionalPrimary")

    for name in ("FrontDoorRoutingGroup", "ProbersGroup"):
        assert {port for port, peer in admitted if name in peer} == {8998, 8088, 9870}
