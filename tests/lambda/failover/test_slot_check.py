"""B13: a planned launch that would find no slot is refused before it begins."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dr_core.record import ManagedCluster
from failover.slot_check import no_slot

from .parts import SPEC
from .planned import draining, switched_over
from .scenarios import failing, launched, operation_call, second_half
from .world import World

NEWER = json.dumps({**json.loads(SPEC), "template_url": "https://bucket/newer.json"}, sort_keys=True)


def full(world: World) -> World:
    """Generation 1 drains, 2 serves, and two others that drain have what is left."""
    switched_over(world, batches=(1001000007,))
    draining(world, 50, 3)
    draining(world, 51, 4)
    return world


def test_nobody_waits_nine_minutes_for_a_refusal(world: World) -> None:
    """It is refused before the launch, with what has the slots, and nothing was changed."""
    clusters, began = len(full(world).clusters), world.clock.now
    request = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", request, spec=NEWER)
    assert world.run_operation(request) == "Failed"
    assert (len(world.clusters), world.clock.now - began < 30) == (clusters, True)
    answer = world.answers[-1]
    assert (answer["request"], answer["succeeded"]) == ("op3", False)
    assert "0 of 4 slots of the front door are free" in answer["reason"]
    assert "emr-dr-active-passive-a-g1" in answer["reason"]
    assert world.managed_cluster().serving_generation == 2


def test_a_failover_is_never_refused(world: World) -> None:
    """A12: it evicts what drains."""
    request = failing(full(world), "op3")
    assert world.run_operation(request, until="Verify") == "Verify"
    assert no_slot(operation_call(world, request, step="Launch"), world.deployment.record.incarnations()) == ""


@pytest.mark.parametrize(("held", "refused"), [((), False), ((2,), True)])
def test_the_first_of_two_leaves_room_for_the_way_back(world: World, held: tuple[int, ...], refused: bool) -> None:
    """B13: of four slots one serves; the first change wants its own, the other half's, and one to come back."""
    launched(world)
    second_half(world)
    for slot in held:
        draining(world, 50, slot)
    config = world.deployment.config
    b = replace(config.managed_clusters[0], name="b")
    both = replace(config, managed_clusters=(*config.managed_clusters, b))
    world.deployment = replace(world.deployment, config=both)
    world.put(ManagedCluster(name="b", serving_generation=90, spec=SPEC).to_item())
    forward = world.request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", forward, spec=NEWER)
    call = operation_call(world, forward, step="Launch")
    assert bool(no_slot(call, world.deployment.record.incarnations())) is refused
    back = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", back, spec=SPEC)
    assert no_slot(operation_call(world, back, step="Launch"), world.deployment.record.incarnations()) == ""
