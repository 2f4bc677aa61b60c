"""The strategies that can be drilled."""

from __future__ import annotations

import pytest

from emr_drill.errors import DrillError
from emr_drill.strategies import DEFAULT, STRATEGIES, strategy


def test_a_strategy_is_its_stack_and_the_platform() -> None:
    """A2."""
    assert strategy("active-active").stacks == ("Platform", "ActiveActive")


def test_what_is_off_by_default_is_drilled_too() -> None:
    """A9: whoever serves alone gets more room."""
    assert strategy("active-active").context == ("set.cluster.maximum_instances_alone=20",)


def test_what_is_drilled_without_a_word_is_active_passive() -> None:
    assert STRATEGIES[DEFAULT].stack == "ActivePassive"


def test_a_wrong_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(
        DrillError, match="must be one of active-passive, active-active, active-passive-warm, got 'both'"
    ):
        strategy("both")


def test_a_strategy_may_be_another_setting_of_the_same_stack() -> None:
    """A2: whether it keeps a standby is data."""
    warm = strategy("active-passive-warm")
    assert (warm.stacks, warm.context) == (("Platform", "ActivePassive"), ("set.standby=warm",))
    assert warm.deployment_ending == "active-passive"
    assert strategy("active-passive").context == ()
    assert strategy("active-active").deployment_ending == "active-active"
