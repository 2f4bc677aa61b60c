"""What the drill replaces of moto's EMR is still what it was made for; a new moto must be looked at where one fails."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.responses import BaseResponse
from moto.emr.responses import ElasticMapReduceResponse

from emr_drill.stand_in import emr_api
from emr_drill.stand_in.patching import original
from tests.drill.stand_in.canary import fingerprint


@pytest.mark.parametrize("name", [*emr_api.REPLACED, *emr_api.REFUSED])
def test_an_operation_is_a_method_without_arguments(name: str) -> None:
    assert list(inspect.signature(original(ElasticMapReduceResponse, name)).parameters) == ["self"]


@pytest.mark.parametrize("name", emr_api.ADDED)
def test_an_operation_that_is_added_is_not_there(name: str) -> None:
    emr_api.remove()

    assert not hasattr(ElasticMapReduceResponse, name)


def test_actions_are_found_by_the_names_of_methods_and_their_text_is_the_answer() -> None:
    assert fingerprint(BaseResponse, "call_action") == "34a17a4a36dd"


@pytest.fixture
def plain() -> Iterator[None]:
    """Moto as it comes."""
    emr_api.remove()
    with mock_aws():
        yield


def test_without_the_stand_in_a_cluster_waits_at_once_and_has_nothing_behind_it(plain: None) -> None:
    emr: Any = boto3.client("emr", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    cluster_id = emr.run_job_flow(
        Name="a", Instances={"KeepJobFlowAliveWhenNoSteps": True}, JobFlowRole="r", ServiceRole="s"
    )["JobFlowId"]

    assert emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"] == "WAITING"
