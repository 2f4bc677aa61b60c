"""What an incarnation is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack

from dr_core.id_ranges import FIRST_PREFIX, PREFIXES, first_id
from emr_dr.incarnation_instances import GROUP_LIMITS
from emr_dr.incarnation_template import (
    DYNAMIC_PARAMETERS,
    STATE_DIRECTORY,
    STATIC_PARAMETERS,
    IncarnationCluster,
    classifications,
)
from emr_dr.settings import CANARY_FILE, Settings

from ..synthesis import new_app, only, templates


def synthesize(folder: Path, settings: Settings) -> dict[str, Any]:
    app = new_app(folder)
    IncarnationCluster(Stack(app, "Stack"), "Incarnation", settings=settings)
    return templates(app)["Stack"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return only(synthesize(tmp_path_factory.mktemp("cluster"), Settings()), "AWS::EMR::Cluster")


def configuration(**values: Any) -> dict[str, dict[str, str]]:
    return classifications(Settings.parse(values))


def test_the_cluster_has_its_fixed_logical_id_and_output(tmp_path: Path) -> None:
    template = synthesize(tmp_path, Settings())

    assert template["Resources"]["Cluster"]["Type"] == "AWS::EMR::Cluster"
    assert template["Outputs"] == {"ClusterId": {"Value": {"Ref": "Cluster"}}}


def test_the_name_says_deployment_managed_cluster_and_generation(cluster: dict[str, Any]) -> None:
    assert cluster["Name"] == {"Fn::Sub": "${Deployment}-${ManagedCluster}-g${Generation}"}


def test_release_and_machines_come_from_the_settings(tmp_path: Path) -> None:
    """A14: nothing is hard-coded."""
    settings = Settings.parse(
        {
            "cluster": {
                "release_label": "emr-7.9.0",
                "primary_instance_type": "m6g.xlarge",
                "core_instance_type": "r6g.2xlarge",
            }
        }
    )

    cluster = only(synthesize(tmp_path, settings), "AWS::EMR::Cluster")

    groups = cluster["Instances"]
    assert cluster["ReleaseLabel"] == "emr-7.9.0"
    assert groups["MasterInstanceGroup"]["InstanceType"] == "m6g.xlarge"
    assert groups["CoreInstanceGroup"]["InstanceType"] == "r6g.2xlarge"


def test_one_primary(cluster: dict[str, Any]) -> None:
    assert cluster["Instances"]["MasterInstanceGroup"]["InstanceCount"] == 1


def test_emr_scales_between_the_limits_that_a_launch_is_given(cluster: dict[str, Any]) -> None:
    """A3: starts at the least capacity, managed scaling does the rest."""
    minimum, maximum = {"Ref": "MinimumInstances"}, {"Ref": "MaximumInstances"}
    assert cluster["ManagedScalingPolicy"]["ComputeLimits"] == {
        "UnitType": "Instances",
        "MinimumCapacityUnits": minimum,
        "MaximumCapacityUnits": maximum,
        "MaximumCoreCapacityUnits": maximum,
        "MaximumOnDemandCapacityUnits": maximum,
    }
    assert cluster["Instances"]["CoreInstanceGroup"]["InstanceCount"] == minimum


def test_limits_are_numbers_that_emr_takes(tmp_path: Path) -> None:
    parameters = synthesize(tmp_path, Settings())["Parameters"]

    for name in GROUP_LIMITS:
        assert (parameters[name]["Type"], parameters[name]["MinValue"]) == ("Number", 1)


def test_limits_and_tags_of_the_settings_are_no_part_of_the_text(tmp_path: Path) -> None:
    """A14: another text would be another incarnation, and EMR changes these on a cluster that runs."""
    limits = {"minimum_instances": 4, "maximum_instances": 9, "maximum_instances_alone": 12}
    changed = Settings.parse({"cluster": {**limits, "tags": {"cost-center": "analytics"}}})

    assert synthesize(tmp_path / "changed", changed) == synthesize(tmp_path / "plain", Settings())


def test_the_cluster_outlives_its_steps(cluster: dict[str, Any]) -> None:
    assert cluster["Instances"]["KeepJobFlowAliveWhenNoSteps"] is True


def test_a_launch_that_failed_can_be_deleted(cluster: dict[str, Any]) -> None:
    """A12: protection is set once the incarnation is in service."""
    assert cluster["Instances"]["TerminationProtected"] is False


def test_unhealthy_nodes_are_replaced(cluster: dict[str, Any]) -> None:
    assert cluster["Instances"]["UnhealthyNodeReplacement"] is True


def test_no_key_pair_opens_a_machine(cluster: dict[str, Any]) -> None:
    assert "Ec2KeyName" not in cluster["Instances"]


def test_load_balancers_reach_the_primary_through_a_group_that_emr_leaves_alone(cluster: dict[str, Any]) -> None:
    """A5."""
    assert cluster["Instances"]["AdditionalMasterSecurityGroups"] == [{"Ref": "AdditionalPrimarySecurityGroup"}]


def test_logs_go_to_s3_under_the_platforms_key(cluster: dict[str, Any]) -> None:
    """A2, B8, B9: EMR asks for AES-256 by name where no key is given, whatever the bucket's default."""
    assert cluster["LogUri"] == {"Ref": "LogUri"}
    assert cluster["LogEncryptionKmsKeyId"] == {"Ref": "LogKey"}


def test_steps_seed_the_ids_and_install_the_canary(cluster: dict[str, Any]) -> None:
    steps = [(step["Name"], step["HadoopJarStep"]["Args"]) for step in cluster["Steps"]]

    assert steps == [
        ("seed-livy", [{"Ref": "SeedScriptUri"}, {"Ref": "FirstId"}, STATE_DIRECTORY]),
        ("install-canary", [{"Ref": "CanaryScriptUri"}, CANARY_FILE]),
    ]


def test_a_failed_step_leaves_the_verdict_to_verify(cluster: dict[str, Any]) -> None:
    assert {step["ActionOnFailure"] for step in cluster["Steps"]} == {"CONTINUE"}


def test_tags_name_deployment_managed_cluster_generation_and_operation(cluster: dict[str, Any]) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in cluster["Tags"]}

    assert tags == {
        "emr-dr:deployment": {"Ref": "Deployment"},
        "emr-dr:managed-cluster": {"Ref": "ManagedCluster"},
        "emr-dr:generation": {"Ref": "Generation"},
        "emr-dr:operation": {"Ref": "Operation"},
        "for-use-with-amazon-emr-managed-policies": "true",
    }


def test_every_parameter_is_used(tmp_path: Path) -> None:
    template = synthesize(tmp_path, Settings())
    text = str(template["Resources"])

    unused = [
        name
        for name in [*STATIC_PARAMETERS, *DYNAMIC_PARAMETERS, *GROUP_LIMITS]
        if f"{{'Ref': '{name}'}}" not in text and f"${{{name}}}" not in text
    ]

    assert unused == []


@pytest.mark.parametrize("prefix", [FIRST_PREFIX, FIRST_PREFIX + 1, FIRST_PREFIX + PREFIXES - 1])
def test_the_first_id_of_every_range_is_accepted(prefix: int) -> None:
    assert re.fullmatch(DYNAMIC_PARAMETERS["FirstId"][1], str(first_id(prefix)))


def test_the_first_id_of_no_range_is_refused() -> None:
    assert re.fullmatch(DYNAMIC_PARAMETERS["FirstId"][1], "0") is None


def test_livy_keeps_ids_and_batches_over_a_restart() -> None:
    livy = configuration()["livy-conf"]

    assert livy["livy.server.recovery.mode"] == "recovery"
    assert livy["livy.server.recovery.state-store.url"] == f"file://{STATE_DIRECTORY}"


def test_drivers_run_on_the_cluster_and_not_beside_livy() -> None:
    """A12: a repair restarts Livy, and jobs live on."""
    livy = configuration()["livy-conf"]

    assert (livy["livy.spark.master"], livy["livy.spark.deploy-mode"]) == ("yarn", "cluster")


def test_livy_remembers_ended_batches_as_long_as_the_settings_say() -> None:
    livy = configuration(cluster={"finished_batch_retention_hours": 2})["livy-conf"]

    assert livy["livy.server.session.state-retain.sec"] == "7200s"


def test_services_listen_on_their_own_ports_unless_settings_change_them() -> None:
    plain = configuration()

    assert "yarn.resourcemanager.webapp.address" not in plain["yarn-site"]
    assert "dfs.namenode.http-address" not in plain["hdfs-site"]


def test_services_listen_on_the_ports_of_the_settings() -> None:
    """A10: ports can be changed."""
    ports = {"livy_port": 9001, "resource_manager_port": 9002, "name_node_port": 9003}
    changed = configuration(front_door=ports)

    assert changed["livy-conf"]["livy.server.port"] == "9001"
    assert changed["yarn-site"]["yarn.resourcemanager.webapp.address"] == "${yarn.resourcemanager.hostname}:9002"
    assert changed["hdfs-site"]["dfs.namenode.http-address"] == "0.0.0.0:9003"


def test_nobody_submits_applications_over_rest() -> None:
    """B8: the ResourceManager would run them as any user that a request names."""
    assert configuration()["yarn-site"]["yarn.webapp.enable-rest-app-submissions"] == "false"


@pytest.mark.parametrize("user", ["hdfs", "hadoop", "livy", "dr.who", "_x"])
def test_nobody_claims_to_be_a_user_over_webhdfs(user: str) -> None:
    """B8: WebHDFS believes the name in a request; the NameNode refuses names that do not match."""
    assert re.match(configuration()["hdfs-site"]["dfs.webhdfs.user.provider.user.pattern"], user) is None


def test_spark_gets_the_defaults_of_the_settings() -> None:
    settings = {"spark_defaults": {"spark.sql.shuffle.partitions": "400"}}

    assert configuration(cluster=settings)["spark-defaults"] == {"spark.sql.shuffle.partitions": "400"}


def test_no_empty_classification_reaches_emr() -> None:
    assert "spark-defaults" not in configuration()


def test_spark_takes_its_tables_from_the_catalogue_where_settings_name_databases() -> None:
    """B14."""
    assert "spark-hive-site" not in configuration()

    found = configuration(permissions={"read_databases": ["raw"]})["spark-hive-site"]

    assert found["hive.metastore.client.factory.class"].endswith("AWSGlueDataCatalogHiveClientFactory")
