"""What settings say is there already is there before anything is deployed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from dr_core import there_already as names
from dr_core.network import ExpectedNetwork, ExpectedSubnet, Use
from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.ports import PrimaryFactory
from emr_drill.stand_in import there_already
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing
from failover.network_check import NetworkCheck, NetworkError

from ...matrix_rows import REGION, ROWS, settings_of

KEY = f"arn:aws:kms:{REGION}:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
EXISTING = {row.name: settings_of(row)["network"]["existing"] for row in ROWS if row.name.startswith("existing-")}


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(
        clock=Clock.start(speed=25),
        timing=Timing(seed=1),
        addresses=Addresses(block=23),
        workdir=tmp_path,
        primaries=cast(PrimaryFactory, None),
        parts=(),
    )
    with made:
        yield made


def assembly(folder: Path, metadata: dict[str, Any]) -> Path:
    (folder / "manifest.json").write_text(
        json.dumps({"artifacts": {"Platform": {"properties": {"templateFile": "platform.json"}}}})
    )
    (folder / "platform.json").write_text(json.dumps({"Resources": {}, "Metadata": metadata}))
    return folder


def whole(existing: dict[str, Any]) -> dict[str, Any]:
    """With the defaults that the settings add."""
    return {"way_out": True, "endpoints": [], "route_tables": [], "flow_logs": True, **existing}


def expected(existing: dict[str, Any]) -> ExpectedNetwork:
    zones = existing["availability_zones"]
    return ExpectedNetwork(
        vpc=existing["vpc_id"],
        way_out=existing["way_out"],
        endpoints=tuple(existing["endpoints"]),
        subnets=tuple(
            ExpectedSubnet(id=zone[f"{use}_subnet"], zone=zone["name"], use=use) for zone in zones for use in Use
        ),
    )


@pytest.mark.parametrize("row", EXISTING)
def test_a_vpc_has_the_ids_of_the_settings_and_is_what_they_say(stand_in: StandIn, tmp_path: Path, row: str) -> None:
    """The product's own check has nothing to say of it."""
    existing, said = whole(EXISTING[row]), list[str]()

    there_already.make(stand_in, assembly(tmp_path, {names.NETWORK: existing}), stack="Platform", say=said.append)

    NetworkCheck(client=lambda: stand_in.client("ec2")).check(expected(existing))
    assert said == ["making vpc-0123456789abcdef0, which the settings say is there already"]


def test_a_vpc_has_no_more_than_the_settings_say(stand_in: StandIn, tmp_path: Path) -> None:
    """Else a drill would show nothing of those who have less."""
    existing = whole(EXISTING["existing-vpc-closed"])
    there_already.make(stand_in, assembly(tmp_path, {names.NETWORK: existing}), stack="Platform", say=lambda _: None)

    with pytest.raises(NetworkError, match="no way out"):
        NetworkCheck(client=lambda: stand_in.client("ec2")).check(expected({**existing, "way_out": True}))


def test_a_key_of_the_owner_has_the_policy_that_owners_are_asked_for(stand_in: StandIn, tmp_path: Path) -> None:
    there_already.make(stand_in, assembly(tmp_path, {names.OWN_KEY: KEY}), stack="Platform", say=lambda _: None)

    policy = json.loads(stand_in.client("kms").get_key_policy(KeyId=KEY, PolicyName="default")["Policy"])
    assert [each["Sid"] for each in policy["Statement"]] == ["Account", "LogGroups", "Alarms"]
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}


def test_a_key_of_another_account_is_told(stand_in: StandIn, tmp_path: Path) -> None:
    other = KEY.replace("123456789012", "111122223333")

    with pytest.raises(DrillError, match="is of account 111122223333 in us-east-1, and a drill has account"):
        there_already.make(stand_in, assembly(tmp_path, {names.OWN_KEY: other}), stack="Platform", say=lambda _: None)


@pytest.mark.parametrize("resource", ["policy/boundary", "policy/of/a-team/boundary"])
def test_a_boundary_allows_what_the_list_says_and_no_more(stand_in: StandIn, tmp_path: Path, resource: str) -> None:
    """B8: what owners of a boundary are asked to allow is enough, which a drill with one shows."""
    boundary = f"arn:aws:iam::123456789012:{resource}"
    there_already.make(stand_in, assembly(tmp_path, {names.BOUNDARY: boundary}), stack="Platform", say=lambda _: None)

    version = stand_in.client("iam").get_policy_version(PolicyArn=boundary, VersionId="v1")["PolicyVersion"]
    allowed = cast(Any, version["Document"])["Statement"]["Action"]
    assert {"elasticmapreduce:RunJobFlow", "dynamodb:UpdateItem", "states:StartExecution"} <= set(allowed)
    assert "iam:CreateRole" not in allowed
    assert "AmazonEMRServicePolicy_v2" not in allowed


def test_a_boundary_of_another_account_is_told(stand_in: StandIn, tmp_path: Path) -> None:
    other = {names.BOUNDARY: "arn:aws:iam::111122223333:policy/boundary"}

    with pytest.raises(DrillError, match=r"permissions_boundary is of account 111122223333"):
        there_already.make(stand_in, assembly(tmp_path, other), stack="Platform", say=lambda _: None)


def test_where_nothing_is_there_nothing_is_made(stand_in: StandIn, tmp_path: Path) -> None:
    said = list[str]()

    there_already.make(stand_in, assembly(tmp_path, {}), stack="Platform", say=said.append)

    assert said == []


def test_an_assembly_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="cannot read the template of Platform"):
        there_already.metadata(tmp_path, stack="Platform")
