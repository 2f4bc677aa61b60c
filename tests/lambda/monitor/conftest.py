"""Tables in memory for the monitor's tests, and a monitor over them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ..tables import dynamodb, dynamodb_of_module
from .world import World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

__all__ = ["dynamodb", "dynamodb_of_module", "world"]


@pytest.fixture
def world(dynamodb: DynamoDBServiceResource, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with ThreadPoolExecutor(max_workers=4) as pool:
        made = World(dynamodb, pool)
        monkeypatch.setattr(time, "time", lambda: made.now)
        yield made
