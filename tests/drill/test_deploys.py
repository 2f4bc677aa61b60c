"""Deploys while jobs run: the changed settings, and the ways back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from emr_drill import deploys as module
from emr_drill.deploys import Deploys
from emr_drill.errors import DrillError

PATIENCE_SECONDS = 20.0


class World:
    """A stand-in with one stack, and what is deployed there."""

    def __init__(self, tmp_path: Path) -> None:
        self.status = "CREATE_COMPLETE"
        self.log: list[str] = []
        self.said: list[str] = []
        self.failure = ""
        self.may_end = threading.Event()
        self.may_end.set()
        self.stacks = self
        artifacts = {"Strategy": {"type": "aws:cloudformation:stack", "properties": {"stackName": "its-name"}}}
        for name in ("before", "after"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
        self.deploys = Deploys(
            stand_in=cast(Any, self),
            stacks=["Platform", "Strategy"],
            before=tmp_path / "before",
            after=tmp_path / "after",
            on_event=lambda event: None,
            say=self.said.append,
        )

    def find(self, name: str) -> Any:
        assert name == "its-name"
        return SimpleNamespace(status=self.status)

    def client(self, service: str) -> Any:
        assert service == "cloudformation"
        return self

    def cancel_update_stack(self, *, StackName: str) -> None:
        self.log.append(f"cancelled {StackName}")

    def deploy(self, stand_in: object, assembly: Path, *, stacks: Sequence[str], on_event: Callable[..., None]) -> None:
        assert list(stacks) == ["Platform", "Strategy"]
        self.log.append(assembly.name)
        self.may_end.wait(PATIENCE_SECONDS)
        if self.failure:
            raise DrillError(self.failure)

    def until_over(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.deploys.under_way:
            assert time.monotonic() < deadline
            time.sleep(0.001)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    monkeypatch.setattr(module, "deploy", made.deploy)
    return made


def test_a_change_is_deployed_beside_everything_else(world: World) -> None:
    world.may_end.clear()
    world.deploys.change()
    before = world.deploys.under_way
    world.may_end.set()
    world.until_over()

    assert (before, world.log, world.said) == (True, ["after"], ["the deploy is complete"])


def test_a_deploy_that_fails_says_why(world: World) -> None:
    world.failure = "no capacity"
    world.deploys.change()
    world.until_over()

    assert (world.said, world.deploys.told) == (["the deploy failed: no capacity"], ["no capacity"])


def test_an_update_under_way_is_cancelled(world: World) -> None:
    world.status = "UPDATE_IN_PROGRESS"
    world.deploys.take_back()

    assert (world.log, world.deploys.under_way) == (["cancelled its-name"], False)


def test_after_that_the_old_settings_are_deployed_again_one_deploy_after_the_other(world: World) -> None:
    world.may_end.clear()
    world.deploys.change()
    world.deploys.take_back()
    world.may_end.set()
    world.until_over()

    assert world.log == ["after", "before"]
