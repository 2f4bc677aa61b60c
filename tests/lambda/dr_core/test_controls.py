"""A12: what a person decided, and whose turn it is, as the record table holds them."""

from __future__ import annotations

from decimal import Decimal

from dr_core.controls import Controls, Turn

CONTROLS = Controls(
    paused=True,
    paused_at=1.5,
    paused_because="a game day",
    paused_by="ann",
    resumed_at=2.5,
    resumed_by="ben",
    acknowledged_at=3.5,
    acknowledged_because="two zones were down",
    acknowledged_by="cleo",
)
TURN = Turn(operation="a-20261121t031025-1", managed_cluster="a", since=1.5)


def test_without_an_item_nobody_decided_anything() -> None:
    """It works before anybody has ever used it."""
    assert Controls.from_item(None) == Controls()
    assert Controls() == Controls(paused=False, paused_at=None, acknowledged_at=None)


def test_the_controls_item() -> None:
    assert CONTROLS.to_item() == {
        "kind": "deployment",
        "id": "controls",
        "paused": True,
        "paused_at": Decimal("1.500"),
        "paused_because": "a game day",
        "paused_by": "ann",
        "resumed_at": Decimal("2.500"),
        "resumed_by": "ben",
        "acknowledged_at": Decimal("3.500"),
        "acknowledged_because": "two zones were down",
        "acknowledged_by": "cleo",
    }


def test_the_controls_are_read_back() -> None:
    assert Controls.from_item(CONTROLS.to_item()) == CONTROLS
    assert Controls.from_item({"kind": "deployment", "id": "controls", "paused": False}) == Controls()


def test_the_item_of_the_turn() -> None:
    assert TURN.to_item() == {
        "kind": "deployment",
        "id": "automatic-operation",
        "operation": "a-20261121t031025-1",
        "managed_cluster": "a",
        "since": Decimal("1.500"),
    }


def test_the_turn_is_read_back() -> None:
    assert Turn.from_item(TURN.to_item()) == TURN


def test_the_two_are_different_items() -> None:
    assert Controls.key() != Turn.key()
