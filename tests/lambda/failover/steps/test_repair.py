"""Repair: what is asked for in place is refused, and everything else is replaced."""

from __future__ import annotations

import pytest

from ..scenarios import launched, settled
from ..world import World


def test_a_repair_is_refused(world: World) -> None:
    """Not in this version: say what to do instead."""
    assert launched(world).run_operation(world.request("repair", "op2", reason="manual")) == "Failed"
    assert "start a failover instead" in (world.operation("op2").message or "")


@pytest.mark.parametrize("kind", ["launch", "failover", "switchover"])
def test_other_operations_pass(world: World, kind: str) -> None:
    """Twice too, and nothing is touched."""
    request = launched(world).request(kind, "op2", reason="manual")
    world.step("operation", "Claim", request)
    before = settled(world)
    for _ in range(2):
        assert world.step("operation", "Repair", request).status == "done"
    assert settled(world) == before
