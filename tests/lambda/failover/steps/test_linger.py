from __future__ import annotations

from failover.calls import done

from ..world import World


def test_an_unplanned_retirement_does_not_linger(world: World) -> None:
    request = {"retirement": "a-retire-g1", "managed_cluster": "a", "generation": 1, "planned": False}

    assert world.step("retirement", "Linger", request).status == done("").status
