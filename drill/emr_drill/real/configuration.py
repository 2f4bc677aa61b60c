"""The configuration files of one real primary: Hadoop, Livy and Spark on one loopback address and the real ports.

Every setting that is not about where things listen has its reason beside it; all were found by trying.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from emr_drill.ports import PrimaryPlan
from emr_drill.real.install import SPARK_HOME

# What the daemons listen on, NameNode to Livy.
PORTS = (8020, 9870, 9868, 9866, 9864, 9867, 8032, 8030, 8031, 8033, 8088, 8041, 8040, 8042, 8048, 8998)
# What the containers of one cluster may take together.  A job's driver and executor ask for 640 MiB each and use less
# than half of it, so that five jobs run beside each other in about 3 GiB.
NODE_MANAGER_MIB = 6656
CONTAINER_ENVIRONMENT = (
    "JAVA_HOME,HADOOP_CONF_DIR,PATH,SPARK_LOCAL_IP,SPARK_LOCAL_HOSTNAME,"
    "DRILL_INCARNATION,DRILL_LEDGER,DRILL_CLOCK,DRILL_DIRECTORY"
)
# The compiler and the collector that cost least where a process lives for seconds.
CHEAP_JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"
LOG4J = """log4j.rootLogger=INFO,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{HH:mm:ss} %p %c{1}: %m%n
"""


def hadoop_directory(plan: PrimaryPlan) -> Path:
    """Where the Hadoop configuration of this primary lies (HADOOP_CONF_DIR)."""
    return plan.directory / "etc" / "hadoop" / "conf"


def livy_directory(plan: PrimaryPlan) -> Path:
    """LIVY_CONF_DIR."""
    return plan.directory / "etc" / "livy" / "conf"


def spark_directory(plan: PrimaryPlan) -> Path:
    """SPARK_CONF_DIR."""
    return plan.directory / "etc" / "spark" / "conf"


def write(plan: PrimaryPlan) -> None:
    """Write all configuration files below the primary's directory."""
    hadoop, livy, spark = hadoop_directory(plan), livy_directory(plan), spark_directory(plan)
    for folder in (hadoop, livy, spark, plan.directory / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    _xml(hadoop / "core-site.xml", _core(plan))
    _xml(hadoop / "hdfs-site.xml", _hdfs(plan))
    _xml(hadoop / "yarn-site.xml", _yarn(plan))
    _xml(hadoop / "capacity-scheduler.xml", CAPACITY_SCHEDULER)
    (hadoop / "log4j.properties").write_text(LOG4J)
    (livy / "log4j.properties").write_text(LOG4J)
    (livy / "livy.conf").write_text("".join(f"{name} = {value}\n" for name, value in _livy(plan).items()))
    _clock_file(plan).write_text(plan.clock.to_json())
    (spark / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in _spark(plan).items()))


def _core(plan: PrimaryPlan) -> Mapping[str, object]:
    return {"fs.defaultFS": f"hdfs://{plan.address}:8020", "hadoop.tmp.dir": plan.directory / "tmp"}


def _hdfs(plan: PrimaryPlan) -> Mapping[str, object]:
    address, data = plan.address, plan.directory / "mnt"
    return {
        **plan.classifications.get("hdfs-site", {}),
        "dfs.replication": 1,
        "dfs.namenode.name.dir": f"file://{data}/namenode",
        "dfs.datanode.data.dir": f"file://{data}/datanode",
        "dfs.namenode.rpc-address": f"{address}:8020",
        "dfs.namenode.http-address": f"{address}:9870",
        "dfs.namenode.secondary.http-address": f"{address}:9868",
        "dfs.datanode.address": f"{address}:9866",
        "dfs.datanode.http.address": f"{address}:9864",
        "dfs.datanode.ipc.address": f"{address}:9867",
        # Loopback addresses have no names: without these four the DataNode registers as 127.0.0.1 or is refused.
        "dfs.datanode.hostname": address,
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
        "dfs.client.use.datanode.hostname": "true",
        "dfs.datanode.use.datanode.hostname": "true",
        "dfs.permissions.enabled": "false",
        "dfs.namenode.handler.count": 4,
        "dfs.datanode.handler.count": 3,
    }


def _yarn(plan: PrimaryPlan) -> Mapping[str, object]:
    address = plan.address
    return {
        **plan.classifications.get("yarn-site", {}),
        "yarn.resourcemanager.hostname": address,
        "yarn.resourcemanager.bind-host": address,
        "yarn.resourcemanager.address": f"{address}:8032",
        "yarn.resourcemanager.scheduler.address": f"{address}:8030",
        "yarn.resourcemanager.resource-tracker.address": f"{address}:8031",
        "yarn.resourcemanager.admin.address": f"{address}:8033",
        "yarn.resourcemanager.webapp.address": f"{address}:8088",
        "yarn.nodemanager.hostname": address,
        "yarn.nodemanager.bind-host": address,
        "yarn.nodemanager.address": f"{address}:8041",
        "yarn.nodemanager.localizer.address": f"{address}:8040",
        "yarn.nodemanager.webapp.address": f"{address}:8042",
        "yarn.nodemanager.collector-service.address": f"{address}:8048",
        "yarn.nodemanager.local-dirs": plan.directory / "mnt" / "yarn",
        "yarn.nodemanager.log-dirs": plan.directory / "logs" / "containers",
        "yarn.nodemanager.resource.memory-mb": NODE_MANAGER_MIB,
        "yarn.nodemanager.resource.cpu-vcores": 16,
        "yarn.nodemanager.vmem-check-enabled": "false",
        "yarn.nodemanager.pmem-check-enabled": "false",
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "99.0",
        "yarn.nodemanager.env-whitelist": CONTAINER_ENVIRONMENT,
        "yarn.nodemanager.aux-services": "",
        "yarn.nodemanager.health-checker.script.path": "",
        "yarn.scheduler.minimum-allocation-mb": 128,
        "yarn.scheduler.maximum-allocation-mb": NODE_MANAGER_MIB,
        "yarn.resourcemanager.nodes.include-path": "",
        "yarn.log-aggregation-enable": "false",
    }


CAPACITY_SCHEDULER: Mapping[str, object] = {
    "yarn.scheduler.capacity.root.queues": "default",
    "yarn.scheduler.capacity.root.default.capacity": 100,
    # Drivers are most of a small drill's containers; the default of 10 % would run one job at a time.
    "yarn.scheduler.capacity.maximum-am-resource-percent": 0.6,
}


def _livy(plan: PrimaryPlan) -> Mapping[str, object]:
    """The template's own ``livy-conf``, with the file store below this primary's directory, and where to listen."""
    jobs = Path(__file__).resolve().parents[1] / "jobs"
    own = {
        name: value.replace("file:///", f"file://{plan.directory}/")
        for name, value in plan.classifications.get("livy-conf", {}).items()
    }
    return {
        **own,
        "livy.server.host": plan.address,
        "livy.server.port": 8998,
        "livy.file.local-dir-whitelist": f"{jobs}/",
        "livy.repl.enable-hive-context": "false",
    }


def _spark(plan: PrimaryPlan) -> Mapping[str, object]:
    return {
        **plan.classifications.get("spark-defaults", {}),
        "spark.driver.memory": "512m",  # 450 MB is the least that Spark accepts
        "spark.driver.memoryOverhead": "128m",
        "spark.executor.memory": "512m",
        "spark.executor.memoryOverhead": "128m",
        "spark.executor.instances": 1,
        "spark.dynamicAllocation.enabled": "false",
        "spark.ui.enabled": "false",
        "spark.eventLog.enabled": "false",
        "spark.yarn.jars": f"local:{SPARK_HOME}/jars/*",  # else 300 MB are uploaded for each job
        "spark.yarn.submit.waitAppCompletion": "false",
        "spark.yarn.maxAppAttempts": 1,
        "spark.pyspark.python": sys.executable,
        "spark.driver.extraJavaOptions": CHEAP_JAVA,
        "spark.executor.extraJavaOptions": CHEAP_JAVA,
    }


def environment(plan: PrimaryPlan, *, java_home: str) -> dict[str, str]:
    """The environment of this primary's services, and of what they start.

    Spark binds the machine's public interface unless told otherwise, hence SPARK_LOCAL_*.  The marker by which the
    containers of a cluster are found, even orphaned ones, is DRILL_INCARNATION together with DRILL_DIRECTORY.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "USER", "LANG") if name in os.environ}
    return {
        **kept,
        "JAVA_HOME": java_home,
        "HADOOP_CONF_DIR": str(hadoop_directory(plan)),
        "YARN_CONF_DIR": str(hadoop_directory(plan)),
        "LIVY_CONF_DIR": str(livy_directory(plan)),
        "LIVY_LOG_DIR": str(plan.directory / "logs"),
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_CONF_DIR": str(spark_directory(plan)),
        "SPARK_SUBMIT_OPTS": CHEAP_JAVA,
        "SPARK_LAUNCHER_OPTS": CHEAP_JAVA,
        "SPARK_LOCAL_IP": plan.address,
        "SPARK_LOCAL_HOSTNAME": plan.address,
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "DRILL_INCARNATION": plan.name,
        "DRILL_LEDGER": str(plan.ledger),
        "DRILL_DIRECTORY": str(plan.directory),
        "DRILL_CLOCK": str(_clock_file(plan)),
    }


def _clock_file(plan: PrimaryPlan) -> Path:
    return plan.directory / "etc" / "drill-clock.json"


def _xml(path: Path, properties: Mapping[str, object]) -> None:
    rows = "".join(
        f"  <property><name>{escape(name)}</name><value>{escape(str(value))}</value></property>\n"
        for name, value in properties.items()
    )
    path.write_text(f'<?xml version="1.0"?>\n<configuration>\n{rows}</configuration>\n')
