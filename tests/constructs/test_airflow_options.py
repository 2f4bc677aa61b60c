"""What Airflow is told."""

from __future__ import annotations

import json
import re

import pytest

from emr_dr.airflow_options import (
    LONGEST_VALUE,
    backend_arguments,
    checked,
    configuration_options,
    connection_id,
    packages,
    requirements,
    secret_name,
)
from emr_dr.mwaa_settings import Mwaa


def test_the_default_strategy_has_the_default_connection_and_the_other_one_its_own() -> None:
    """A6."""
    assert connection_id("active-passive", default="active-passive") == "livy_default"
    assert connection_id("active-active", default="active-passive") == "livy_active_active"


def test_a_secret_is_called_as_airflows_backend_asks_for_it() -> None:
    assert secret_name("livy_default") == "airflow/connections/livy_default"


@pytest.mark.parametrize(
    ("connection", "looked_up"),
    [("livy_default", True), ("livy_active_active", True), ("livy_default_2", False), ("aws_default", False)],
)
def test_only_our_connections_are_looked_up_among_the_secrets(connection: str, looked_up: bool) -> None:
    """B8: the role may read no other, and each refusal would be an error in a task's log."""
    pattern = json.loads(backend_arguments(Mwaa().connections))["connections_lookup_pattern"]

    # As the backend does (apache-airflow-providers-amazon, SecretsManagerBackend._get_secret).
    assert bool(re.match(pattern, connection, re.IGNORECASE)) is looked_up


def test_neither_variables_nor_options_are_looked_up_there() -> None:
    arguments = json.loads(backend_arguments(["livy_default"]))

    assert (arguments["variables_prefix"], arguments["config_prefix"]) == (None, None)


def test_the_options_fit_what_mwaa_takes() -> None:
    options = configuration_options(Mwaa().connections)

    assert options.keys() == {"secrets.backend", "secrets.backend_kwargs"}
    assert all(len(value) <= LONGEST_VALUE for value in options.values())


def test_an_option_that_is_too_long_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"secrets.backend_kwargs .*: got \d+ characters, allowed: 256; remedy:"):
        configuration_options([f"livy_{'x' * 60}_{number}" for number in range(4)])


@pytest.mark.parametrize("name", ["EMR.bucket", "emr-dr.bucket", "emr_dr.bucket_", "x" * 65])
def test_an_option_with_a_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="got the name"):
        checked({name: "value"})


def test_requirements_come_from_the_plugins_alone() -> None:
    """A private web server reaches no index; a line with a constraint would have to be reached, too."""
    lines = requirements(["/one.whl"]).splitlines()

    assert lines == ["--no-index", "/one.whl"]
    # What MWAA's image looks for; with a match it would not force the constraints of its own.
    assert [line for line in lines if re.search(r"-c |--constraint ", line)] == []


def test_every_wheel_is_required_by_its_file() -> None:
    """B8: no line has a name that pip could look for in an index, be --no-index there or not."""
    found = packages(["apache_airflow_providers_apache_livy-4.4.2-py3-none-any.whl", "emr_dr_airflow-0.1.0.whl"])

    assert found == [
        "/usr/local/airflow/plugins/apache_airflow_providers_apache_livy-4.4.2-py3-none-any.whl",
        "/usr/local/airflow/plugins/emr_dr_airflow-0.1.0.whl",
    ]
