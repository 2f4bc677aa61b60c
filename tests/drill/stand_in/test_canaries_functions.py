"""Canaries for ``emr_drill.stand_in.functions``: moto's way to run a function is what the drill replaces.

A failure means that another moto is installed: read the new source, fit the replacement, then the hash here.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse

from emr_drill.stand_in.patching import original

from .canary import fingerprint


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [
        (LambdaFunction, "_invoke_lambda", "7476f46f72c1"),  # starts a container
        (LambdaFunction, "invoke", "4053e88205b7"),  # waits for the answer of an Event, too
        (LambdaFunction, "create_from_cloudformation_json", "b6e92f26cada"),  # drops Layers
        (LambdaBackend, "invoke", "43a709dab6f8"),  # calls it with body, headers, response headers
        (LambdaResponse, "invoke", "ce72022a55b7"),  # takes None for "no such function"
    ],
)
def test_what_the_runtime_replaces_is_as_it_was(owner: type, name: str, expected: str) -> None:
    assert fingerprint(owner, name) == expected


def test_moto_itself_drops_the_layers_of_a_templates_function() -> None:
    symbol: Any = original(LambdaFunction, "create_from_cloudformation_json")
    source = inspect.getsource(symbol.__func__)
    assert ('"VpcConfig"' in source, '"Layers"' in source) == (True, False)
