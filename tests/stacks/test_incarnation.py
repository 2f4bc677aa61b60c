"""The incarnation template as it is synthesized and published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from constructs import Construct, RootConstruct

from emr_dr.incarnation_instances import GROUP_LIMITS
from emr_dr.incarnation_template import DYNAMIC_PARAMETERS, STATIC_PARAMETERS
from emr_dr.policy_checks import add_policy_checks
from emr_dr.settings import Settings
from stacks.incarnation import Incarnation, PublishedIncarnation, synthesize_incarnation
from stacks.platform import Platform

from ..constructs.fleets import FLEETS, WITH_TASK
from ..synthesis import findings, new_app, only


class Published:
    """A platform and a strategy that publishes the template."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        app = new_app(folder)
        platform = Platform(app, "Platform", settings=Settings())
        self.strategy = Stack(app, "Strategy")
        self.incarnation = PublishedIncarnation(self.strategy, "Incarnation", settings=Settings(), platform=platform)
        add_policy_checks(app)
        assembly = app.synth()
        self.template: dict[str, Any] = assembly.get_stack_by_name("Strategy").template


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(tmp_path_factory.mktemp("published"))


def template_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "incarnation" / "Incarnation.template.json").read_text("utf-8"))
    return found


def test_the_template_lies_below_the_assembly_of_the_outer_app(published: Published) -> None:
    assert (published.folder / "incarnation" / "Incarnation.template.json").is_file()


def test_the_template_holds_exactly_one_cluster_and_nothing_else(published: Published) -> None:
    """The stack is created by name, once only; what else it held would be made again with each incarnation."""
    assert [resource["Type"] for resource in template_in(published.folder)["Resources"].values()] == [
        "AWS::EMR::Cluster"
    ]


def test_the_template_asks_for_the_agreed_parameters(published: Published) -> None:
    agreed = STATIC_PARAMETERS.keys() | DYNAMIC_PARAMETERS.keys() | GROUP_LIMITS.keys()
    assert template_in(published.folder)["Parameters"].keys() == agreed


def test_the_template_exports_nothing(published: Published) -> None:
    """An export in use would keep an incarnation's stack from being deleted."""
    assert [output for output in template_in(published.folder)["Outputs"].values() if "Export" in output] == []


def test_the_published_asset_is_the_checked_template(published: Published) -> None:
    hashed = published.strategy.resolve(published.incarnation.template_url)["Fn::Sub"].rpartition("/")[2]

    assert json.loads((published.folder / f"asset.{hashed}").read_text("utf-8")) == template_in(published.folder)


def test_the_strategy_gives_every_static_parameter(published: Published) -> None:
    assert published.incarnation.parameters.keys() == STATIC_PARAMETERS.keys()


@pytest.mark.parametrize("cluster", [{}, {"fleets": FLEETS}, {"fleets": WITH_TASK}], ids=["groups", "fleets", "task"])
def test_the_policy_checks_find_nothing_in_the_template(tmp_path: Path, cluster: dict[str, Any]) -> None:
    """A14, B5, B8: a cluster launched at run time is checked like every stack."""
    app = new_app(tmp_path)
    Incarnation(app, "Incarnation", settings=Settings.parse({"cluster": cluster}))

    assert findings(app) == []


def test_the_inner_app_runs_the_policy_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emr_dr.incarnation_template.IncarnationCluster._acknowledge", lambda self, encrypted: None)

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        synthesize_incarnation(new_app(tmp_path), settings=Settings())


def test_clusters_read_published_scripts_alone(published: Published) -> None:
    """B8: least privilege.  Those of an earlier deploy too, for a failover in the middle of a deploy."""
    (statement,) = only(published.template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]

    assert statement["Action"] == "s3:GetObject"
    assert str(statement["Resource"]).endswith("/*.sh']]}")


def test_the_template_is_for_the_region_of_the_settings(tmp_path: Path) -> None:
    stack = Incarnation(new_app(tmp_path), "Incarnation", settings=Settings.parse({"region": "eu-west-1"}))

    assert stack.region == "eu-west-1"


def test_publishing_outside_an_app_is_refused(tmp_path: Path) -> None:
    platform = Platform(new_app(tmp_path), "Platform", settings=Settings())

    with pytest.raises(TypeError, match="must stand in an App"):
        PublishedIncarnation(
            Construct(RootConstruct("Alone"), "Here"), "Incarnation", settings=Settings(), platform=platform
        )


def summary_of(tmp_path: Path, **cluster: Any) -> str:
    settings = Settings.model_validate({"cluster": cluster})
    app = new_app(tmp_path)
    stack = Stack(app, "Strategy")
    return PublishedIncarnation(
        stack, "Incarnation", settings=settings, platform=Platform(app, "Platform", settings=settings)
    ).summary


def test_the_summary_says_what_a_person_calls_a_cluster(published: Published) -> None:
    assert published.incarnation.summary.startswith("emr-7.13.0, primary m5.xlarge, core m5.xlarge, ")


@pytest.mark.parametrize(
    "changed",
    [{"release_label": "emr-7.12.0"}, {"spark_defaults": {"spark.executor.cores": "2"}}, {"fleets": {}}],
    ids=["named", "not named", "another shape"],
)
def test_another_template_has_another_summary(published: Published, tmp_path: Path, changed: dict[str, Any]) -> None:
    """B13: who reads a diff sees which managed clusters will move."""
    assert summary_of(tmp_path, **changed) != published.incarnation.summary


def test_what_changes_in_place_has_the_same_summary(published: Published, tmp_path: Path) -> None:
    changed = {"maximum_instances": 12, "tags": {"cost-center": "analytics"}}

    assert summary_of(tmp_path, **changed) == published.incarnation.summary
