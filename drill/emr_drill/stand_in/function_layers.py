"""Which layers a function may have here.

The drill runs functions with the packages of ``build/function-runtime``, whatever their layers say, and moto drops the
layers of a template's functions.  A layer that AWS would refuse, or one that holds packages for another Python, would
only show there: hence this check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

# Powertools for AWS Lambda, public in every commercial region (docs.aws.amazon.com/powertools/python, "Installation").
FORM = (
    "arn:aws:lambda:<region>:017000801446:layer:AWSLambdaPowertoolsPythonV3-python3<minor>-<x86_64 or arm64>:<version>"
)
_POWERTOOLS = re.compile(
    r"arn:aws:lambda:(?P<region>[a-z0-9-]+):017000801446:"
    r"layer:AWSLambdaPowertoolsPythonV3-python3(?P<minor>\d+)-(?P<architecture>x86_64|arm64):[1-9]\d*"
)


class LayerRefused(ValueError):
    """A layer that the function could not use on AWS, or that the drill has nothing for."""


class _Fact(NamedTuple):
    what: str
    of_layer: str
    of_function: str


def check_layers(layers: Iterable[object], *, runtime: str, region: str, architecture: str = "x86_64") -> None:
    """Refuse layers that a function cannot have.

    Args:
        layers: ARNs of layer versions, as the template resolves them.
        runtime: the function's, ``python3.14``.
        region: the function's; Lambda takes layers of the same region only.
        architecture: ``x86_64`` (Lambda's default) or ``arm64``.

    Raises:
        LayerRefused: not the public Powertools layer, or one for another Python, region or architecture.
    """
    for layer in layers:
        found = _POWERTOOLS.fullmatch(str(layer))
        if found is None:
            raise LayerRefused(
                f"Layer '{layer}' is none that the drill's functions run with; allowed: {FORM}. Put other packages "
                "into the function's own asset"
            )
        for fact in (
            _Fact("Python", f"python3.{found['minor']}", runtime),
            _Fact("region", found["region"], region),
            _Fact("architecture", found["architecture"], architecture),
        ):
            if fact.of_layer != fact.of_function:
                raise LayerRefused(
                    f"Layer '{layer}' is for {fact.what} '{fact.of_layer}', the function's is '{fact.of_function}'; "
                    "name the layer for the function's own Python, region and architecture"
                )
