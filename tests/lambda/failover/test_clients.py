"""Clients: of the right service, and patient for no longer than a step may last."""

from __future__ import annotations

from typing import Any

import pytest

from failover.clients import Clients


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return Clients()


def client_of(clients: Clients, name: str) -> Any:
    found = getattr(clients, name)
    return found.meta.client if name == "dynamodb" else found


SERVICES = {
    "dynamodb": "dynamodb",
    "cloudformation": "cloudformation",
    "emr": "emr",
    "emr_once": "emr",
    "load_balancing": "elbv2",
    "state_machines": "stepfunctions",
    "topics": "sns",
    "functions": "lambda",
}


@pytest.mark.parametrize("name", SERVICES)
def test_each_client_is_of_its_service(clients: Clients, name: str) -> None:
    """Under the name that the SDK gives it."""
    assert client_of(clients, name).meta.service_model.service_name == SERVICES[name]


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ("functions", "emr_once")])
def test_a_lost_answer_is_asked_for_again(clients: Clients, name: str) -> None:
    """Every call may be repeated; what hangs is given up."""
    config = client_of(clients, name).meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert (config.connect_timeout, config.read_timeout) == (3, 15)


def test_another_prober_is_asked_instead_of_the_same_one_again(clients: Clients) -> None:
    """One try each, which lasts as long as a prober may wait for a service."""
    config = client_of(clients, "functions").meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert config.read_timeout == 45


def test_what_has_no_token_is_not_asked_for_again(clients: Clients) -> None:
    """A14: AddJobFlowSteps would add a second step."""
    assert client_of(clients, "emr_once").meta.config.retries == {"mode": "standard", "total_max_attempts": 1}


def test_a_client_is_made_once(clients: Clients) -> None:
    """A process of Lambda serves many calls."""
    assert clients.emr is clients.emr
