"""README's part on deploying, typed at a terminal: the CDK's own command line, against the stand-in (A2, A12, B13)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from emr_drill.observe import Deployment, deployment_name

from .command_line import (
    NEW_RELEASE,
    OLD_RELEASE,
    ZONES,
    Person,
    moving,
    readme_commands,
    serving,
    stand_in,
    what_git_has,
)

# Of the drills that tests run at once this one alone is in these.
FIRST_BLOCK, LAST_BLOCK = 70, 75


def free_block() -> int:
    """One that no drill and no other test worker uses."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0")
    return FIRST_BLOCK + worker % (LAST_BLOCK - FIRST_BLOCK + 1)


def test_the_readme_has_the_whole_way() -> None:
    """Other commands would be typed, too, and looked at for what these do."""
    assert readme_commands() == [
        "node_modules/.bin/cdk bootstrap",
        "node_modules/.bin/cdk deploy ActivePassive",
        "node_modules/.bin/cdk diff ActivePassive",
        "node_modules/.bin/cdk deploy ActivePassive",
        "node_modules/.bin/cdk destroy ActivePassive",
    ]


@pytest.mark.long
def test_a_person_deploys_looks_changes_and_destroys_as_the_readme_says(tmp_path: Path) -> None:
    bootstrap, deploy, diff, deploy_again, destroy = readme_commands()
    clone = what_git_has(tmp_path / "clone")
    # The environment was installed for this working tree: the clone's own modules come first.
    own_modules = os.pathsep.join(str(clone / root) for root in ("constructs", "lambda"))
    with stand_in(tmp_path / "stand-in", block=free_block()) as account:
        person = Person(clone, tmp_path / "home", account, PYTHONPATH=own_modules)

        said = person.types(bootstrap)
        assert said.status == 0
        assert person.stacks() == {"CDKToolkit": "CREATE_COMPLETE"}

        said = person.types(deploy)
        assert said.status == 0
        assert len(said.questions) == 2, "one for the security-relevant changes of each stack"
        assert re.search(r"ActivePassive\.LivyUrl = http://\S+:8998", said.text)
        deployment = Deployment(stand_in=account, name=deployment_name(account, strategy="active-passive"))
        assert serving(deployment) == {"a": 1}
        assert person.releases() == [OLD_RELEASE]

        person.changes_the_release()
        said = person.types(diff)
        assert said.status == 0
        assert "Could not create a change set" not in said.text
        assert moving(said) == ["[~] Custom::EmrManagedCluster ManagedClusterA/Resource"]
        assert re.search(rf"MovesWhenChanged\n.*\[-\] {OLD_RELEASE}, .*\n.*\[\+\] {NEW_RELEASE}, ", said.text)
        assert serving(deployment) == {"a": 1}

        for zone in ZONES:
            account.clusters.fail_capacity(zone)
        said = person.types(deploy_again)
        assert said.status == 1
        assert person.stacks()["ActivePassive"] == "UPDATE_ROLLBACK_COMPLETE"
        told = said.text.partition("ActivePassive failed to deploy")[2]
        assert "no availability zone is left to launch in" in " ".join(told.split())
        assert serving(deployment) == {"a": 1}
        for zone in ZONES:
            account.clusters.restore_capacity(zone)

        said = person.types(deploy_again)
        assert said.status == 0
        assert said.questions == (), "no role or group is widened"
        assert serving(deployment) == {"a": max(item["generation"] for item in deployment.incarnations())}
        assert NEW_RELEASE in person.releases()

        said = person.types(destroy)
        assert said.status == 0
        assert person.stacks().keys() == {"CDKToolkit", "Platform"}
        assert person.releases() == []
        assert {item["state"] for item in deployment.incarnations()} == {"retired"}
