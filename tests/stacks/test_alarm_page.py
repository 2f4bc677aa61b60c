"""The page of all alarms."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.alarm_page import ALARM_PAGE, alarm_page

DESCRIPTION = "What happened: It fell. What was done: Nothing. What to do: Pick it up."


def template(description: Any) -> dict[str, Any]:
    properties = {"AlarmDescription": description}
    return {"Resources": {"AlarmsFellA1B2C3D4": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}}


def page_of(description: Any) -> str:
    """The page of a deployment with one alarm."""
    return alarm_page(template(description), template(description))


def test_the_page_in_docs_is_that_of_the_stacks(
    active_passive: dict[str, Any],
    active_active: dict[str, Any],
    warm_standby: dict[str, Any],
    with_certificate: dict[str, Any],
) -> None:
    """A11: if this fails, run ``python -m stacks.alarm_page``."""
    page = alarm_page(active_passive, active_active, warm_standby, with_certificate)
    assert ALARM_PAGE.read_text(encoding="utf-8") == page


def test_alarms_that_only_several_managed_clusters_have_stand_at_the_end() -> None:
    """A2."""
    one = {"Resources": {"AlarmsSickA01234567": template(DESCRIPTION)["Resources"]["AlarmsFellA1B2C3D4"]}}
    more = ("AlarmsSickA01234567", "AlarmsSickB01234567", "AlarmsShared01234567")
    several = {"Resources": dict.fromkeys(more, one["Resources"]["AlarmsSickA01234567"])}

    headings = [line for line in alarm_page(one, several).splitlines() if line.startswith("#")]

    assert headings == ["# The alarms", "## SickA", "# Of several managed clusters", "## Shared"]


def test_alarms_that_only_a_standby_has_stand_by_themselves() -> None:
    one, warm = template(DESCRIPTION), template(DESCRIPTION)
    warm["Resources"]["AlarmsMissing01234567"] = warm["Resources"]["AlarmsFellA1B2C3D4"]

    headings = [line for line in alarm_page(one, one, warm).splitlines() if line.startswith("#")]

    assert headings == ["# The alarms", "## Fell", "# Of a warm standby", "## Missing"]


def test_an_alarm_says_what_happened_what_was_done_and_what_to_do() -> None:
    page = page_of(DESCRIPTION)

    assert "## Fell\n" in page
    assert "* **What happened:** It fell.\n* **What was done:** Nothing.\n* **What to do:** Pick it up." in page


def test_a_command_stands_there_as_a_person_types_it() -> None:
    arn: list[Any] = ["What happened: a What was done: b What to do: arn:", {"Ref": "AWS::Partition"}, ":states:"]
    joined = {"Fn::Join": ["", [*arn, {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]]}

    assert "arn:aws:states:REGION:ACCOUNT" in page_of(joined)


def test_the_address_of_a_queue_stands_there_as_a_name() -> None:
    page = template({"Fn::Join": ["", ["What happened: a What was done: b What to do: read ", {"Ref": "Queue1"}]]})
    page["Resources"]["Queue1"] = {"Type": "AWS::SQS::Queue"}

    assert "* **What to do:** read QUEUE_URL\n" in alarm_page(page, page)


@pytest.mark.parametrize("description", [{"Ref": "Topic1"}, "It fell.", {"Fn::GetAtt": ["Topic", "Name"]}])
def test_another_kind_of_description_is_an_error(description: Any) -> None:
    with pytest.raises(ValueError, match=r"what happened|a description is made of"):
        page_of(description)
