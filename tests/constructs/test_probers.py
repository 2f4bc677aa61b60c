"""The probers."""

from __future__ import annotations

from typing import Any

from dr_core.rounds import OVERTIME_UNTIL_SECONDS

from ..synthesis import resources, statements


def probers(template: dict[str, Any]) -> list[dict[str, Any]]:
    """In the order of their numbers."""
    found = resources(template, "AWS::Lambda::Function").values()
    return sorted(
        (each for each in found if "-prober-" in each["FunctionName"]), key=lambda each: str(each["FunctionName"])
    )


def test_every_zone_has_a_prober_in_one_subnet_of_its_own(active_passive: dict[str, Any]) -> None:
    """A11."""
    subnets = [each["VpcConfig"]["SubnetIds"] for each in probers(active_passive)]

    assert [len(each) for each in subnets] == [1, 1, 1]
    assert len({str(each) for each in subnets}) == 3


def test_prober_knows_its_zone(active_passive: dict[str, Any]) -> None:
    zones = [each["Environment"]["Variables"]["EMR_DR_AVAILABILITY_ZONE"] for each in probers(active_passive)]

    assert zones == [{"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in range(3)]


def test_prober_may_run_until_a_late_run_of_it_begins(active_passive: dict[str, Any]) -> None:
    """A11: its last round begins before then, and may be as slow as its limits let it."""
    assert all(each["Timeout"] >= OVERTIME_UNTIL_SECONDS + 60 for each in probers(active_passive))


def test_failed_minute_is_not_repeated(active_passive: dict[str, Any]) -> None:
    configurations = resources(active_passive, "AWS::Lambda::EventInvokeConfig").values()
    names = [str(each["FunctionName"]) for each in configurations if each.get("MaximumRetryAttempts") == 0]

    assert sum("Prober" in name for name in names) == 3


def test_prober_reads_incarnations_and_adds_evidence_and_no_more(active_passive: dict[str, Any]) -> None:
    found = statements(active_passive, role="ProbersProber1Role")
    tables = {
        str(each["Resource"]["Fn::GetAtt"][0])[:12]: each["Action"]
        for each in found
        if "dynamodb" in str(each["Action"])
    }

    assert tables == {
        "TablesRecord": "dynamodb:Query",
        "TablesEviden": ["dynamodb:GetItem", "dynamodb:PutItem"],
    }
    (of_record,) = [each for each in found if each["Action"] == "dynamodb:Query"]
    assert of_record["Condition"]["ForAllValues:StringEquals"] == {"dynamodb:LeadingKeys": ["incarnation"]}


def test_probers_leave_their_subnets_for_dynamodb_services_and_front_door_only(active_passive: dict[str, Any]) -> None:
    group = next(
        each
        for logical_id, each in resources(active_passive, "AWS::EC2::SecurityGroup").items()
        if logical_id.startswith("ProbersGroup")
    )
    standalone = [
        each
        for each in resources(active_passive, "AWS::EC2::SecurityGroupEgress").values()
        if "ProbersGroup" in str(each["GroupId"])
    ]

    assert [(each["CidrIp"], each["FromPort"]) for each in group["SecurityGroupEgress"]] == [("0.0.0.0/0", 443)]
    assert {each["FromPort"] for each in standalone} == {8998, 8088, 9870}
    assert all("DestinationSecurityGroupId" in each for each in standalone)
