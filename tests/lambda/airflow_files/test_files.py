"""Files in the bucket: copied once, removed when nobody asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from airflow_files.files import File, Files

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OURS, PUBLISHED = "airflow", "published"


def file(key: str = "requirements/one.txt", *, source: str = "1.txt") -> File:
    return File(bucket=OURS, key=key, source_bucket=PUBLISHED, source_key=source)


@pytest.fixture
def s3() -> Iterator[S3Client]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in (OURS, PUBLISHED):
            client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket=OURS, VersioningConfiguration={"Status": "Enabled"})
        client.put_object(Bucket=PUBLISHED, Key="1.txt", Body=b"one")
        client.put_object(Bucket=PUBLISHED, Key="2.txt", Body=b"two")
        yield client


def versions(s3: S3Client) -> list[str]:
    return [each.get("VersionId", "") for each in s3.list_object_versions(Bucket=OURS).get("Versions", [])]


def content(s3: S3Client, key: str, version: str) -> bytes:
    return s3.get_object(Bucket=OURS, Key=key, VersionId=version)["Body"].read()


def test_a_file_is_copied_and_its_version_told(s3: S3Client) -> None:
    version = Files(s3).put(file())

    assert content(s3, "requirements/one.txt", version) == b"one"


def test_the_same_file_again_makes_no_other_version(s3: S3Client) -> None:
    """A request that is delivered twice, or the way back of a failed deploy, leaves the environment as it was."""
    first = Files(s3).put(file())

    assert Files(s3).put(file()) == first
    assert versions(s3) == [first]


def test_another_content_under_the_same_name_is_another_version(s3: S3Client) -> None:
    first = Files(s3).put(file("dags/d.py"))

    second = Files(s3).put(file("dags/d.py", source="2.txt"))

    assert second != first
    assert content(s3, "dags/d.py", second) == b"two"


def test_what_somebody_put_there_by_hand_is_replaced(s3: S3Client) -> None:
    s3.put_object(Bucket=OURS, Key="dags/d.py", Body=b"by hand")

    assert content(s3, "dags/d.py", Files(s3).put(file("dags/d.py"))) == b"one"


def test_a_removed_file_is_hidden_and_can_come_back(s3: S3Client) -> None:
    first = Files(s3).put(file())

    Files(s3).remove(OURS, "requirements/one.txt")

    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=OURS, Key="requirements/one.txt")
    assert Files(s3).put(file()) != first


def test_a_bucket_that_keeps_no_versions_is_refused(s3: S3Client) -> None:
    with pytest.raises(ValueError, match="got no version of k from the bucket published, allowed: a bucket that keeps"):
        Files(s3).put(File(bucket=PUBLISHED, key="k", source_bucket=PUBLISHED, source_key="1.txt"))


def test_any_other_refusal_is_not_taken_for_a_missing_file(s3: S3Client) -> None:
    with pytest.raises(ClientError):
        Files(s3).put(File(bucket=OURS, key="k", source_bucket=PUBLISHED, source_key="missing"))


def test_properties_that_are_missing_are_named() -> None:
    with pytest.raises(ValueError, match=r"got no property Key, SourceKey, allowed: text for each of Bucket, Key"):
        File.from_properties({"Bucket": OURS, "SourceBucket": PUBLISHED, "Key": ""})
