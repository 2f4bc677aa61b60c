"""What a change of a spec asks for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dr_core.scaling import FleetShares, Scaling
from dr_core.specs import Difference, Spec, difference, tag_changes

SPEC = Spec(
    template_url="https://bucket/template.json",
    parameters={"ServiceRole": "role"},
    scaling=Scaling(minimum_instances=2, maximum_instances=10),
    tags={"cost-center": "analytics"},
)
FLEET_SHARES = FleetShares(core_maximum=4, task_units=3, spot_percent=50)
OTHER_SCALING = Scaling(minimum_instances=2, maximum_instances=12)
ALONE = Scaling(minimum_instances=2, maximum_instances=10, maximum_instances_alone=12)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Difference.NOTHING),
        ({"scaling": OTHER_SCALING}, Difference.IN_PLACE),
        ({"scaling": ALONE}, Difference.IN_PLACE),
        ({"tags": {}}, Difference.IN_PLACE),
        ({"tags": {"cost-center": "science"}}, Difference.IN_PLACE),
        ({"tags": {}, "scaling": OTHER_SCALING}, Difference.IN_PLACE),
        ({"template_url": "https://bucket/newer.json"}, Difference.REPLACE),
        ({"parameters": {"ServiceRole": "other"}}, Difference.REPLACE),
        ({"parameters": {}, "scaling": OTHER_SCALING, "tags": {}}, Difference.REPLACE),
    ],
)
def test_limits_and_tags_change_in_place_and_nothing_else(changes: dict[str, Any], expected: Difference) -> None:
    """A14: jobs are moved to another cluster only where EMR cannot change the one that runs."""
    assert difference(SPEC, replace(SPEC, **changes)) is expected


@pytest.mark.parametrize(("old", "new"), [(SPEC, replace(SPEC, scaling=None)), (replace(SPEC, scaling=None), SPEC)])
def test_limits_that_a_template_holds_are_changed_with_it(old: Spec, new: Spec) -> None:
    assert difference(old, new) is Difference.REPLACE


@pytest.mark.parametrize("spec", [SPEC, replace(SPEC, scaling=ALONE), replace(SPEC, scaling=None, tags={})])
def test_a_spec_is_read_as_it_was_written(spec: Spec) -> None:
    assert Spec.from_json(spec.to_json()) == spec


def test_the_same_spec_is_the_same_text() -> None:
    """Whether another managed cluster has the same spec is asked of the texts."""
    tags = {"a": "1", "b": "2"}
    assert replace(SPEC, tags=tags).to_json() == replace(SPEC, tags=dict(reversed(tags.items()))).to_json()


def test_a_spec_of_before_limits_could_be_changed_is_read() -> None:
    text = json.dumps({"template_url": "https://bucket/old.json", "parameters": {"ServiceRole": "role"}})
    spec = Spec.from_json(text)
    assert (spec.scaling, spec.tags) == (None, {})
    assert spec.launch_parameters == {"ServiceRole": "role"}  # its template knows no others


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"template_url": "x", "parameters": 1}'])
def test_what_is_no_spec_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="spec of a managed cluster cannot be read"):
        Spec.from_json(text)


def test_limits_are_parameters_of_a_launch_as_text() -> None:
    """CreateStack takes texts alone."""
    assert SPEC.launch_parameters == {"ServiceRole": "role", "MinimumInstances": "2", "MaximumInstances": "10"}


def test_a_launch_begins_with_the_usual_limits() -> None:
    assert replace(SPEC, scaling=ALONE).given == {
        "limits": {"minimum": 2, "maximum": 10},
        "tags": {"cost-center": "analytics"},
    }


@pytest.mark.parametrize(
    ("wanted", "given", "found", "add", "remove"),
    [
        ({"a": "1"}, {}, {}, {"a": "1"}, []),
        ({"a": "1"}, {"a": "1"}, {"a": "1"}, {}, []),
        ({"a": "2"}, {"a": "1"}, {"a": "1"}, {"a": "2"}, []),
        ({}, {"a": "1"}, {"a": "1"}, {}, ["a"]),
        ({}, {"a": "1"}, {}, {}, []),
        ({}, {}, {"a": "1"}, {}, []),
    ],
)
def test_only_tags_of_ours_are_taken_back(
    wanted: dict[str, str], given: dict[str, str], found: dict[str, str], add: dict[str, str], remove: list[str]
) -> None:
    """None touched that is not ours: others put tags on clusters too."""
    assert tag_changes(wanted, given=given, found=found) == (add, remove)


def test_a_launch_of_fleets_has_its_numbers_as_text() -> None:
    """A3, B5: CreateStack takes text, and a template of instance fleets has parameters of its own."""
    shares = FleetShares(core_maximum=4, task_units=3, spot_percent=50)
    spec = replace(SPEC, scaling=Scaling(minimum_instances=5, maximum_instances=11, fleets=shares))
    assert spec.launch_parameters == {
        "ServiceRole": "role",
        "MinimumUnits": "5",
        "MaximumUnits": "11",
        "MaximumCoreUnits": "4",
        "MaximumOnDemandUnits": "8",
        "CoreUnits": "2",
        "TaskOnDemandUnits": "2",
        "TaskSpotUnits": "1",
    }


def test_without_a_task_fleet_nothing_is_said_of_one() -> None:
    """CreateStack refuses a parameter that the template does not have."""
    spec = replace(
        SPEC, scaling=Scaling(minimum_instances=5, maximum_instances=11, fleets=FleetShares(core_maximum=11))
    )
    assert not {name for name in spec.launch_parameters if name.startswith("Task")}


def test_other_units_are_changed_in_place() -> None:
    """A3, A14."""
    first = replace(SPEC, scaling=Scaling(minimum_instances=5, maximum_instances=11, fleets=FLEET_SHARES))
    second = replace(SPEC, scaling=Scaling(minimum_instances=5, maximum_instances=20, fleets=FLEET_SHARES))
    assert difference(first, second) is Difference.IN_PLACE
    assert Spec.from_json(first.to_json()) == first
