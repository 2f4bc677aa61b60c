"""Files in the bucket of Airflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE = "emr-dr-source"
"""Metadata of an object that says what it was copied from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that CloudFormation asks for.

    Attributes:
        bucket: where it shall be.
        key: under which name.
        source_bucket: where what was published lies.
        source_key: its name, which says its content by a hash.
    """

    bucket: str
    key: str
    source_bucket: str
    source_key: str

    @classmethod
    def from_properties(cls, properties: dict[str, Any]) -> File:
        """The file that the properties of a resource ask for.

        Raises:
            ValueError: a property is missing.
        """
        names = {"bucket": "Bucket", "key": "Key", "source_bucket": "SourceBucket", "source_key": "SourceKey"}
        if missing := sorted(name for name in names.values() if not properties.get(name)):
            raise ValueError(
                f"got no property {', '.join(missing)}, allowed: text for each of {', '.join(sorted(names.values()))}; "
                "deploy the stack that the app synthesized"
            )
        return cls(**{field: str(properties[name]) for field, name in names.items()})

    @property
    def physical_id(self) -> str:
        """What the resource is called: another place is another resource, whose predecessor goes when it is there."""
        return f"{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Files:
    """Copies and removes files."""

    s3: S3Client

    def put(self, file: File) -> str:
        """Have *file* in its place, and give the version of the object.

        What lies there already is kept: a request that comes twice, or the way back of a failed deploy, must not make
        a version that nobody asked for.

        Raises:
            ValueError: the bucket keeps no versions, so that nothing can be pinned to one.
        """
        if (version := self._version_of(file)) is not None:
            return version
        copied = self.s3.copy_object(
            Bucket=file.bucket,
            Key=file.key,
            CopySource={"Bucket": file.source_bucket, "Key": file.source_key},
            Metadata={SOURCE: file.source_key},
            MetadataDirective="REPLACE",
        )
        if not copied.get("VersionId"):
            raise ValueError(
                f"got no version of {file.key} from the bucket {file.bucket}, allowed: a bucket that keeps versions; "
                "switch its versioning on, which MWAA asks for, too"
            )
        return copied["VersionId"]

    def remove(self, bucket: str, key: str) -> None:
        """Hide the file; its versions stay as long as the bucket keeps them."""
        self.s3.delete_object(Bucket=bucket, Key=key)

    def _version_of(self, file: File) -> str | None:
        """The version of what lies in the place of *file*, if that was copied from the same source."""
        try:
            found = self.s3.head_object(Bucket=file.bucket, Key=file.key)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                return None
            raise
        return found["VersionId"] if found.get("Metadata", {}).get(SOURCE) == file.source_key else None
