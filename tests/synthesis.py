"""Stacks in tests: an app as the command line makes it, its templates and what the policy checks find in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App
from cdk_nag import AwsSolutionsChecks

from dr_core.config import ENVIRONMENT_VARIABLE, FunctionConfig

REPOSITORY = Path(__file__).resolve().parents[1]
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef"
# A front door that speaks TLS (needs the region us-east-1).
DOOR: Mapping[str, Any] = {
    "certificate_arn": CERTIFICATE,
    "host_name": "{strategy}.example.com",
    "hosted_zone_id": "Z0123456789ABC",
    "hosted_zone_name": "example.com",
}
ARCHIVE = "s3://certificates/clusters.zip"
# Encryption from there up to the clusters.
CLUSTERS: Mapping[str, Any] = {**DOOR, "authority_file": "tests/authority.pem", "emr_certificates": ARCHIVE}


def new_app(folder: Path, **context: Any) -> App:
    """An app with the feature flags of ``cdk.json`` that writes its assembly to *folder*."""
    flags = json.loads((REPOSITORY / "cdk.json").read_text(encoding="utf-8"))["context"]
    return App(outdir=str(folder), context={**flags, **context}, auto_synth=False)


def templates(app: App) -> dict[str, dict[str, Any]]:
    """The templates of *app* by stack name."""
    return {stack.stack_name: stack.template for stack in app.synth().stacks}


def resources(template: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Properties by logical id of the resources of one type."""
    return {
        logical_id: resource.get("Properties", {})
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def only(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Properties of the one resource of a type."""
    found = resources(template, kind)
    assert len(found) == 1, f"expected one {kind}, found {sorted(found)}"
    return next(iter(found.values()))


def findings(app: App) -> list[str]:
    """What the policy checks find and nobody acknowledged: ``RULE construct/path``."""
    report = AwsSolutionsChecks(app).validate_scope(app)
    return sorted(
        f"{violation.rule_name} {resource.construct_path}"
        for violation in report.violations
        for resource in violation.violating_resources or []
    )


def statements(template: Mapping[str, Any], *, role: str) -> list[dict[str, Any]]:
    """Every statement of the inline policies of the role whose logical id begins with *role*."""
    found: list[dict[str, Any]] = []
    for policy in resources(template, "AWS::IAM::Policy").values():
        if any(str(item.get("Ref", "")).startswith(role) for item in policy["Roles"]):
            found += policy["PolicyDocument"]["Statement"]
    return found


def function_config(properties: dict[str, Any]) -> FunctionConfig | None:
    """What a function of a template reads at run time, with ``*`` for what a deploy knows; ``None`` if nothing."""
    text = properties["Environment"]["Variables"].get(ENVIRONMENT_VARIABLE)
    if isinstance(text, dict):
        separator, parts = text["Fn::Join"]
        text = str(separator).join(part if isinstance(part, str) else "*" for part in parts)
    return FunctionConfig.from_json(text) if text else None
