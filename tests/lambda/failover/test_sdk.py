"""What the SDK of the runtime knows decides whether ids can be routed at all."""

from __future__ import annotations

from types import SimpleNamespace

import botocore.session
import pytest

from failover.sdk import OldSdkError, check_sdk


def use_sdk(monkeypatch: pytest.MonkeyPatch, conditions: object) -> None:
    """An SDK with this shape of path conditions."""
    model = SimpleNamespace(shape_for=lambda _: conditions)
    session = SimpleNamespace(get_service_model=lambda _: model)
    monkeypatch.setattr(botocore.session, "get_session", lambda: session)


def test_an_sdk_that_knows_regular_expressions_is_new_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A13: ids are routed by them."""
    use_sdk(monkeypatch, SimpleNamespace(members={"Values": 1, "RegexValues": 2}))
    check_sdk()


@pytest.mark.parametrize("conditions", [SimpleNamespace(members={"Values": 1}), None])
def test_an_sdk_that_does_not_is_refused(monkeypatch: pytest.MonkeyPatch, conditions: object) -> None:
    """Which one it is, and what to do."""
    use_sdk(monkeypatch, conditions)
    with pytest.raises(OldSdkError, match=r"\(botocore [\d.]+\) does not know RegexValues .* or give"):
        check_sdk()
