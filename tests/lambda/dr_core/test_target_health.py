"""A11: whose fault it is that a target is called unhealthy."""

from __future__ import annotations

import pytest

from dr_core.target_health import is_load_balancers_fault


@pytest.mark.parametrize(
    ("state", "reason", "its_own"),
    [
        ("unhealthy", "Elb.InternalError", True),
        ("unhealthy", "Target.Timeout", False),
        ("unhealthy", "", False),
        # It has just been registered: that is no error.
        ("initial", "Elb.RegistrationInProgress", False),
        ("healthy", "", False),
    ],
)
def test_the_fault_is_the_load_balancers_own(state: str, reason: str, its_own: bool) -> None:
    assert is_load_balancers_fault(state=state, reason=reason) is its_own
