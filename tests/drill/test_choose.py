"""Which machines stand behind the clusters of a drill."""

from __future__ import annotations

from pathlib import Path

import pytest

from emr_drill.choose import SERVICES, job_file, primary_factory, primary_ports
from emr_drill.errors import DrillError
from emr_drill.primary.primary import SimulatedPrimaryFactory
from emr_drill.real.primary import RealPrimaryFactory


@pytest.mark.parametrize(("services", "kind"), [("simulated", SimulatedPrimaryFactory), ("real", RealPrimaryFactory)])
def test_each_kind_of_services_has_its_factory(services: str, kind: type) -> None:
    assert isinstance(primary_factory(services), kind)


def test_another_word_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(DrillError, match="must be one of simulated, real, got 'imaginary'"):
        primary_factory("imaginary")


def test_real_spark_gets_a_uri_of_the_job() -> None:
    """A path without a scheme would be looked for in HDFS."""
    assert job_file("real").startswith("file:///")
    assert Path(job_file("real").removeprefix("file://")).is_file()


def test_simulated_services_get_the_path_of_the_same_job() -> None:
    assert job_file("simulated") == job_file("real").removeprefix("file://")


@pytest.mark.parametrize("services", SERVICES)
def test_clients_and_probers_use_ports_of_the_primary(services: str) -> None:
    assert {8998, 8088, 9870} <= set(primary_ports(services))
