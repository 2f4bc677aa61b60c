"""``AWS::S3::Bucket``: moto 5.2.5 makes one from a template without its versions and its block of public access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.s3.models import FakeBucket

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

TYPE = "AWS::S3::Bucket"


class Bucket(FakeBucket):
    """Makes moto's own buckets, as the template wants them."""

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> FakeBucket:
        """One that is there, with versions and block as its properties say."""
        made: FakeBucket = super().create_from_cloudformation_json(
            resource_name, cloudformation_json, account_id, region_name, **kwargs
        )
        properties, s3 = cloudformation_json.get("Properties", {}), _installed[-1].client("s3")
        if versioning := properties.get("VersioningConfiguration"):
            s3.put_bucket_versioning(Bucket=made.name, VersioningConfiguration=versioning)
        if block := properties.get("PublicAccessBlockConfiguration"):
            wanted = {key: str(value).lower() == "true" for key, value in block.items()}
            s3.put_public_access_block(Bucket=made.name, PublicAccessBlockConfiguration=wanted)
        return made


# moto makes resources by their class, so there is one stand-in at a time.
_installed: list[StandIn] = []


def install(stand_in: StandIn) -> None:
    """Have buckets of templates made in *stand_in*."""
    _installed[:] = [stand_in]
