"""The platform as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_cdk.cx_api import SynthesisMessageLevel

from emr_dr.settings import Settings
from stacks.platform import NOBODY_IS_TOLD, POLICY_OF_OWN_KEY, Platform

from ..synthesis import findings, new_app, only, resources, templates


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    app = new_app(tmp_path_factory.mktemp("platform"))
    Platform(app, "Platform", settings=Settings.parse({"alert_email": "ops@example.org"}))
    return templates(app)["Platform"]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"network": {"nat_gateways": "none"}, "alert_email": "ops@example.org"},
        {"permissions": {"read": ["s3://lake/raw/", "s3://whole-bucket/"], "write": ["s3://lake/curated/"]}},
        {
            "region": "us-east-1",
            "network": {"availability_zones": ["us-east-1a", "us-east-1b", "us-east-1f"], "nat_gateways": "one"},
        },
    ],
)
def test_the_policy_checks_find_nothing_whatever_the_settings(tmp_path: Path, values: dict[str, Any]) -> None:
    """B8: each acknowledged finding has its reason beside the construct."""
    app = new_app(tmp_path)
    Platform(app, "Platform", settings=Settings.parse(values))

    assert findings(app) == []


def test_alerts_are_encrypted_and_sent_to_the_address_of_the_settings(template: dict[str, Any]) -> None:
    """B3: somebody is told."""
    subscription = only(template, "AWS::SNS::Subscription")

    assert "KmsMasterKeyId" in only(template, "AWS::SNS::Topic")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.org")


def warnings(folder: Path, values: dict[str, Any]) -> list[str]:
    """What whoever synthesizes is warned of."""
    app = new_app(folder)
    Platform(app, "Platform", settings=Settings.parse(values))
    messages = app.synth().get_stack_by_name("Platform").messages
    return [str(each.entry.data) for each in messages if each.level is SynthesisMessageLevel.WARNING]


def test_whoever_synthesizes_without_an_address_is_warned_that_nobody_is_told(tmp_path: Path) -> None:
    """B3: alarms that reach nobody are no alarms, and nothing else would say so."""
    (warning,) = warnings(tmp_path, {})

    assert warning.startswith(NOBODY_IS_TOLD)


def test_an_address_ends_the_warning(tmp_path: Path) -> None:
    assert warnings(tmp_path, {"alert_email": "ops@example.org"}) == []


def test_outputs_name_the_topic_for_a_pager_and_where_the_logs_are(template: dict[str, Any]) -> None:
    outputs = {name: each["Value"] for name, each in template["Outputs"].items()}

    assert str(outputs["AlertTopic"]["Ref"]).startswith("Alerts")
    assert str(outputs["LogUri"]["Fn::Join"][1][1]["Ref"]).startswith("StorageLogs")
    assert outputs["LogUri"]["Fn::Join"][1][2] == "/emr/"


def test_alarms_of_the_account_may_publish_to_the_encrypted_topic(template: dict[str, Any]) -> None:
    """B3: an alarm that may not publish fails silently."""
    topic = only(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    key = only(template, "AWS::KMS::Key")["KeyPolicy"]["Statement"]

    for statements in (topic, key):
        (alarms,) = (each for each in statements if each.get("Sid") == "Alarms")
        assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_clients_get_a_group_without_rules(template: dict[str, Any]) -> None:
    """A5: who may use Livy is who carries this group."""
    (group,) = (
        each for name, each in resources(template, "AWS::EC2::SecurityGroup").items() if name.startswith("LivyClients")
    )

    assert "SecurityGroupIngress" not in group


def test_the_template_names_no_region_unless_the_settings_do(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    platform = Platform(app, "Platform", settings=Settings.parse({"region": "eu-west-1"}))

    assert platform.region == "eu-west-1"


def test_one_zone_each_for_clusters_and_services(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    platform = Platform(app, "Platform", settings=Settings())

    assert [len(each) for each in (platform.emr_subnets, platform.service_subnets)] == [3, 3]
    assert len(platform.availability_zones_in_use) == 3


def test_nothing_in_it_runs_code_but_the_clean_up(template: dict[str, Any]) -> None:
    """The slow, shared stack holds no other function that would need rights on what everything stands on."""
    names = [each["FunctionName"] for each in resources(template, "AWS::Lambda::Function").values()]
    assert names == ["emr-dr-emr-leftovers"]


def test_a_key_of_the_owner_comes_with_what_its_policy_has_to_say(tmp_path: Path) -> None:
    """B8: log groups and alarms need rights that only the key's owner can give."""
    key = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"

    said = warnings(tmp_path, {"region": "us-east-1", "alert_email": "ops@example.org", "security": {"key": key}})

    assert len(said) == 1
    assert said[0].startswith(POLICY_OF_OWN_KEY)


@pytest.fixture(scope="module")
def by_default(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    app = new_app(tmp_path_factory.mktemp("default"))
    Platform(app, "Platform", settings=Settings())
    return templates(app)["Platform"]


def test_an_environment_for_airflow_changes_nothing_of_the_rest(
    with_airflow: dict[str, dict[str, Any]], by_default: dict[str, Any]
) -> None:
    """Turning it on or off touches no resource that clusters and front doors stand on."""
    found, before = with_airflow["Platform"]["Resources"], by_default["Resources"]
    rest = {name: each for name, each in found.items() if not name.startswith("Airflow")}
    (changed,) = (name for name in before if rest[name] != before[name])

    assert rest.keys() == before.keys()
    # One bucket more whose access log is taken.
    assert changed.startswith("StorageAccessLogsPolicy")
    statements, old = (each[changed]["Properties"]["PolicyDocument"]["Statement"] for each in (rest, before))
    (added,) = (each for each in statements if each not in old)
    assert len(statements) == len(old) + 1
    assert added["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert "AirflowFilesBucket" in str(added["Condition"])


def test_an_environment_that_is_there_changes_the_keys_policy_alone(
    with_existing_airflow: dict[str, dict[str, Any]], by_default: dict[str, Any]
) -> None:
    found = with_existing_airflow["Platform"]["Resources"]

    assert found.keys() == by_default["Resources"].keys()
    assert [found[name]["Type"] for name in found if found[name] != by_default["Resources"][name]] == ["AWS::KMS::Key"]


def test_by_default_nothing_of_airflow_is_made(by_default: dict[str, Any]) -> None:
    assert [name for name in by_default["Resources"] if name.startswith("Airflow")] == []
    assert [name for name in by_default["Outputs"] if name.startswith("Airflow")] == []
