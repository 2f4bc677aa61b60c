"""A11: which probers have a voice."""

from __future__ import annotations

import pytest

from dr_core.attendance import probers_heard
from dr_core.config import Policy
from dr_core.evidence import LOAD_BALANCER, Evidence, Service, healthy, unhealthy, unknown

NOW = 1_795_230_625.0
POLICY = Policy()


def seen(
    observer: str = "prober:a", *, ago: float = 3.0, front_door: bool = True, incarnation: str = "g000001"
) -> Evidence:
    return Evidence(
        incarnation=incarnation,
        observer=observer,
        observed_at=NOW - ago,
        services={Service.LIVY: healthy("fine")},
        front_door=front_door,
    )


@pytest.mark.parametrize(
    ("rule", "evidence", "heard"),
    [
        ("whoever has just looked", [seen()], {"prober:a"}),
        ("each of them once, whatever they look at", [seen(), seen(incarnation="g000002")], {"prober:a"}),
        ("every one", [seen(), seen("prober:b"), seen("prober:c")], {"prober:a", "prober:b", "prober:c"}),
        ("a schedule that is late", [seen(ago=25)], {"prober:a"}),
        ("not who has fallen silent", [seen(ago=25.1), seen("prober:b")], {"prober:b"}),
        ("not who fails its control", [seen(front_door=False)], set()),
        ("the newest look counts", [seen(ago=3, front_door=False), seen(ago=13)], set()),
        ("in whatever order they come", [seen(ago=13, front_door=False), seen(ago=3)], {"prober:a"}),
        ("a clock that is a little ahead", [seen(ago=-5)], {"prober:a"}),
        ("not who has a wrong clock", [seen(ago=-5.1), seen(ago=5)], set()),
        ("the load balancer is no prober", [seen(LOAD_BALANCER)], set()),
        ("nobody", [], set()),
    ],
)
def test_the_probers_that_are_heard(rule: str, evidence: list[Evidence], heard: set[str]) -> None:
    assert probers_heard(evidence, now=NOW, policy=POLICY) == heard, rule


@pytest.mark.parametrize("reading", [healthy("fine"), unhealthy("connection refused"), unknown("could not ask")])
def test_what_they_say_does_not_matter(reading: object) -> None:
    each = Evidence(
        incarnation="g000001",
        observer="prober:a",
        observed_at=NOW,
        services=dict.fromkeys(Service, reading),  # type: ignore[arg-type]
        front_door=True,
    )
    assert probers_heard([each], now=NOW, policy=POLICY) == {"prober:a"}
