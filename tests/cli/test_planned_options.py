"""``--upgrade``, ``--switchover`` and ``--evacuate [AZ]`` stand for rows of the fault table."""

from __future__ import annotations

import pytest

from emr_dr_cli.planned_options import planned_row
from emr_drill.errors import DrillError


@pytest.mark.parametrize("name", ["upgrade", "switchover", "evacuate"])
def test_an_option_stands_for_the_row_of_its_name(name: str) -> None:
    """B13."""
    asked = dict.fromkeys(["upgrade", "switchover", "evacuate"], False) | {name: True}
    assert planned_row(asked, zone=None, fault=None) == name


def test_without_one_the_fault_decides() -> None:
    assert planned_row({"upgrade": False}, zone=None, fault="kill-livy") is None


def test_the_az_to_leave_may_be_named() -> None:
    """B13."""
    assert planned_row({"evacuate": True}, zone="us-east-1a", fault=None) == "evacuate"


@pytest.mark.parametrize(
    ("asked", "zone", "fault", "message"),
    [
        ({"upgrade": True, "evacuate": True}, None, None, "`--fault upgrade,evacuate` runs one after the other"),
        ({"upgrade": True}, None, "kill-livy", "--upgrade and --fault kill-livy are drills of their own"),
        ({"upgrade": True}, "us-east-1a", None, "`emr-dr drill --evacuate us-east-1a`"),
        ({"upgrade": False}, "us-east-1a", None, "`emr-dr drill --evacuate us-east-1a`"),
    ],
)
def test_what_excludes_each_other_is_told_with_what_to_type(
    asked: dict[str, bool], zone: str | None, fault: str | None, message: str
) -> None:
    with pytest.raises(DrillError, match=r".*") as told:
        planned_row(asked, zone=zone, fault=fault)
    assert message in str(told.value)
