"""A deployment of another strategy than those that are shipped: what is data."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emr_dr.incarnation_template import STATE_DIRECTORY
from emr_dr.settings import Settings
from stacks.deployment import Deployment
from stacks.platform import Platform
from stacks.strategy import Strategy

from ..synthesis import function_config, new_app, resources, templates


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A deployment of two managed clusters with settings of its own."""
    app = new_app(tmp_path_factory.mktemp("other"))
    settings = Settings.parse(
        {
            "region": "eu-west-1",
            "network": {"availability_zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]},
            "cluster": {"availability_zone_preference": ["eu-west-1c"]},
            "front_door": {
                "livy_clients": ["10.1.0.0/16"],
                "web_interface_clients": ["10.2.0.0/16", "sg-0123456789abcdef0"],
            },
        }
    )
    Deployment(
        app,
        "Two",
        strategy=Strategy(name="two", managed_clusters=("a", "b"), slots=5),
        settings=settings,
        platform=Platform(app, "Platform", settings=settings),
    )
    return templates(app)["Two"]


def custom_resources(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        resource["Properties"]["Name"]: {**resource, "LogicalId": logical_id}
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "Custom::EmrManagedCluster"
    }


def test_strategy_decides_how_many_managed_clusters_and_slots(other: dict[str, Any]) -> None:
    groups = resources(other, "AWS::ElasticLoadBalancingV2::TargetGroup")

    assert custom_resources(other).keys() == {"a", "b"}
    assert sum("Slots" in logical_id for logical_id in groups) == 5


def test_managed_clusters_change_one_after_the_other(other: dict[str, Any]) -> None:
    found = custom_resources(other)

    assert found["a"]["LogicalId"] in found["b"]["DependsOn"]


def test_web_interfaces_of_further_managed_clusters_have_ports_of_their_own(other: dict[str, Any]) -> None:
    ports = {each["Port"] for each in resources(other, "AWS::ElasticLoadBalancingV2::Listener").values()}

    assert ports == {8998, 8088, 9870, 18088, 19870}


def test_preferred_zones_come_first_in_what_functions_know(other: dict[str, Any]) -> None:
    failover = next(
        each
        for each in resources(other, "AWS::Lambda::Function").values()
        if each["FunctionName"] == "emr-dr-two-failover"
    )
    config = function_config(failover)

    assert config is not None
    assert [each.availability_zone for each in config.subnets] == ["eu-west-1c", "eu-west-1a", "eu-west-1b"]


def test_outputs_name_what_a_person_works_with(active_passive: dict[str, Any]) -> None:
    """Who is woken at night has the names at hand."""
    outputs = {name: each["Value"] for name, each in active_passive["Outputs"].items()}

    assert "ControllerControlFunction" in str(outputs["ControlFunction"])
    assert "ControllerMachinesOperation" in str(outputs["OperationStateMachine"])
    assert "ControllerMachinesRetirement" in str(outputs["RetirementStateMachine"])
    assert "FrontDoorBalanced" in str(outputs["BalancedTargetGroup"])


def test_functions_know_the_published_scripts(active_passive: dict[str, Any]) -> None:
    """Steps run the very files that the incarnation template names."""
    failover = next(
        each
        for each in resources(active_passive, "AWS::Lambda::Function").values()
        if each["FunctionName"] == "emr-dr-active-passive-failover"
    )
    text = str(failover["Environment"]["Variables"]["EMR_DR_CONFIG"])
    scripts = text[text.index("scripts") : text.index("policy")]
    spec = str(custom_resources(active_passive)["a"]["Properties"]["Parameters"])
    seed = re.findall(r"([0-9a-f]{64}\.sh)", spec[spec.index("SeedScriptUri") :])[0]

    assert seed in scripts
    assert len(set(re.findall(r"[0-9a-f]{64}\.sh", scripts))) == 2
    assert STATE_DIRECTORY in scripts


def test_clients_that_settings_name_are_admitted_to_their_ports(other: dict[str, Any]) -> None:
    """A5."""
    network_group = next(
        each
        for logical_id, each in resources(other, "AWS::EC2::SecurityGroup").items()
        if logical_id.startswith("FrontDoorNetworkGroup")
    )
    found = {
        (each.get("CidrIp") or each["SourceSecurityGroupId"], each["FromPort"])
        for each in network_group["SecurityGroupIngress"]
    }
    web_interfaces = {8088, 9870, 18088, 19870}

    assert found == {
        ("10.1.0.0/16", 8998),
        *((client, port) for client in ("10.2.0.0/16", "sg-0123456789abcdef0") for port in web_interfaces),
    }


def test_airflow_adds_a_connection_to_a_strategy_and_changes_nothing_else(
    with_airflow: dict[str, dict[str, Any]], active_passive: dict[str, Any], active_active: dict[str, Any]
) -> None:
    """A5: Airflow carries the clients' group, so front doors admit nobody new; it can come and go without them."""
    for stack, without in (("ActivePassive", active_passive), ("ActiveActive", active_active)):
        found = with_airflow[stack]
        added = {name: each for name, each in found["Resources"].items() if name not in without["Resources"]}

        assert [each["Type"] for each in added.values()] == ["AWS::SecretsManager::Secret"]
        assert {name: each for name, each in found["Resources"].items() if name not in added} == without["Resources"]
        assert found["Outputs"].keys() - without["Outputs"].keys() == {"LivyConnection"}
