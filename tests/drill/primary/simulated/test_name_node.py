"""The simulated NameNode's beans, held to those of a real one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.configuration import Configuration
from emr_drill.primary.simulated.name_node import NameNode
from tests.drill.primary.simulated.conftest import sample, shape

BEANS = ("NameNodeStatus", "FSNamesystemState", "NameNodeInfo")


def bean(name_node: NameNode, name: str) -> dict[str, Any]:
    """The only bean in the answer for *name*."""
    query = {"qry": f"Hadoop:service=NameNode,name={name}"}
    answer = asyncio.run(name_node.answer(web.Request(method="GET", path="/jmx", query=query)))
    (found,) = answer.body["beans"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", BEANS)
def test_a_bean_has_the_real_ones_names_and_types(configuration: Configuration, name: str) -> None:
    real, simulated = sample(f"nn-{name}")["beans"][0], bean(NameNode(configuration), name)

    assert shape(simulated).items() <= shape(real).items()


def test_the_state_stays_active_in_safe_mode(configuration: Configuration) -> None:
    """The check of the source script looks at this alone and misses safe mode (A11)."""
    name_node = NameNode(configuration)
    name_node.safe_mode = True

    assert bean(name_node, "NameNodeStatus")["State"] == sample("nn-NameNodeStatus-safemode")["beans"][0]["State"]


@pytest.mark.parametrize(("name", "key"), [("FSNamesystemState", "FSState"), ("NameNodeInfo", "Safemode")])
@pytest.mark.parametrize(("on", "suffix"), [(False, ""), (True, "-safemode")])
def test_safe_mode_shows_where_the_real_one_shows_it(
    configuration: Configuration, name: str, key: str, on: bool, suffix: str
) -> None:
    name_node = NameNode(configuration)
    name_node.safe_mode = on

    assert bean(name_node, name)[key] == sample(f"nn-{name}{suffix}")["beans"][0][key]


def test_other_pages_are_not_there(configuration: Configuration) -> None:
    answer = asyncio.run(NameNode(configuration).answer(web.Request(method="GET", path="/webhdfs/v1/")))

    assert answer.status == 404
