"""The permissions boundary of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dr_core import there_already
from emr_dr.settings import Settings
from stacks.active_active import ActiveActive
from stacks.active_passive import ActivePassive
from stacks.platform import Platform

from ..synthesis import new_app, resources, templates

BOUNDARY = "arn:aws:iam::111122223333:policy/limits/boundary"


def synthesize(folder: Path, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    app = new_app(folder)
    settings = Settings.parse({"standby": "warm", **values})
    platform = Platform(app, "Platform", settings=settings)
    ActiveActive(app, "ActiveActive", settings=settings, platform=platform)
    ActivePassive(app, "ActivePassive", settings=settings, platform=platform)
    return templates(app)


def boundaries(made: dict[str, dict[str, Any]]) -> list[Any]:
    return [
        role.get("PermissionsBoundary")
        for template in made.values()
        for role in resources(template, "AWS::IAM::Role").values()
    ]


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return synthesize(tmp_path_factory.mktemp("limited"), {"security": {"permissions_boundary": BOUNDARY}})


def test_every_role_of_every_stack_has_the_boundary(limited: dict[str, dict[str, Any]]) -> None:
    """B8: those that the CDK makes, too."""
    found = boundaries(limited)

    assert len(found) > 25
    assert set(found) == {BOUNDARY}


def test_a_rehearsal_is_told_which_boundary_is_there_already(limited: dict[str, dict[str, Any]]) -> None:
    assert limited["Platform"]["Metadata"][there_already.BOUNDARY] == BOUNDARY


def test_without_the_setting_no_role_has_one(active_passive: dict[str, Any]) -> None:
    assert set(boundaries({"ActivePassive": active_passive})) == {None}
