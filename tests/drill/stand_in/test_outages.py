"""An AZ that is gone, and a prober without a network: what is lost and what is not (A11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.ports import Service
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing

from .emr_world import SPEED, EmrWorld, FakeFactory, FakePrimary
from .fakes import ROLE, package

LOST, LEFT = "us-east-1a", "us-east-1b"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmrWorld]:
    stand_in = StandIn(
        clock=Clock.start(speed=SPEED / 2),
        timing=Timing(seed=1),
        addresses=Addresses(block=20),
        workdir=tmp_path,
        primaries=FakeFactory(),
        parts=("functions", "load_balancers", "emr", "outages"),
    )
    with stand_in:
        made = EmrWorld(stand_in, stand_in.client("emr"))
        stand_in.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
        for name, zones in (("in-a", [LOST]), ("in-b", [LEFT]), ("in-both", [LOST, LEFT]), ("outside", [])):
            stand_in.client("lambda").create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=ROLE,
                Handler="handler.handler",
                Code={"ZipFile": package({"handler.py": ""})},
                VpcConfig={"SubnetIds": [made.subnets[zone] for zone in zones], "SecurityGroupIds": []},
            )
        yield made


def cut(world: EmrWorld) -> set[str]:
    """Functions without a network."""
    return {file.stem for file in (world.stand_in.workdir / "functions").glob("*.cut")}


def primary(world: EmrWorld, cluster_id: str) -> FakePrimary:
    return cast(FakePrimary, world.clusters.primary(cluster_id))


def test_a_lost_zone_takes_primaries_nodes_and_functions_and_gives_them_back(world: EmrWorld) -> None:
    outages = world.stand_in.outages
    lost, left = world.waiting(zone=LOST), world.waiting(zone=LEFT)

    outages.black_hole_zone(LOST)

    assert (primary(world, lost).frozen, primary(world, left).frozen) == (set(Service), set())
    assert cut(world) == {"in-a"}
    assert "us-east-1a" in world.stand_in.load_balancers._gone

    outages.restore_zone(LOST)

    assert (primary(world, lost).frozen, cut(world)) == (set(), set())
    assert world.stand_in.load_balancers._gone == {}
    assert [entry["what"] for entry in world.stand_in.journal if entry["kind"] == "outage"] == [
        "us-east-1a is gone",
        "us-east-1a is back",
    ]


def test_emr_notices_and_ends_what_is_in_a_lost_zone(world: EmrWorld) -> None:
    lost, left = world.waiting(zone=LOST), world.waiting(zone=LEFT)

    world.stand_in.outages.black_hole_zone(LOST)

    assert world.ended(lost) == "TERMINATED_WITH_ERRORS"
    assert world.clusters.history(left)[-1][0] == "WAITING"


def test_machines_that_emr_cannot_reach_are_ended_when_the_zone_is_back(world: EmrWorld) -> None:
    """The dead AZ returns with everything that ran there."""
    lost = world.waiting(zone=LOST)
    world.stand_in.outages.black_hole_zone(LOST, hold_terminations=True)
    world.wait(lost, "TERMINATING")
    world.stand_in.clock.sleep(300)
    assert primary(world, lost).terminated_at is None

    world.stand_in.outages.restore_zone(LOST)
    assert world.ended(lost) == "TERMINATED_WITH_ERRORS"


def test_a_lost_zone_has_no_machines_for_launches(world: EmrWorld) -> None:
    world.stand_in.outages.black_hole_zone(LOST)
    assert world.ended(world.launch(zone=LOST)) == "TERMINATED_WITH_ERRORS"

    world.stand_in.outages.restore_zone(LOST)
    world.waiting(zone=LOST)


def test_only_the_prober_of_one_zone_loses_its_network(world: EmrWorld) -> None:
    lost = world.waiting(zone=LOST)

    world.stand_in.outages.cut_prober(LOST)
    assert (cut(world), primary(world, lost).frozen) == ({"in-a"}, set())

    world.stand_in.outages.restore_prober(LOST)
    assert cut(world) == set()


def test_a_zone_without_a_prober_has_none_to_cut(world: EmrWorld) -> None:
    with pytest.raises(DrillError, match="no function runs in us-east-1c alone"):
        world.stand_in.outages.cut_prober("us-east-1c")


def test_a_zone_that_does_not_exist_is_refused_with_those_that_do(world: EmrWorld) -> None:
    with pytest.raises(DrillError, match=r"no availability zone 'us-east-1z'; allowed: us-east-1a, us-east-1b"):
        world.stand_in.outages.black_hole_zone("us-east-1z")
