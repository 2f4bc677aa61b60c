"""The connection of each strategy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..synthesis import only, resources

Templates = dict[str, dict[str, Any]]
HOST = "door.elb.example.org"


def connection(template: dict[str, Any]) -> dict[str, Any]:
    """What Airflow reads, with the load balancer's name in its place."""
    joined = only(template, "AWS::SecretsManager::Secret")["SecretString"]["Fn::Join"][1]
    found: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else HOST for part in joined))
    return found


@pytest.mark.parametrize(("stack", "name"), [("ActivePassive", "livy_default"), ("ActiveActive", "livy_active_active")])
def test_each_strategy_has_a_connection_of_its_own(with_airflow: Templates, stack: str, name: str) -> None:
    """A6: the default name for the strategy that the settings call default."""
    template = with_airflow[stack]

    assert only(template, "AWS::SecretsManager::Secret")["Name"] == f"airflow/connections/{name}"
    assert template["Outputs"]["LivyConnection"]["Value"] == name


def test_a_connection_says_where_livy_is_and_how_long_to_wait(with_airflow: Templates) -> None:
    """A6: the load balancer's name is the host; without a time limit a task would wait for ever."""
    assert connection(with_airflow["ActivePassive"]) == {
        "conn_type": "livy",
        "host": HOST,
        "port": 8998,
        "schema": "http",
        "extra": {"timeout": 30},
    }


def test_a_task_waits_longer_than_the_load_balancer_does(with_airflow: Templates) -> None:
    """A6: it says after its idle time-out that a cluster is silent, and that tells more than no answer does."""
    balancers = resources(with_airflow["ActivePassive"], "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    found = {
        one["Value"]
        for balancer in balancers
        for one in balancer.get("LoadBalancerAttributes", [])
        if one["Key"] == "idle_timeout.timeout_seconds"
    }
    (idle,) = found

    assert int(idle) < connection(with_airflow["ActivePassive"])["extra"]["timeout"]


def test_the_host_is_the_network_load_balancers_name(with_airflow: Templates) -> None:
    """A1, A6: the one that never changes."""
    joined = only(with_airflow["ActivePassive"], "AWS::SecretsManager::Secret")["SecretString"]["Fn::Join"][1]

    (host,) = (part for part in joined if not isinstance(part, str))
    assert host["Fn::GetAtt"][0].startswith("FrontDoorNetworkLoadBalancer")
    assert host["Fn::GetAtt"][1] == "DNSName"


def test_it_is_encrypted_with_the_platforms_key(with_airflow: Templates) -> None:
    """B8."""
    assert "StorageKey" in json.dumps(only(with_airflow["ActivePassive"], "AWS::SecretsManager::Secret")["KmsKeyId"])


def test_an_environment_that_is_made_here_reads_it_by_its_role_alone(with_airflow: Templates) -> None:
    assert resources(with_airflow["ActivePassive"], "AWS::SecretsManager::ResourcePolicy") == {}


def test_the_role_of_an_environment_that_is_there_is_let_in_by_the_secret(with_existing_airflow: Templates) -> None:
    """B8: nobody else is, and nothing of the role is changed."""
    policy = only(with_existing_airflow["ActivePassive"], "AWS::SecretsManager::ResourcePolicy")

    (statement,) = policy["ResourcePolicy"]["Statement"]
    assert policy["BlockPublicPolicy"] is True
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:role/theirs"}
    assert statement["Action"] == ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]


def test_without_airflow_there_is_no_connection(active_passive: dict[str, Any]) -> None:
    """An account may have a secret of that name already."""
    assert resources(active_passive, "AWS::SecretsManager::Secret") == {}
    assert "LivyConnection" not in active_passive["Outputs"]
