"""Layers that would fail a deployment to AWS fail it in the drill, too (A13)."""

from __future__ import annotations

import pytest

from emr_drill.stand_in.function_layers import LayerRefused, check_layers

PUBLIC = "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python314-x86_64:38"


def check(*layers: object, architecture: str = "x86_64") -> None:
    check_layers(layers, runtime="python3.14", region="us-east-1", architecture=architecture)


def test_the_public_layer_of_the_functions_python_is_taken() -> None:
    check(PUBLIC)


def test_no_layer_is_no_wrong_layer() -> None:
    check()


def test_a_layer_for_the_functions_architecture_is_taken() -> None:
    check(PUBLIC.replace("x86_64", "arm64"), architecture="arm64")


@pytest.mark.parametrize(
    ("here", "there", "reason"),
    [
        ("python314", "python313", r"is for Python 'python3\.13', the function's is 'python3\.14'"),
        ("python314", "python31", r"is for Python 'python3\.1', the function's is 'python3\.14'"),
        ("us-east-1", "eu-west-1", "is for region 'eu-west-1', the function's is 'us-east-1'"),
        ("x86_64", "arm64", "is for architecture 'arm64', the function's is 'x86_64'"),
    ],
)
def test_a_layer_for_another_function_is_refused(here: str, there: str, reason: str) -> None:
    with pytest.raises(LayerRefused, match=reason):
        check(PUBLIC.replace(here, there))


@pytest.mark.parametrize(
    "layer",
    [
        PUBLIC.replace("017000801446", "123456789012"),
        PUBLIC.replace("PythonV3", "PythonV2"),
        PUBLIC.replace("-x86_64", ""),
        PUBLIC.removesuffix(":38"),
        PUBLIC.replace(":38", ":0"),
        f"{PUBLIC}0\n",
        PUBLIC.replace("arn:aws:", "arn:aws-cn:"),
        "",
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(layer: str) -> None:
    with pytest.raises(LayerRefused, match=r"none that the drill's functions run with; allowed: arn:aws:lambda:<reg"):
        check(layer)


def test_each_layer_is_looked_at() -> None:
    with pytest.raises(LayerRefused, match="python313"):
        check(PUBLIC, PUBLIC.replace("python314", "python313"))
