"""A deployment: every part of it from one configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dr_core.config import ENVIRONMENT_VARIABLE
from failover.clients import Clients
from failover.deployment import Deployment, deployment_from_environment

from .parts import CONFIG


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has made no deployment yet."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    deployment_from_environment.cache_clear()
    yield
    deployment_from_environment.cache_clear()


def test_a_deployment_is_made_of_real_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client exists under the name that the SDK gives it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    deployment = Deployment.of(CONFIG, Clients())
    names = [
        deployment.stacks.client.meta.service_model.service_name,
        deployment.clusters.client.meta.service_model.service_name,
        deployment.front_door.client.meta.service_model.service_name,
        deployment.probers.client.meta.service_model.service_name,
        deployment.executions.client.meta.service_model.service_name,
        deployment.notices.client.meta.service_model.service_name,
        deployment.alarms.client.meta.service_model.service_name,  # type: ignore[attr-defined]
    ]
    assert names == ["cloudformation", "emr", "elbv2", "lambda", "stepfunctions", "sns", "cloudwatch"]


def test_steps_are_added_through_the_client_that_does_not_repeat_itself() -> None:
    """A14: AddJobFlowSteps has no token."""
    clients = Clients()
    steps = Deployment.of(CONFIG, clients).emr_steps
    assert (steps.client, steps.client_once) == (clients.emr, clients.emr_once)


def test_every_part_gets_its_names() -> None:
    """Each from its own place in the configuration."""
    deployment = Deployment.of(CONFIG, Clients())
    assert deployment.record.table_name == CONFIG.record_table
    assert (deployment.stacks.deployment, deployment.stacks.role) == (CONFIG.deployment, CONFIG.incarnation_role)
    assert deployment.clusters.deployment == CONFIG.deployment
    assert deployment.probers.probers == CONFIG.probers
    assert deployment.executions.operation_machine == CONFIG.operation_state_machine
    assert deployment.executions.retirement_machine == CONFIG.retirement_state_machine
    assert (deployment.notices.topic, deployment.notices.deployment) == (CONFIG.alert_topic, CONFIG.deployment)


def test_a_function_reads_its_environment_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of Lambda serves many calls."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, json.dumps(CONFIG.to_dict()))
    deployment = deployment_from_environment()
    assert deployment.config == CONFIG
    assert deployment_from_environment() is deployment


def test_a_function_without_a_configuration_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of the variable."""
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    with pytest.raises(KeyError, match=ENVIRONMENT_VARIABLE):
        deployment_from_environment()


def test_a_configuration_that_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, not at the first call that needs the missing part."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "{}")
    with pytest.raises(ValueError, match="is not a function configuration"):
        deployment_from_environment()
