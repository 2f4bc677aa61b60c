"""The bucket that Airflow reads, and how files get there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from emr_dr.airflow_files import RESOURCE_TYPE, AirflowFiles

from ..synthesis import new_app, resources, statements, templates


def template(folder: Path, *, requirements: str = "one==1\n", plugins: bytes = b"zip", dag: str = "pass\n") -> Any:
    """The template of a stack with three files."""
    folder.mkdir(exist_ok=True)
    app = new_app(folder / "out")
    stack = Stack(app, "Stack")
    files = AirflowFiles(
        stack,
        "Files",
        name="emr-dr",
        key=kms.Key(stack, "Key", removal_policy=RemovalPolicy.RETAIN),
        access_log_bucket=s3.Bucket(stack, "Logs"),
        log_retention=logs.RetentionDays.ONE_WEEK,
    )
    for name, content in (("r.txt", requirements.encode()), ("p.zip", plugins), ("my-dag.py", dag.encode())):
        (folder / name).write_bytes(content)
    files.requirements(folder / "r.txt")
    files.plugins(folder / "p.zip")
    files.dag(folder / "my-dag.py")
    return templates(app)["Stack"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = template(tmp_path_factory.mktemp("files"))
    return found


def keys(template: dict[str, Any]) -> dict[str, str]:
    """Key of each file by logical id."""
    return {name: each["Key"] for name, each in resources(template, RESOURCE_TYPE).items()}


def test_the_bucket_is_as_mwaa_asks_for_it_and_refuses_what_is_not_encrypted_on_its_way(made: dict[str, Any]) -> None:
    """B8: private, versioned, encrypted with the key that the environment has, too."""
    ((name, bucket),) = (
        each for each in resources(made, "AWS::S3::Bucket").items() if each[0].startswith("FilesBucket")
    )
    (policy,) = (each for each in resources(made, "AWS::S3::BucketPolicy").values() if each["Bucket"] == {"Ref": name})

    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    denied = [each["Condition"] for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied
    assert made["Resources"][name]["DeletionPolicy"] == "Retain"


def test_what_the_environment_is_pinned_to_has_a_name_of_its_own_for_each_content(tmp_path: Path) -> None:
    """B13: nobody replaces an object that is in use, so its version cannot expire, and a failed deploy finds it."""
    one, same = template(tmp_path / "1"), template(tmp_path / "2")
    other = template(tmp_path / "3", requirements="one==2\n", plugins=b"another")

    assert keys(one) == keys(same)
    changed = {name for name, key in keys(one).items() if keys(other)[name] != key}
    assert {name.removeprefix("Files")[:6] for name in changed} == {"Requir", "Plugin"}


def test_a_changed_dag_is_another_source_under_the_same_name(tmp_path: Path) -> None:
    """Airflow finds it by itself; nothing of the environment changes."""
    one, other = template(tmp_path / "1"), template(tmp_path / "2", dag="raise\n")

    assert keys(one) == keys(other)
    sources = [
        {name: each["SourceKey"] for name, each in resources(found, RESOURCE_TYPE).items()} for found in (one, other)
    ]
    assert [name.removeprefix("Files")[:8] for name in sources[0] if sources[0][name] != sources[1][name]] == [
        "DagMyDag"
    ]


def test_dags_lie_where_the_environment_looks_for_them(made: dict[str, Any]) -> None:
    assert "dags/my-dag.py" in keys(made).values()


def test_the_function_may_copy_what_was_published_for_it_and_nothing_else(made: dict[str, Any]) -> None:
    """B8: of everything that was ever published it reads three files; in the bucket it writes below three prefixes."""
    found = statements(made, role="FilesFunctionRole")
    reads = [each for each in found if each["Action"] == "s3:GetObject"]
    (writes,) = (each for each in found if "s3:PutObject" in each["Action"])
    (key,) = (each for each in found if "kms:Decrypt" in each["Action"])

    published = [each["SourceKey"] for each in resources(made, RESOURCE_TYPE).values()]
    # The CDK writes one statement for all three.
    read = json.dumps([each["Resource"] for each in reads])
    assert read.count(".txt") + read.count(".zip") + read.count(".py") == len(published) == 3
    assert all(f"/{source}" in read for source in published)
    assert "*" not in read
    assert sorted(str(each).split("'/")[1].split("'")[0] for each in writes["Resource"]) == [
        "dags/*",
        "plugins/*",
        "requirements/*",
    ]
    assert key["Condition"]["StringEquals"].keys() == {"kms:ViaService"}


def test_a_file_waits_for_the_rights_to_put_it_there(made: dict[str, Any]) -> None:
    for each in made["Resources"].values():
        if each["Type"] == RESOURCE_TYPE:
            assert any(name.startswith("FilesFunctionRoleDefaultPolicy") for name in each["DependsOn"])
            assert any(name.startswith("FilesBucketPolicy") for name in each["DependsOn"])
