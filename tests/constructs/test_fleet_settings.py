"""Which instance fleets settings may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import botocore.session
import pytest
from botocore.model import StringShape

from dr_core.scaling import FleetShares, Scaling
from emr_dr.fleet_settings import CoreFleet, Fleets, TaskFleet
from emr_dr.settings import Settings
from emr_dr.settings_errors import SettingsError

from .fleets import CORE_TYPES, FLEETS, TASK, WITH_TASK


def parse(fleets: Mapping[str, Any], *, controller: Mapping[str, Any] | None = None, **cluster: Any) -> Settings:
    return Settings.parse({"cluster": {**cluster, "fleets": fleets}, "controller": controller or {}})


def refused(fleets: Mapping[str, Any], **others: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(fleets, **others)
    return str(caught.value)


def task(**changes: Any) -> dict[str, Any]:
    return {**FLEETS, "task": {**TASK, **changes}}


def enum_of(shape: str) -> set[str]:
    found = botocore.session.get_session().get_service_model("emr").shape_for(shape)
    assert isinstance(found, StringShape)
    return set(found.enum)


def choices(model: Any, name: str) -> Iterable[str]:
    found: tuple[str, ...] = get_args(model.model_fields[name].annotation)
    return found


def test_groups_are_what_settings_ask_for_by_default() -> None:
    assert Settings().cluster.fleets is None


def test_fleets_need_no_key_of_their_own() -> None:
    """B5."""
    assert parse({}).scaling == Scaling(minimum_instances=2, maximum_instances=10, fleets=FleetShares(core_maximum=10))


def test_limits_are_what_the_fleets_begin_with_and_may_become() -> None:
    """A3, B5: the least of managed scaling is what a launch begins with, by construction."""
    assert parse(WITH_TASK).scaling == Scaling(
        minimum_instances=6,
        maximum_instances=20,
        fleets=FleetShares(core_maximum=2, task_units=4, spot_percent=75),
    )


def test_the_core_fleet_may_grow_beside_a_task_fleet() -> None:
    core = {"types": CORE_TYPES, "units": 2, "maximum_units": 8}
    fleets = parse({**WITH_TASK, "core": core}).scaling.fleets
    assert fleets is not None
    assert fleets.core_maximum == 8


@pytest.mark.parametrize(
    ("model", "name", "shape"),
    [
        (Fleets, "on_demand_allocation", "OnDemandProvisioningAllocationStrategy"),
        (TaskFleet, "spot_allocation", "SpotProvisioningAllocationStrategy"),
    ],
)
def test_allocation_strategies_are_emrs(model: Any, name: str, shape: str) -> None:
    assert set(choices(model, name)) == enum_of(shape)


def test_time_out_actions_are_emrs() -> None:
    actions = {action.upper().replace("-", "_") for action in choices(TaskFleet, "spot_timeout_action")}
    assert actions == enum_of("SpotProvisioningTimeoutAction")


@pytest.mark.parametrize(("fleet", "reason"), [("primary", "a cluster ends"), ("core", "the jobs' drivers")])
def test_spot_machines_are_refused_where_a_cluster_or_a_job_ends_with_them(fleet: str, reason: str) -> None:
    """B5."""
    message = refused({fleet: {"spot_percent": 50}})
    assert f"cluster.fleets.{fleet}.spot_percent: got 50" in message
    assert reason in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("primary_instance_type", "m6g.xlarge"),
        ("core_instance_type", "m6g.xlarge"),
        ("minimum_instances", 3),
        ("maximum_instances", 20),
        ("maximum_instances_alone", 20),
    ],
)
def test_what_is_said_of_groups_is_refused_beside_fleets(name: str, value: Any) -> None:
    """Whoever sets it believes that it says something."""
    assert f"cluster.{name}: got {value!r}" in refused(FLEETS, **{name: value})


def test_a_value_that_is_the_default_says_nothing_and_is_no_error() -> None:
    assert parse(FLEETS, maximum_instances=10).cluster.fleets is not None


@pytest.mark.parametrize(
    "fleets",
    [
        {"primary": {"types": ["m5.xlarge", "m5.xlarge"]}},
        {"core": {"types": [{"type": "m5.xlarge"}, {"type": "m5.xlarge", "units": 2}]}},
        task(types=[{"type": "m5.xlarge"}, {"type": "m5.xlarge", "units": 2}]),
    ],
    ids=["primary", "core", "task"],
)
def test_an_instance_type_stands_once_in_a_fleet(fleets: dict[str, Any]) -> None:
    assert "each instance type once" in refused(fleets)


@pytest.mark.parametrize(
    ("fleets", "key"),
    [
        ({"primary": {"types": []}}, "primary.types"),
        ({"primary": {"types": ["large"]}}, "primary.types"),
        ({"core": {"types": [{"type": "m5.xlarge", "units": 0}]}}, "core.types.0.units"),
        ({"core": {"types": [{"type": "m5.xlarge", "unit": 2}]}}, "core.types.0.unit"),
        ({"core": {"units": 0}}, "core.units"),
        ({"core": {"units": "2"}}, "core.units"),
        (task(units=0), "task.units"),
        (task(spot_percent=101), "task.spot_percent"),
        (task(spot_allocation="cheap"), "task.spot_allocation"),
        (task(spot_timeout_minutes=4), "task.spot_timeout_minutes"),
        (task(spot_timeout_minutes=1441), "task.spot_timeout_minutes"),
        (task(spot_timeout_action="TERMINATE"), "task.spot_timeout_action"),
        ({"task": {"units": 2}}, "task.types"),
        ({"on_demand_allocation": "diversified"}, "on_demand_allocation"),
        ({"core": {"types": [{"type": f"m{number}.xlarge"} for number in range(31)]}}, "core.types"),
    ],
)
def test_a_single_wrong_value_is_named(fleets: dict[str, Any], key: str) -> None:
    assert f"cluster.fleets.{key}: got" in refused(fleets)


@pytest.mark.parametrize(
    ("fleets", "key"),
    [
        ({**FLEETS, "maximum_units": 1}, "maximum_units"),
        ({**WITH_TASK, "maximum_units": 5}, "maximum_units"),
        ({**FLEETS, "maximum_units_alone": 19}, "maximum_units_alone"),
        ({**FLEETS, "core": {"maximum_units": 5}}, "core.maximum_units"),
        ({**WITH_TASK, "core": {"units": 3, "maximum_units": 2}}, "core.maximum_units"),
        ({**WITH_TASK, "core": {"maximum_units": 21}}, "core.maximum_units"),
    ],
)
def test_units_that_do_not_fit_each_other_are_refused(fleets: dict[str, Any], key: str) -> None:
    """A3, B5."""
    assert f"cluster.fleets.{key}: got" in refused(fleets)


@pytest.mark.parametrize(
    ("minutes", "action", "limit"),
    [(11, "switch-to-on-demand", 1200), (20, "terminate-cluster", 1200), (6, "switch-to-on-demand", 900)],
)
def test_a_time_out_comes_before_the_controllers_own(minutes: int, action: str, limit: int) -> None:
    """A12: after controller.launch_limit_seconds the launch is given up in any case."""
    asked = task(spot_timeout_minutes=minutes, spot_timeout_action=action)
    message = refused(asked, controller={"launch_limit_seconds": limit})
    assert f"cluster.fleets.task.spot_timeout_minutes: got {minutes}" in message


@pytest.mark.parametrize(
    ("minutes", "action", "percent"),
    [(10, "switch-to-on-demand", 75), (19, "terminate-cluster", 75), (60, "switch-to-on-demand", 0)],
)
def test_a_time_out_that_leaves_room_is_taken(minutes: int, action: str, percent: int) -> None:
    asked = task(spot_timeout_minutes=minutes, spot_timeout_action=action, spot_percent=percent)
    assert parse(asked).cluster.fleets is not None


def test_core_types_have_defaults_of_the_same_size() -> None:
    """Executors of one size fit on each of them."""
    assert {(each.type.partition(".")[2], each.units) for each in CoreFleet().types} == {("xlarge", 1)}
