"""CloudFormation's cluster as RunJobFlow wants it."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.stand_in.emr_properties import coerce_cluster_properties

PROPERTIES: dict[str, Any] = {
    "Name": "a-g1",
    "VisibleToAllUsers": "true",
    "StepConcurrencyLevel": "1",
    "Instances": {
        "Ec2SubnetId": "subnet-1",
        "TerminationProtected": "false",
        "MasterInstanceGroup": {"InstanceCount": "1", "InstanceType": "m5.xlarge"},
        "CoreInstanceGroup": {"InstanceCount": "2", "InstanceType": "m5.xlarge"},
        "TaskInstanceGroups": [{"InstanceCount": 3, "InstanceType": "m5.xlarge"}],
    },
    "Configurations": [{"Classification": "yarn-site", "ConfigurationProperties": {"a": True, "b": 1, "c": "x"}}],
    "Steps": [
        {"Name": "s", "HadoopJarStep": {"Jar": "j", "Args": [1], "StepProperties": [{"Key": "k", "Value": "v"}]}}
    ],
}


def test_strings_become_what_the_api_wants() -> None:
    found = coerce_cluster_properties(PROPERTIES)

    assert (found["VisibleToAllUsers"], found["StepConcurrencyLevel"]) == (True, 1)
    assert found["Instances"]["TerminationProtected"] is False


def test_instance_groups_get_their_roles() -> None:
    groups = coerce_cluster_properties(PROPERTIES)["Instances"]["InstanceGroups"]

    assert [(one["InstanceRole"], one["InstanceCount"]) for one in groups] == [("MASTER", 1), ("CORE", 2), ("TASK", 3)]


def test_properties_that_have_another_name_are_renamed() -> None:
    found = coerce_cluster_properties(PROPERTIES)

    assert found["Configurations"][0]["Properties"] == {"a": "true", "b": "1", "c": "x"}
    assert found["Steps"][0]["HadoopJarStep"] == {"Jar": "j", "Args": ["1"], "Properties": [{"Key": "k", "Value": "v"}]}


def test_fleets_get_their_types() -> None:
    found = coerce_cluster_properties(
        {"Name": "a", "Instances": {"MasterInstanceFleet": {"TargetOnDemandCapacity": "1"}}}
    )

    assert found["Instances"]["InstanceFleets"] == [{"InstanceFleetType": "MASTER", "TargetOnDemandCapacity": 1}]


def test_a_cluster_is_kept_after_its_steps() -> None:
    assert coerce_cluster_properties({"Name": "a"})["Instances"] == {"KeepJobFlowAliveWhenNoSteps": True}


def test_the_given_properties_stay_as_they_are() -> None:
    coerce_cluster_properties(PROPERTIES)

    assert "MasterInstanceGroup" in PROPERTIES["Instances"]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Nmae": "a"}, r"AWS::EMR::Cluster has no property Nmae; allowed: .*Name"),
        ({"VisibleToAllUsers": "maybe"}, r"AWS::EMR::Cluster\.VisibleToAllUsers must be of type boolean, got 'maybe'"),
        ({"EbsRootVolumeSize": "big"}, r"AWS::EMR::Cluster\.EbsRootVolumeSize must be of type integer, got 'big'"),
        ({"Tags": "x"}, r"AWS::EMR::Cluster\.Tags must be a list, got 'x'"),
        ({"Name": ["x"]}, r"AWS::EMR::Cluster\.Name must be a string, got \['x'\]"),
    ],
)
def test_what_the_api_does_not_take_is_refused(properties: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        coerce_cluster_properties(properties)
