"""The configuration files of one real primary."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from emr_drill.clock import Clock
from emr_drill.ports import PrimaryPlan
from emr_drill.real import configuration

XML_FILES = ("core-site", "hdfs-site", "yarn-site", "capacity-scheduler")


def xml(plan: PrimaryPlan, name: str) -> dict[str, str]:
    """The properties of one of Hadoop's files."""
    root = ElementTree.parse(configuration.hadoop_directory(plan) / f"{name}.xml").getroot()
    return {str(one.findtext("name")): str(one.findtext("value")) for one in root.iter("property")}


def livy(plan: PrimaryPlan) -> dict[str, str]:
    lines = (configuration.livy_directory(plan) / "livy.conf").read_text().splitlines()
    return dict(line.split(" = ", 1) for line in lines)


def spark(plan: PrimaryPlan) -> dict[str, str]:
    lines = (configuration.spark_directory(plan) / "spark-defaults.conf").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_every_daemon_listens_on_the_primarys_address(written: PrimaryPlan) -> None:
    """Anything else would meet the daemons of another primary."""
    properties = {name: value for file in XML_FILES for name, value in xml(written, file).items()}
    endpoints = {name: value for name, value in properties.items() if re.search(r":\d+$", value)}

    assert len(endpoints) >= 15
    assert [name for name, value in endpoints.items() if value.split("//")[-1].split(":")[0] != written.address] == []
    names = {name: value for name, value in properties.items() if name.endswith(".hostname") and value != "true"}
    assert set(names.values()) == {written.address}
    assert len(names) == 3
    assert livy(written)["livy.server.host"] == written.address


def test_every_port_is_checked_before_a_drill(written: PrimaryPlan) -> None:
    values = [*(value for file in XML_FILES for value in xml(written, file).values())]
    ports = {int(found[1]) for value in values if (found := re.search(r":(\d+)$", value))}

    assert ports | {int(livy(written)["livy.server.port"])} == set(configuration.PORTS)


def test_nothing_is_kept_outside_the_primarys_directory(written: PrimaryPlan) -> None:
    hdfs, yarn = xml(written, "hdfs-site"), xml(written, "yarn-site")
    places = [
        xml(written, "core-site")["hadoop.tmp.dir"],
        hdfs["dfs.namenode.name.dir"].removeprefix("file://"),
        hdfs["dfs.datanode.data.dir"].removeprefix("file://"),
        yarn["yarn.nodemanager.local-dirs"],
        yarn["yarn.nodemanager.log-dirs"],
    ]

    assert [place for place in places if not Path(place).is_relative_to(written.directory)] == []


def test_livys_recovery_store_is_where_the_seed_script_writes(written: PrimaryPlan) -> None:
    """The script's absolute paths lie below the primary's directory."""
    store = livy(written)["livy.server.recovery.state-store.url"]

    assert store == f"file://{written.directory}/var/lib/livy/emr-dr/recovery"
    assert livy(written)["livy.server.recovery.mode"] == "recovery"


def test_what_the_template_sets_is_kept(written: PrimaryPlan) -> None:
    assert spark(written)["spark.sql.shuffle.partitions"] == "400"
    assert xml(written, "yarn-site")["yarn.resourcemanager.am.max-attempts"] == "1"


def test_what_one_machine_needs_wins_over_the_template(written: PrimaryPlan) -> None:
    assert livy(written)["livy.server.port"] == "8998"
    assert spark(written)["spark.executor.instances"] == "1"


def test_livy_may_read_the_drills_job(written: PrimaryPlan) -> None:
    folder = Path(livy(written)["livy.file.local-dir-whitelist"])

    assert (folder / "job.py").is_file()


def test_jobs_read_the_drills_clock(written: PrimaryPlan) -> None:
    file = Path(configuration.environment(written, java_home="/java")["DRILL_CLOCK"])

    assert Clock.from_json(file.read_text()) == written.clock


def test_containers_get_what_jobs_and_the_leash_need(written: PrimaryPlan) -> None:
    environment = configuration.environment(written, java_home="/java")
    passed = xml(written, "yarn-site")["yarn.nodemanager.env-whitelist"].split(",")

    assert {"DRILL_LEDGER", "DRILL_CLOCK", "DRILL_INCARNATION", "DRILL_DIRECTORY", "JAVA_HOME"} <= set(passed)
    assert set(passed) <= set(environment)
    assert environment["DRILL_DIRECTORY"] == str(written.directory)
    assert environment["DRILL_LEDGER"] == str(written.ledger)
    assert environment["DRILL_INCARNATION"] == written.name


def test_services_do_not_inherit_the_environment(plan: PrimaryPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's SPARK_HOME or HADOOP_OPTS may change what a drill shows."""
    monkeypatch.setenv("HADOOP_OPTS", "-Dx=y")
    monkeypatch.setenv("SPARK_HOME", "/opt/spark")

    environment = configuration.environment(plan, java_home="/java")

    assert "HADOOP_OPTS" not in environment
    assert environment["SPARK_HOME"] != "/opt/spark"
    assert environment["JAVA_HOME"] == "/java"


def test_jobs_run_on_this_python(written: PrimaryPlan) -> None:
    assert spark(written)["spark.pyspark.python"] == sys.executable


def test_values_are_escaped(tmp_path: Path, plan: PrimaryPlan) -> None:
    changed = PrimaryPlan(
        cluster_id=plan.cluster_id,
        name=plan.name,
        address=plan.address,
        directory=plan.directory,
        ledger=plan.ledger,
        clock=plan.clock,
        classifications={"yarn-site": {"a<b": "c&d"}},
    )
    configuration.write(changed)

    assert xml(changed, "yarn-site")["a<b"] == "c&d"
