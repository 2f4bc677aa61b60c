"""A2: whose address an address is."""

from __future__ import annotations

import pytest

from dr_core.addresses import gone_with_its_address, handed_on_to
from dr_core.evidence import Service, Verdict
from dr_core.record import Incarnation, IncarnationState


def incarnation(generation: int, address: str | None = "10.0.0.1", **values: IncarnationState) -> Incarnation:
    state = values.get("state", IncarnationState.SERVING)
    return Incarnation(
        generation=generation, managed_cluster="ab"[generation % 2], state=state, primary_address=address
    )


OLD = incarnation(1)


@pytest.mark.parametrize(
    ("rule", "others", "owner"),
    [
        ("its own, as long as nobody else has it", [], None),
        ("a younger one's, of whichever managed cluster", [incarnation(2)], 2),
        ("the youngest one's", [incarnation(2), incarnation(4), incarnation(3)], 4),
        ("not one's that was retired since", [incarnation(2, state=IncarnationState.RETIRED)], None),
        ("one's that is only launched", [incarnation(2, state=IncarnationState.LAUNCHING)], 2),
        ("not an older one's", [incarnation(0)], None),
        ("not one's with another address", [incarnation(2, "10.0.0.2"), incarnation(3, None)], None),
    ],
)
def test_the_address_is(rule: str, others: list[Incarnation], owner: int | None) -> None:
    found = handed_on_to(OLD, [OLD, *others])

    assert (found.generation if found else None) == owner, rule


def test_without_an_address_nothing_was_handed_on() -> None:
    assert handed_on_to(incarnation(1, None), [incarnation(2, None)]) is None


def test_whoever_lost_its_address_is_unhealthy_in_every_service() -> None:
    assert {service: reading.verdict for service, reading in gone_with_its_address(OLD).items()} == dict.fromkeys(
        Service, Verdict.UNHEALTHY
    )
