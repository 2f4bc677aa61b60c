"""B8: the templates with encryption in transit: at the front door alone, and up to the clusters."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dr_core import metrics
from dr_core.config import ENVIRONMENT_VARIABLE
from emr_dr.incarnation_template import classifications
from emr_dr.settings import Settings
from stacks.active_passive import ActivePassive
from stacks.platform import Platform

from ..synthesis import (
    ARCHIVE,
    CERTIFICATE,
    CLUSTERS,
    DOOR,
    REPOSITORY,
    findings,
    new_app,
    only,
    resources,
    statements,
    templates,
)

LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"


def synthesized(folder: Path, tls: Mapping[str, Any], **others: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
    app = new_app(folder)
    settings = Settings.parse({"region": "us-east-1", "tls": dict(tls), **others})
    ActivePassive(app, "ActivePassive", settings=settings, platform=Platform(app, "Platform", settings=settings))
    return templates(app), findings(app)


def config(template: dict[str, Any], function: str) -> str:
    """The configuration of a function as text, with its references left out."""
    found = next(
        each for each in resources(template, "AWS::Lambda::Function").values() if function in each["FunctionName"]
    )
    parts = found["Environment"]["Variables"][ENVIRONMENT_VARIABLE]["Fn::Join"][1]
    return "".join(part for part in parts if isinstance(part, str))


def test_listeners_of_the_routing_load_balancer_speak_tls(with_certificate: dict[str, Any]) -> None:
    """1.2 and newer, with forward secrecy; the network load balancer passes bytes on."""
    found = list(resources(with_certificate, LISTENER).values())
    speaking = [each for each in found if each["Protocol"] == "HTTPS"]

    assert {each["Protocol"] for each in found} == {"HTTPS", "TCP"}
    assert sorted(each["Port"] for each in speaking) == [8088, 8998, 9870]
    for each in speaking:
        assert each["Certificates"] == [{"CertificateArn": CERTIFICATE}]
        assert each["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"


def test_the_network_load_balancer_checks_over_tls(with_certificate: dict[str, Any]) -> None:
    """The listener behind it answers nothing else any more."""
    doors = [each for each in resources(with_certificate, GROUP).values() if each["TargetType"] == "alb"]

    assert doors
    assert {(each["Protocol"], each["HealthCheckProtocol"]) for each in doors} == {("TCP", "HTTPS")}


def test_a_certificate_at_the_front_door_leaves_every_group_alone(
    with_certificate: dict[str, Any], active_passive: dict[str, Any]
) -> None:
    """It can be given to a deployment that runs: another protocol would replace groups with their members."""

    def members(template: dict[str, Any]) -> dict[str, Any]:
        return {name: each for name, each in resources(template, GROUP).items() if each["TargetType"] == "ip"}

    assert members(with_certificate) == members(active_passive)


def test_the_name_leads_to_the_network_load_balancer(with_certificate: dict[str, Any]) -> None:
    """A6."""
    alias = only(with_certificate, "AWS::Route53::RecordSet")

    assert (alias["Name"], alias["Type"], alias["HostedZoneId"]) == (
        "active-passive.example.com",
        "A",
        "Z0123456789ABC",
    )
    names = {value["Fn::GetAtt"][0] for key, value in alias["AliasTarget"].items() if key != "EvaluateTargetHealth"}
    assert len(names) == 1
    assert with_certificate["Resources"][names.pop()]["Properties"]["Type"] == "network"


def test_a_name_that_is_made_elsewhere_gets_no_alias(tmp_path: Path) -> None:
    tls = {key: DOOR[key] for key in ("certificate_arn", "host_name")}
    template = synthesized(tmp_path, tls)[0]["ActivePassive"]

    assert resources(template, "AWS::Route53::RecordSet") == {}
    assert "DNSName" in str(template["Outputs"]["FrontDoorAddress"]["Value"])


def test_clients_are_told_the_name(with_certificate: dict[str, Any]) -> None:
    assert with_certificate["Outputs"]["LivyUrl"]["Value"] == "https://active-passive.example.com:8998"
    assert with_certificate["Outputs"]["FrontDoorHost"]["Value"] == "active-passive.example.com"


def test_probers_expect_the_name(with_certificate: dict[str, Any]) -> None:
    text = config(with_certificate, "-prober-1")

    assert '"front_door_scheme":"https"' in text
    assert '"front_door_name":"active-passive.example.com"' in text
    assert "cluster_domain" not in text


def test_a_wrong_certificate_is_alarmed(with_certificate: dict[str, Any], active_passive: dict[str, Any]) -> None:
    """A14: it is told at once, and to nobody who could not have one."""

    def of(template: dict[str, Any]) -> list[dict[str, Any]]:
        alarms = resources(template, "AWS::CloudWatch::Alarm").values()
        return [each for each in alarms if each.get("MetricName") == metrics.CERTIFICATE_PROBLEMS]

    (alarm,) = of(with_certificate)
    assert (alarm["Threshold"], alarm["Statistic"], alarm["EvaluationPeriods"]) == (1, "Maximum", 1)
    assert "docs/tls.md" in str(alarm["AlarmDescription"])
    assert of(active_passive) == []


def test_airflow_speaks_tls_and_knows_the_authority(wheels: Path, tmp_path: Path) -> None:
    """A6: it comes with the plugins, which every machine of Airflow has."""
    tls = {**DOOR, "authority_file": "tests/authority.pem"}
    found, _ = synthesized(tmp_path, tls, mwaa={"mode": "create"})
    text = str(only(found["ActivePassive"], "AWS::SecretsManager::Secret")["SecretString"])

    assert '"host":"active-passive.example.com"' in text
    assert '"schema":"https"' in text
    assert '"verify":"/usr/local/airflow/plugins/emr-dr-authority.pem"' in text
    archives = [file for file in tmp_path.glob("asset.*.zip") if "emr-dr-authority.pem" in names_in(file)]
    assert len(archives) == 1


def names_in(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


def test_every_group_of_a_service_speaks_tls(
    encrypted: tuple[Path, dict[str, dict[str, Any]], list[str]],
) -> None:
    _, found, _ = encrypted
    groups = [each for each in resources(found["ActivePassive"], GROUP).values() if each["TargetType"] == "ip"]

    assert {(each["Protocol"], each["HealthCheckProtocol"]) for each in groups} == {("HTTPS", "HTTPS")}


def test_what_livy_speaks_cannot_be_changed_under_jobs_that_run(
    encrypted: tuple[Path, dict[str, dict[str, Any]], list[str]], active_passive: dict[str, Any]
) -> None:
    """A14: new rules with the priorities of those that are there are refused, and the deploy is taken back."""

    def rules(template: dict[str, Any]) -> dict[str, int]:
        found = resources(template, "AWS::ElasticLoadBalancingV2::ListenerRule")
        return {name: each["Priority"] for name, each in found.items() if "Slots" in name}

    _, found, _ = encrypted
    before, after = rules(active_passive), rules(found["ActivePassive"])
    assert before.keys().isdisjoint(after.keys())
    assert sorted(before.values()) == sorted(after.values())


def test_ports_of_tls_are_opened_and_no_others(
    encrypted: tuple[Path, dict[str, dict[str, Any]], list[str]],
) -> None:
    _, found, _ = encrypted
    rules = resources(found["ActivePassive"], "AWS::EC2::SecurityGroupIngress").values()

    assert {each["FromPort"] for each in rules} >= {8998, 8090, 9871}
    assert {8088, 9870}.isdisjoint(each["FromPort"] for each in rules)


def test_emr_gets_the_archive_and_its_machines_may_read_it(
    encrypted: tuple[Path, dict[str, dict[str, Any]], list[str]],
) -> None:
    """That object, and nothing beside it."""
    _, found, _ = encrypted
    document = only(found["Platform"], "AWS::EMR::SecurityConfiguration")["SecurityConfiguration"]
    encryption = document["EncryptionConfiguration"]

    assert encryption["EnableInTransitEncryption"] is True
    assert encryption["InTransitEncryptionConfiguration"] == {
        "TLSCertificateConfiguration": {"CertificateProviderType": "PEM", "S3Object": ARCHIVE}
    }
    (statement,) = [
        each for each in statements(found["Platform"], role="RolesInstance") if each.get("Sid") == "Certificates"
    ]
    assert statement["Action"] == "s3:GetObject"
    assert json.dumps(statement["Resource"]).endswith(':s3:::certificates/clusters.zip"]]}')


def test_a_deployment_that_runs_refuses_the_archive_before_a_strategy_is_touched(
    encrypted: tuple[Path, dict[str, dict[str, Any]], list[str]],
) -> None:
    """A14: the configuration is replaced, and CloudFormation changes no export that a stack imports."""
    _, found, _ = encrypted
    (configuration,) = resources(found["Platform"], "AWS::EMR::SecurityConfiguration")
    (export,) = [
        each["Export"]["Name"]
        for each in found["Platform"]["Outputs"].values()
        if each["Value"] == {"Ref": configuration} and "Export" in each
    ]

    assert f"{{'Fn::ImportValue': '{export}'}}" in str(found["ActivePassive"])
    assert export.startswith("Platform:")


def test_clusters_speak_nothing_but_tls() -> None:
    settings = Settings.parse({"region": "us-east-1", "tls": dict(CLUSTERS)})
    found = classifications(settings)

    assert found["yarn-site"]["yarn.http.policy"] == "HTTPS_ONLY"
    assert found["yarn-site"]["yarn.resourcemanager.webapp.https.address"].endswith(":8090")
    assert found["hdfs-site"]["dfs.http.policy"] == "HTTPS_ONLY"
    assert found["hdfs-site"]["dfs.namenode.https-address"] == "0.0.0.0:9871"


def test_probers_know_the_authority_and_nobody_else_gets_it(
    encrypted: tuple[Path, dict[str, dict[str, Any]], list[str]],
) -> None:
    """It comes with their code: no right, no network, no secret."""
    folder, found, _ = encrypted
    held = list(folder.glob("asset.*/*/authority.pem"))

    assert [file.parent.name for file in held] == ["prober"]
    assert held[0].read_bytes() == (REPOSITORY / "tests" / "authority.pem").read_bytes()
    assert '"cluster_domain":"ec2.internal"' in config(found["ActivePassive"], "-prober-1")


def test_policy_checks_find_nothing(encrypted: tuple[Path, dict[str, dict[str, Any]], list[str]]) -> None:
    _, _, found = encrypted

    assert found == []
