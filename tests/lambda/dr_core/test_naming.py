from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from dr_core import naming


def test_incarnation_id_sorts_by_age() -> None:
    assert naming.incarnation_id(1) == "g000001"
    assert naming.incarnation_id(9) < naming.incarnation_id(10) < naming.incarnation_id(100)


@pytest.mark.parametrize("generation", [1, 42, 999_999, 1_000_000])
def test_generation_is_read_back_from_its_id(generation: int) -> None:
    assert naming.generation_of(naming.incarnation_id(generation)) == generation


@pytest.mark.parametrize("text", ["000001", "g1", "g00001", "xg000001", "g000001x", "g00000a", ""])
def test_what_is_no_incarnation_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"six digits, such as g000001, got {text!r}")):
        naming.generation_of(text)


def test_stack_name_says_whose_incarnation_it_is() -> None:
    assert naming.stack_name("emr-dr-active-passive", "a", 1) == "emr-dr-active-passive-a-g1"


def test_generation_is_read_back_from_the_stack_name() -> None:
    assert naming.generation_of_stack("dep", "a", naming.stack_name("dep", "a", 12)) == 12


@pytest.mark.parametrize(
    "name",
    [
        "dep-b-g1",  # another managed cluster
        "other-a-g1",  # another deployment
        "dep-a-g0",  # no generation
        "dep-a-g01",
        "dep-a-g",
        "dep-a-g1-x",
        "x-dep-a-g1",
        "depXa-g1",
    ],
)
def test_a_stack_that_is_not_ours_has_no_generation(name: str) -> None:
    """Nothing is touched that is not ours."""
    assert naming.generation_of_stack("dep", "a", name) is None


def test_dots_in_a_deployments_name_match_only_themselves() -> None:
    assert naming.generation_of_stack("d.p", "a", "dxp-a-g1") is None


def test_canary_name_is_read_back() -> None:
    assert naming.canary_name(2, 1) == "emr-dr-canary-g2-1"
    assert naming.parse_canary_name("emr-dr-canary-g2-13") == (2, 13)


@pytest.mark.parametrize(
    "name", ["job-1", "emr-dr-canary-g2", "emr-dr-canary-g0-1", "emr-dr-canary-g2-0", "x-emr-dr-canary-g2-1"]
)
def test_another_job_is_no_canary(name: str) -> None:
    assert naming.parse_canary_name(name) is None


def test_incident_is_named_by_its_first_bad_evidence_in_utc() -> None:
    assert naming.incident_name("a", 1795230625.9) == "a-20261121t031025"


def test_operation_of_an_incident_is_the_incident_and_the_attempt() -> None:
    assert naming.operation_of_incident("a-20261121t031025", 2) == "a-20261121t031025-2"


def test_the_same_stack_request_is_the_same_operation() -> None:
    assert naming.operation_of_stack_request("a", "launch", "0f1e") == "a-launch-0f1e"
    assert naming.deletion_name("a", "0f1e") == "a-delete-0f1e"


def test_retirement_is_named_by_its_incarnation() -> None:
    assert naming.retirement_name("a", 7) == "a-retire-g7"
    assert naming.retirement_name("a", 7, attempt=2) == "a-retire-g7-2"


@pytest.mark.parametrize(
    "make",
    [lambda text: naming.operation_of_stack_request("a", "launch", text), lambda text: naming.deletion_name("a", text)],
)
def test_names_of_executions_hold_only_what_step_functions_takes(make: Callable[[str], str]) -> None:
    name = make("x/y z:ü_" + "9" * 100)

    assert re.fullmatch(r"[A-Za-z0-9_-]{80}", name)
    assert "x-y-z--_9" in name


@pytest.mark.parametrize(
    "name",
    [
        naming.incident_name("a", 1_795_237_200.0),
        naming.operation_of_incident(naming.incident_name("a", 1_795_237_200.0), 3),
        naming.operation_of_stack_request("a", "launch", "0c5ff8a4-1b3e-4ae0-9b53-0c1c0d6b6a55"),
        naming.operation_of_stack_request("a", "switchover", "0c5ff8a4-1b3e-4ae0-9b53-0c1c0d6b6a55"),
        naming.deletion_name("a", "0c5ff8a4-1b3e-4ae0-9b53-0c1c0d6b6a55"),
        naming.retirement_name("a", 12),
        naming.retirement_name("a", 12, attempt=2),
    ],
)
def test_names_that_the_product_gives_are_known(name: str) -> None:
    """A13: nobody takes the name of an operation that the monitor starts later."""
    assert naming.is_given_by_the_product(name)


@pytest.mark.parametrize(
    "name", ["switchover-a", "2026-11-21", "0c5ff8a4-1b3e-4ae0-9b53-0c1c0d6b6a55", "a-launch-today", "a-retire-1"]
)
def test_other_names_are_free(name: str) -> None:
    """The console calls an execution by a random id if nobody names it."""
    assert not naming.is_given_by_the_product(name)


def test_a_retirements_name_says_what_it_retires() -> None:
    assert naming.retired_by(naming.retirement_name("a", 12)) == ("a", 12)
    assert naming.retired_by(naming.retirement_name("a", 12, attempt=3)) == ("a", 12)
    assert naming.retired_by(naming.deletion_name("a", "0c5ff8a4-1b3e-4ae0-9b53-0c1c0d6b6a55")) is None


@pytest.mark.parametrize(
    ("operation", "incident", "attempt"),
    [
        ("a-20261121t031025-2", "a-20261121t031025", 2),
        ("a-20261121t031025-12", "a-20261121t031025", 12),
        ("a-20261121t031025-2", None, None),
        ("mine", "a-20261121t031025", None),
        ("a-20261121t031025-x", "a-20261121t031025", None),
    ],
)
def test_an_operation_tells_which_attempt_it_is(operation: str, incident: str | None, attempt: int | None) -> None:
    """A12."""
    assert naming.attempt_of(operation, incident) == attempt


def test_the_launch_of_a_standby_has_a_name_of_its_own() -> None:
    """By it whoever needs the lease knows that its holder gives way."""
    name = naming.standby_operation("a", 1_795_230_625.0)
    assert naming.is_standby_operation(name)
    assert naming.is_given_by_the_product(name)
    assert name == "a-standby-20261121t031025"


@pytest.mark.parametrize("name", ["a-20261121t031025-1", "a-standby", "a-standby-20261121t031025-1", "standby-2"])
def test_other_operations_are_no_launches_of_standbys(name: str) -> None:
    assert not naming.is_standby_operation(name)
