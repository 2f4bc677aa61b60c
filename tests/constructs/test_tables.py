"""Record and evidence."""

from __future__ import annotations

from typing import Any

import pytest


def table(template: dict[str, Any], name: str) -> dict[str, Any]:
    """The whole resource of the table whose logical id begins with *name*."""
    found = [
        resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table" and logical_id.startswith(name)
    ]
    assert len(found) == 1
    return dict(found[0])


@pytest.mark.parametrize(
    ("name", "keys"), [("TablesRecord", ["kind", "id"]), ("TablesEvidence", ["incarnation", "observed"])]
)
def test_table_has_the_keys_that_functions_use(active_passive: dict[str, Any], name: str, keys: list[str]) -> None:
    schema = table(active_passive, name)["Properties"]["KeySchema"]

    assert schema == [
        {"AttributeName": keys[0], "KeyType": "HASH"},
        {"AttributeName": keys[1], "KeyType": "RANGE"},
    ]


@pytest.mark.parametrize("name", ["TablesRecord", "TablesEvidence"])
def test_table_grows_with_use_and_can_be_restored(active_passive: dict[str, Any], name: str) -> None:
    properties = table(active_passive, name)["Properties"]

    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_record_outlives_the_stack(active_passive: dict[str, Any]) -> None:
    record = table(active_passive, "TablesRecord")

    assert record["DeletionPolicy"] == "RetainExceptOnCreate"
    assert record["UpdateReplacePolicy"] == "Retain"


def test_rolled_back_first_deploy_leaves_no_table(active_passive: dict[str, Any]) -> None:
    """DynamoDB refuses to delete a protected table, and the stack would be stuck in ROLLBACK_FAILED."""
    record = table(active_passive, "TablesRecord")

    assert record["DeletionPolicy"] == "RetainExceptOnCreate"
    assert not record["Properties"].get("DeletionProtectionEnabled", False)


def test_evidence_vanishes_by_itself(active_passive: dict[str, Any]) -> None:
    evidence = table(active_passive, "TablesEvidence")

    assert evidence["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert evidence["DeletionPolicy"] == "Delete"
