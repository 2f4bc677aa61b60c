"""moto is still the one that the load balancers' patches were written for.

A changed hash means: read what moto changed, see whether the patch is still right and still needed, then write the new
hash here.
"""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

import pytest
from moto.elbv2 import models

from emr_drill.stand_in.load_balancers_cloudformation import DELETED_BY
from emr_drill.stand_in.load_balancers_moto import CHANGING_METHODS, REPLACEMENTS
from emr_drill.stand_in.patching import original

BACKEND = {
    "_validate_actions": "4344caf58ed6",
    "_validate_conditions": "bf3d86e941ef",
    "create_listener": "51a390befda9",
    "create_load_balancer": "dd53c4e98de0",
    "create_rule": "e9c474f97f57",
    "delete_listener": "787d88abdc98",
    "delete_load_balancer": "575862696f05",
    "delete_rule": "240310322b79",
    "delete_target_group": "74a3b56e63eb",
    "deregister_targets": "e2c55b1c66b8",
    "describe_target_health": "0ad28abaefa3",
    "modify_listener": "0c8a4066d3b7",
    "modify_load_balancer_attributes": "b054135be955",
    "modify_rule": "be947f102d03",
    "modify_target_group": "e6c3e83474b0",
    "modify_target_group_attributes": "bb0bbdfc84b8",
    "register_targets": "132cca8ea656",
    "set_rule_priorities": "8984c1519a08",
    "set_subnets": "f8740fed02e3",
}
CREATED: dict[type, str] = {
    models.FakeLoadBalancer: "397dadc0d46c",
    models.FakeTargetGroup: "d8ae3b72eac3",
    models.FakeListener: "02ea7aa429b4",
    models.FakeListenerRule: "19db3bc157b0",
}


def source_hash(function: Any) -> str:
    """The first digits of the hash of *function*'s source."""
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", sorted({*REPLACEMENTS, *CHANGING_METHODS}))
def test_backend_method_is_the_known_one(name: str) -> None:
    """Replaced, or called before the data path looks at the configuration."""
    assert source_hash(original(models.ELBv2Backend, name)) == BACKEND[name]


@pytest.mark.parametrize("owner", CREATED, ids=lambda owner: owner.__name__)
def test_creation_by_cloudformation_is_the_known_one(owner: type) -> None:
    """It loses type, attributes, targets and tags, hence the patches."""
    assert source_hash(original(owner, "create_from_cloudformation_json").__func__) == CREATED[owner]


@pytest.mark.parametrize("owner", DELETED_BY, ids=lambda owner: owner.__name__)
def test_moto_itself_cannot_delete_the_resource(owner: type) -> None:
    """The source, as the class may be patched already."""
    assert "def delete(" not in inspect.getsource(owner)


@pytest.mark.parametrize(
    "owner", [models.FakeTargetGroup, models.FakeListener, models.FakeListenerRule], ids=lambda owner: owner.__name__
)
def test_moto_itself_has_no_attribute_of_the_resource(owner: type) -> None:
    """``Fn::GetAtt`` of a group, a listener or a rule."""
    assert "def has_cfn_attr(" not in inspect.getsource(owner)


def test_moto_itself_lacks_attributes_of_load_balancers() -> None:
    """``Fn::GetAtt`` of the full name, which dashboards and alarms need."""
    assert "not_implemented_yet" in inspect.getsource(models.FakeLoadBalancer)


def test_moto_itself_knows_no_regular_expression() -> None:
    """Neither in conditions nor anywhere else of the service."""
    assert "RegexValues" not in inspect.getsource(models)
