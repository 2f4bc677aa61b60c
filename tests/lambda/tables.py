"""The two tables, as the stacks define their keys; the fixtures are for conftest files to import."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


_KEYS = {"record": ("kind", "id"), "evidence": ("incarnation", "observed")}


def make_tables(dynamodb: DynamoDBServiceResource) -> None:
    """Make the tables ``record`` and ``evidence``."""
    for name, (partition, sort) in _KEYS.items():
        dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": partition, "AttributeType": "S"},
                {"AttributeName": sort, "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )


def empty_tables() -> None:
    """Remove every item, behind the back of the SDK: its calls would take longer than most tests."""
    for name in _KEYS:
        dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables[name].items.clear()


@contextlib.contextmanager
def one_request_at_a_time() -> Iterator[None]:
    """DynamoDB takes requests in some order; moto looks at an item's neighbours while another thread puts one there.

    What the functions do in threads was told "dictionary changed size during iteration" by it now and then.
    """
    answer, turn = DynamoHandler.call_action, threading.Lock()

    def in_turn(handler: DynamoHandler) -> Any:
        with turn:
            return answer(handler)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoHandler, "call_action", in_turn)
        yield


@pytest.fixture(scope="module")
def dynamodb_of_module() -> Iterator[DynamoDBServiceResource]:
    """Tables in memory; made once for a module, as loading the SDK's models takes longer than most tests."""
    with mock_aws(), one_request_at_a_time():
        resource = boto3.resource("dynamodb", region_name="us-east-1")
        make_tables(resource)
        yield resource


@pytest.fixture
def dynamodb(dynamodb_of_module: DynamoDBServiceResource) -> DynamoDBServiceResource:
    """The tables ``record`` and ``evidence``, empty."""
    empty_tables()
    return dynamodb_of_module
