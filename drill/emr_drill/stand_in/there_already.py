"""What settings say is there already: made in the stand-in before anything is deployed, as its owner made it.

The platform's template says what (:mod:`dr_core.there_already`), so that settings with ids of a real account can be
drilled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from moto.kms import models as kms

from dr_core import there_already
from emr_drill.errors import DrillError
from emr_drill.preflight import REPOSITORY
from emr_drill.stand_in import existing_network
from emr_drill.stand_in.patching import made_as

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

PERMISSIONS = REPOSITORY / "docs" / "permissions.yaml"
SECURITY_PAGE = REPOSITORY / "docs" / "security.md"
_POLICY = ("<!-- key policy -->\n```json\n", "```")


def make(stand_in: StandIn, assembly: Path, *, stack: str, say: Callable[[str], None]) -> None:
    """Make what the template of *stack* says is there already.

    Args:
        stand_in: where; running.
        assembly: a cloud assembly.
        stack: artifact id of the platform.
        say: gets a line for each thing.

    Raises:
        DrillError: the assembly cannot be read, or key or boundary are of another account or region than the
            stand-in's.
    """
    told = metadata(assembly, stack=stack)
    if (network := told.get(there_already.NETWORK)) is not None:
        say(f"making {network['vpc_id']}, which the settings say is there already")
        existing_network.make(stand_in, network)
    if (key := told.get(there_already.OWN_KEY)) is not None:
        say(f"making {key}, with the policy of docs/security.md")
        make_key(stand_in, str(key))
    if (boundary := told.get(there_already.BOUNDARY)) is not None:
        say(f"making {boundary}, which allows what docs/permissions.yaml lists")
        make_boundary(stand_in, str(boundary))


def metadata(assembly: Path, *, stack: str) -> Mapping[str, Any]:
    """The metadata of the template of *stack*.

    Raises:
        DrillError: the assembly cannot be read.
    """
    try:
        manifest = json.loads((assembly / "manifest.json").read_text())
        template = json.loads((assembly / manifest["artifacts"][stack]["properties"]["templateFile"]).read_text())
    except (OSError, ValueError, KeyError) as error:
        raise DrillError(
            f"cannot read the template of {stack} in {assembly} ({error}); run `cdk synth` again"
        ) from error
    found: Mapping[str, Any] = template.get("Metadata", {})
    return found


def make_key(stand_in: StandIn, arn: str) -> None:
    """Make the key *arn* with the policy that owners of keys are asked for.

    Raises:
        DrillError: it is of another account or region than the stand-in's.
    """
    _, _, _, region, account, resource = arn.split(":", 5)
    if (region, account) != (stand_in.region, stand_in.account):
        raise DrillError(
            f"security.key is of account {account} in {region}, and a drill has account {stand_in.account} in "
            f"{stand_in.region}: drill with -c set.security.key= and an ARN of that account and region"
        )
    shown = SECURITY_PAGE.read_text(encoding="utf-8").partition(_POLICY[0])[2].partition(_POLICY[1])[0]
    statements = json.loads(shown.replace("ACCOUNT", account).replace("REGION", region))
    with made_as(kms, "generate_key_id", resource.removeprefix("key/")):
        stand_in.client("kms").create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))


def make_boundary(stand_in: StandIn, arn: str) -> None:
    """Make the permissions boundary *arn* with the actions that owners of boundaries are asked to allow.

    Raises:
        DrillError: it is of another account than the stand-in's.
    """
    account, resource = arn.split(":", 5)[4:]
    if account != stand_in.account:
        raise DrillError(
            f"security.permissions_boundary is of account {account}, and a drill has account {stand_in.account}: drill "
            "with -c set.security.permissions_boundary= and an ARN of that account"
        )
    path, _, name = resource.removeprefix("policy").rpartition("/")
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": listed(), "Resource": "*"}}
    stand_in.client("iam").create_policy(PolicyName=name, Path=f"{path}/", PolicyDocument=json.dumps(document))


def listed() -> list[str]:
    """The actions of docs/permissions.yaml: of every role, those that it is denied and managed policies left out."""
    roles = yaml.safe_load(PERMISSIONS.read_text(encoding="utf-8"))
    entries = [entry for role in roles.values() for entry in role["may"] if not entry.get("never")]
    return sorted({action for entry in entries for action in entry["do"] if ":" in action})
