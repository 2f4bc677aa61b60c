"""When a node learns of a change."""

from __future__ import annotations

from emr_drill.front_door.propagation import NodeView


def test_change_takes_effect_after_its_delay() -> None:
    """Until then the node knows what it knew."""
    view = NodeView("old")
    view.publish("new", effective_at=10.0)
    assert view.at(9.9) == "old"
    assert view.at(10.0) == "new"


def test_order_of_changes_is_kept() -> None:
    """A later change never overtakes an earlier one, however short its own delay."""
    view = NodeView("none")
    view.publish("first", effective_at=12.0)
    assert view.publish("second", effective_at=9.0) == 12.0
    assert view.at(11.0) == "none"
    assert view.at(12.0) == "second"


def test_two_nodes_differ_for_a_while() -> None:
    """Each node has a delay of its own."""
    first, second = NodeView("old"), NodeView("old")
    first.publish("new", effective_at=8.0)
    second.publish("new", effective_at=12.0)
    assert (first.at(10.0), second.at(10.0)) == ("new", "old")


def test_settled_when_the_last_change_is_known() -> None:
    """Nothing is under way before the first change."""
    view = NodeView("old")
    assert view.settled_at == float("-inf")
    view.publish("new", effective_at=8.0)
    assert view.settled_at == 8.0
