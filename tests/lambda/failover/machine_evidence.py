"""What the probers and the load balancers see of an incarnation: the truth, or what the test says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dr_core.evidence import LOAD_BALANCER, Evidence, Reading, Service, Verdict, healthy, prober_observer
from dr_core.naming import generation_of

from . import facts
from .parts import NODES, ZONES

if TYPE_CHECKING:
    from .machine_world import MachineWorld

SIGHTS = ("truth", "false alarm", "one is wrong", "unknown", "silent")
_OBSERVERS = tuple(prober_observer(zone) for zone in ZONES)
# Seconds ago.
_ROUNDS = (1, 11, 21, 31)
_LONG_AGO = 600


def evidence_of(world: MachineWorld, incarnation: str, since: str) -> list[dict[str, Any]]:
    """Items of the evidence table: what was seen of *incarnation* in the last rounds, and YARN's nodes long ago.

    What is seen is as it is now in all of them; that enough vantage points call it sick is noted down in the world.
    """
    generation = generation_of(incarnation)
    address = world.record.items.get(("incarnation", incarnation), {}).get("primary_address")
    world.let_steps_work()
    bad = tuple(Service) if address is None else world.bad_services(address)
    sight = world.sights.get(generation, "truth")
    truth, all_bad = _readings(Verdict.UNHEALTHY, bad), _readings(Verdict.UNHEALTHY, tuple(Service))
    match sight:
        case "truth":
            seen = {each: truth for each in [*_OBSERVERS, LOAD_BALANCER]}
        case "false alarm":
            seen = {each: all_bad for each in _OBSERVERS}
        case "one is wrong":
            seen = {_OBSERVERS[0]: all_bad, _OBSERVERS[1]: truth, LOAD_BALANCER: truth}
        case "unknown":
            seen = {each: _readings(Verdict.UNKNOWN, tuple(Service)) for each in _OBSERVERS}
        case _:
            seen = {}
    if sight == "false alarm" or (sight in ("truth", "one is wrong") and bad):
        world.sick_at[generation] = world.clock.now
        if sight == "false alarm" or Service.RESOURCE_MANAGER in bad:
            facts.write_off(world, generation)
    found = []
    for observer, services in seen.items():
        for back in (*_ROUNDS, _LONG_AGO):
            evidence = Evidence(
                incarnation=incarnation,
                observer=observer,
                observed_at=world.clock.now - back,
                services=_WELL if back == _LONG_AGO else services,
                front_door=True,
            )
            if evidence.observed >= since:
                found.append(evidence.to_item(round_seconds=10))
    return found


_WELL = {Service.RESOURCE_MANAGER: healthy("", active_nodes=NODES)}


def _readings(verdict: Verdict, services: tuple[Service, ...]) -> dict[Service, Reading]:
    """*verdict* of *services*, and the others healthy."""
    return {
        service: Reading(verdict=verdict if service in services else Verdict.HEALTHY, detail="") for service in Service
    }
