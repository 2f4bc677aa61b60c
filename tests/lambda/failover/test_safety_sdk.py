"""What the SDK of the runtime has to know is checked before anything is launched."""

from __future__ import annotations

from types import SimpleNamespace

import botocore.session
import pytest

from failover import custom_resource
from failover.sdk import OldSdkError, check_sdk

from .safety import stack_event
from .scenarios import launched
from .world import World


@pytest.fixture
def old_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SDK from before regular expressions in path conditions."""
    model = SimpleNamespace(shape_for=lambda name: SimpleNamespace(members={"Values": name}))
    session = SimpleNamespace(get_service_model=lambda service: model)
    monkeypatch.setattr(botocore.session, "get_session", lambda: session)


def test_the_sdk_that_is_installed_knows_regular_expressions() -> None:
    """The one that the project pins."""
    check_sdk()


@pytest.mark.usefixtures("old_sdk")
@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_an_old_sdk_is_told_before_a_launch(world: World, kind: str) -> None:
    """The first ModifyRule would fail after eight minutes, and again in every failover."""
    with pytest.raises(OldSdkError, match=r"does not know RegexValues .* use a runtime with a newer SDK, or give"):
        custom_resource.respond(world.deployment, stack_event(kind))
    assert world.executions == {}


@pytest.mark.usefixtures("old_sdk")
def test_an_old_sdk_does_not_keep_a_stack_from_being_deleted(world: World) -> None:
    """CloudFormation deletes what it could not create."""
    custom_resource.respond(launched(world).deployment, stack_event("Delete", "r9"))
    world.run_started_retirements()
    assert [each["succeeded"] for each in world.answers] == [True]
