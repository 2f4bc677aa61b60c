"""What the section on Airflow accepts, and what it says of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from emr_dr.mwaa_settings import STRATEGIES, Mwaa, account_problems
from emr_dr.settings import Settings
from stacks.active_active import ACTIVE_ACTIVE
from stacks.active_passive import ACTIVE_PASSIVE

from . import refusals

EXISTING = {
    "mode": "existing",
    "environment_name": "theirs",
    "execution_role_arn": "arn:aws:iam::111122223333:role/service-role/theirs",
}


def refused(mwaa: dict[str, Any]) -> str:
    return refusals.refused({"mwaa": mwaa})


def test_nothing_of_airflow_is_made_by_default() -> None:
    assert Settings().mwaa.mode == "none"


@pytest.mark.parametrize(
    "mwaa",
    [
        {"mode": "create"},
        {"mode": "create", "airflow_version": "2.11.2"},
        {"mode": "create", "airflow_version": "3.9.0", "livy_provider_version": "4.9.0"},
        {"mode": "create", "environment_class": "mw1.micro", "schedulers": 1, "maximum_workers": 1},
        {"mode": "create", "web_server_clients": ["10.1.0.0/16", "sg-0123456789abcdef0"]},
        {"mode": "create", "task_policies": ["arn:aws:iam::123456789012:policy/team/tables"]},
        EXISTING,
        {**EXISTING, "security_group_id": "sg-0123456789abcdef0"},
    ],
)
def test_what_fits_together_is_accepted(mwaa: dict[str, Any]) -> None:
    assert Settings.parse({"mwaa": mwaa}).mwaa.mode == mwaa["mode"]


@pytest.mark.parametrize(
    ("mwaa", "key", "got"),
    [
        ({"mode": "yes"}, "mode", "'yes'"),
        ({"mode": "create", "airflow_version": "2.10.3"}, "airflow_version", "'2.10.3'"),
        ({"mode": "create", "airflow_version": "3.0.2"}, "airflow_version", "'3.0.2'"),
        ({"mode": "create", "airflow_version": "latest"}, "airflow_version", "'latest'"),
        ({"mode": "create", "airflow_version": "3.9.0"}, "livy_provider_version", "None"),
        ({"mode": "create", "environment_class": "mw1.tiny"}, "environment_class", "'mw1.tiny'"),
        ({"mode": "create", "environment_class": "mw1.micro", "maximum_workers": 1}, "schedulers", "2"),
        ({"mode": "create", "environment_class": "mw1.micro", "schedulers": 1}, "maximum_workers", "5"),
        ({"mode": "create", "schedulers": 1}, "schedulers", "1"),
        ({"mode": "create", "minimum_workers": 6}, "minimum_workers", "6"),
        ({"mode": "create", "maximum_workers": 26}, "maximum_workers", "26"),
        ({"mode": "create", "logs": {"task": "LOUD"}}, "logs.task", "'LOUD'"),
        ({"mode": "create", "web_server_clients": ["all"]}, "web_server_clients.0", "'all'"),
        (
            {"mode": "create", "web_server_access": "public", "web_server_clients": ["10.0.0.0/8"]},
            "web_server_clients",
            "['10.0.0.0/8']",
        ),
        ({"mode": "create", "task_policies": ["tables"]}, "task_policies.0", "'tables'"),
        (
            {"mode": "create", "task_policies": ["arn:aws:iam::aws:policy/AdministratorAccess"]},
            "task_policies.0",
            "'arn:aws:iam::aws:policy/AdministratorAccess'",
        ),
        (
            {**EXISTING, "task_policies": ["arn:aws:iam::123456789012:policy/tables"]},
            "task_policies",
            "('arn:aws:iam::123456789012:policy/tables',)",
        ),
        ({"mode": "create", "environment_name": "theirs"}, "environment_name", "'theirs'"),
        ({"mode": "existing", "environment_name": "theirs"}, "execution_role_arn", "None"),
        ({**EXISTING, "execution_role_arn": "theirs"}, "execution_role_arn", "'theirs'"),
        ({**EXISTING, "environment_class": "mw1.large"}, "environment_class", "'mw1.large'"),
        ({**EXISTING, "airflow_version": "2.9.2"}, "airflow_version", "'2.9.2'"),
        ({**EXISTING, "logs": {"task": "DEBUG"}}, "logs", "AirflowLogs("),
    ],
)
def test_what_does_not_fit_is_named_with_what_is_allowed_and_a_remedy(mwaa: dict[str, Any], key: str, got: str) -> None:
    message = refused(mwaa)

    assert "one wrong setting" in message
    assert f"mwaa.{key}: got {got}" in message
    assert "allowed: " in message
    assert "remedy: " in message


def test_the_smallest_class_does_not_scale() -> None:
    """Each number that MWAA would refuse is named, in one go."""
    message = refused({"mode": "create", "environment_class": "mw1.micro", "minimum_workers": 2})

    for line in ("minimum_workers: got 2", "maximum_workers: got 5", "schedulers: got 2"):
        assert f"mwaa.{line}\n    allowed: 1 for mw1.micro" in message


def test_an_older_release_is_refused_with_those_that_are_taken() -> None:
    assert "allowed: 2.11.x, or 3.0.6 and newer of the 3 series" in refused(
        {"mode": "create", "airflow_version": "2.9.2"}
    )


def test_an_unknown_release_is_refused_with_those_whose_provider_is_known() -> None:
    message = refused({"mode": "create", "airflow_version": "3.9.0"})

    assert "null for Airflow 2.11.0, 2.11.2, 3.0.6, 3.2.1, 3.3.1" in message
    assert "the constraints of Airflow 3.9.0" in message


def test_a_key_of_another_mode_that_says_the_default_is_no_error() -> None:
    """emr-dr.yaml may show every key."""
    assert Settings.parse({"mwaa": {**EXISTING, "schedulers": 2}}).mwaa.mode == "existing"


def test_nothing_is_asked_of_what_is_not_made() -> None:
    assert Settings.parse({"mwaa": {"airflow_version": "1.10.12"}}).mwaa.mode == "none"


def test_a_role_of_another_account_is_refused() -> None:
    """A6: Airflow asks for connections by name, in its own account."""
    (problem,) = account_problems(Settings.parse({"mwaa": EXISTING}).mwaa, "444455556666")

    assert (problem.key, problem.got) == ("mwaa.execution_role_arn", EXISTING["execution_role_arn"])
    assert "by these credentials 444455556666" in problem.allowed
    assert "LivyUrl" in problem.remedy


@pytest.mark.parametrize("mwaa", [EXISTING, {"mode": "create"}, {}])
def test_a_role_of_the_same_account_and_none_at_all_are_no_problem(mwaa: dict[str, Any]) -> None:
    assert list(account_problems(Settings.parse({"mwaa": mwaa}).mwaa, "111122223333")) == []


def test_every_strategy_has_a_connection_and_the_chosen_one_the_default() -> None:
    """A6."""
    assert set(STRATEGIES) == {ACTIVE_PASSIVE.name, ACTIVE_ACTIVE.name}
    assert Mwaa().connections == ("livy_default", "livy_active_active")
    assert Mwaa(livy_default="active-active").connections == ("livy_active_passive", "livy_default")


def test_a_release_without_a_known_provider_has_none() -> None:
    with pytest.raises(ValueError, match=r"no Livy provider is known for Airflow 3\.9\.0"):
        _ = Mwaa(airflow_version="3.9.0").livy_provider
