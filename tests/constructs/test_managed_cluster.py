"""The custom resource that stands for a managed cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from emr_dr.incarnation_template import STATIC_PARAMETERS

RESOURCE_TYPE = "Custom::EmrManagedCluster"


def custom_resource(template: dict[str, Any]) -> dict[str, Any]:
    found = [each for each in template["Resources"].values() if each["Type"] == RESOURCE_TYPE]
    assert len(found) == 1
    return dict(found[0])


def references(value: Any) -> Iterator[str]:
    """Logical ids that a value refers to."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [name, _]}:
            yield name
        case dict():
            for item in value.values():
                yield from references(item)
        case list():
            for item in value:
                yield from references(item)


def made_before(template: dict[str, Any], resource: dict[str, Any]) -> set[str]:
    """Everything that CloudFormation makes before *resource* and deletes after it."""
    found: set[str] = set()
    waiting = [resource]
    while waiting:
        current = waiting.pop()
        depends = current.get("DependsOn", [])
        names = {*([depends] if isinstance(depends, str) else depends), *references(current.get("Properties", {}))}
        for name in (names - found) & template["Resources"].keys():
            found.add(name)
            waiting.append(template["Resources"][name])
    return found


def test_cloudformation_asks_for_the_cluster_by_its_name(active_passive: dict[str, Any]) -> None:
    properties = custom_resource(active_passive)["Properties"]

    assert (properties["Deployment"], properties["Name"]) == ("emr-dr-active-passive", "a")
    assert properties["ServiceTimeout"] == "3600"


def test_no_change_of_its_function_looks_like_one_of_the_managed_cluster(active_passive: dict[str, Any]) -> None:
    """B13: a change set lists whatever refers to an attribute of something changed as changed, perhaps replaced."""
    token = custom_resource(active_passive)["Properties"]["ServiceToken"]

    assert "Fn::GetAtt" not in json.dumps(token)
    assert json.dumps(token).endswith(':function:emr-dr-active-passive-managed-cluster"]]}')


def test_a_diff_shows_whether_it_moves(active_passive: dict[str, Any]) -> None:
    """B13: in words, besides the address of a template whose name is a hash."""
    assert custom_resource(active_passive)["Properties"]["MovesWhenChanged"].startswith("emr-7.13.0, primary ")


def test_template_is_the_published_one(active_passive: dict[str, Any]) -> None:
    url = custom_resource(active_passive)["Properties"]["TemplateUrl"]["Fn::Sub"]

    assert url.startswith("https://s3.${AWS::Region}.${AWS::URLSuffix}/")
    assert url.endswith(".json")


def test_parameters_are_those_that_are_the_same_for_every_incarnation(active_passive: dict[str, Any]) -> None:
    separator, parts = custom_resource(active_passive)["Properties"]["Parameters"]["Fn::Join"]
    text = separator.join(part if isinstance(part, str) else "token" for part in parts)

    parameters = json.loads(text)
    assert parameters.keys() == STATIC_PARAMETERS.keys()
    assert list(parameters) == sorted(parameters)


def test_limits_and_tags_stand_beside_the_parameters(active_passive: dict[str, Any]) -> None:
    """A3: what differs in them alone is changed in place."""
    properties = custom_resource(active_passive)["Properties"]

    assert json.loads(properties["Scaling"]) == {"minimum_instances": 2, "maximum_instances": 10}
    assert json.loads(properties["Tags"]) == {}


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
        "AWS::StepFunctions::StateMachine",
        "AWS::DynamoDB::Table",
        "AWS::Events::Rule",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::Scheduler::Schedule",
        "AWS::SQS::Queue",
    ],
)
def test_what_a_launch_and_a_retirement_need_outlives_the_cluster(active_passive: dict[str, Any], kind: str) -> None:
    """Deleting runs in the opposite order: the cluster first, then what cleans up after it."""
    needed = {logical_id for logical_id, resource in active_passive["Resources"].items() if resource["Type"] == kind}

    assert needed
    assert needed <= made_before(active_passive, custom_resource(active_passive))


def test_nothing_waits_for_the_cluster(active_passive: dict[str, Any]) -> None:
    """What waits for it would be deleted before it."""
    name = next(
        logical_id for logical_id, resource in active_passive["Resources"].items() if resource["Type"] == RESOURCE_TYPE
    )

    for resource in active_passive["Resources"].values():
        assert name not in references(resource)
        assert name not in resource.get("DependsOn", [])
