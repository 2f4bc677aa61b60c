"""Settings of a primary, read as the real services read them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from emr_drill.ports import PrimaryPlan
from emr_drill.primary.simulated.configuration import Configuration, seconds
from tests.drill.primary.conftest import LIVY_CONF


def with_settings(plan: PrimaryPlan, classifications: Mapping[str, Mapping[str, str]]) -> Configuration:
    """The configuration for these classifications."""
    return Configuration.of(dataclasses.replace(plan, classifications=classifications))


@pytest.mark.parametrize(("text", "expected"), [("500ms", 0.5), ("600s", 600), ("10m", 600), ("24h", 86400), ("7", 7)])
def test_durations_are_read_as_livy_writes_them(text: str, expected: float) -> None:
    assert seconds(text) == expected


def test_a_duration_of_another_kind_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"a duration must be a number with one of .*, got 'soon'"):
        seconds("soon")


def test_without_settings_the_real_defaults_hold(plan: PrimaryPlan) -> None:
    found = with_settings(plan, {})

    assert (found.livy_port, found.resource_manager_port, found.name_node_port) == (8998, 8088, 9870)
    assert (found.recovery_store, found.retain_seconds, found.poll_seconds) == (None, 600, 5)


def test_the_recovery_store_lies_below_the_machines_directory(plan: PrimaryPlan) -> None:
    found = with_settings(plan, {"livy-conf": LIVY_CONF})

    assert found.recovery_store == f"{plan.directory}/var/lib/livy/emr-dr/recovery"


def test_ports_come_from_the_settings(plan: PrimaryPlan) -> None:
    """Ports are changeable (A10)."""
    found = with_settings(
        plan,
        {
            "livy-conf": {"livy.server.port": "18998"},
            "yarn-site": {"yarn.resourcemanager.webapp.address": "${yarn.resourcemanager.hostname}:18088"},
            "hdfs-site": {"dfs.namenode.http-address": "0.0.0.0:19870"},
        },
    )

    assert (found.livy_port, found.resource_manager_port, found.name_node_port) == (18998, 18088, 19870)


def test_a_store_that_is_no_directory_is_refused(plan: PrimaryPlan) -> None:
    settings = {**LIVY_CONF, "livy.server.recovery.state-store.url": "s3://bucket/livy"}
    with pytest.raises(ValueError, match=r"its url file:///\.\.\., got 'filesystem' and 's3://bucket/livy'"):
        with_settings(plan, {"livy-conf": settings})


def test_a_process_reads_what_was_written_for_it(configuration: Configuration) -> None:
    assert Configuration.from_json(configuration.to_json()) == configuration
