"""Which releases of Airflow the product works with, and which Livy provider belongs to each of them.

MWAA installs requirements with Airflow's own constraints, so the provider has to be the one that they name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, int, int]

SUPPORTED = "2.11.x, or 3.0.6 and newer of the 3 series"
"""The releases that MWAA may run for this product, in words."""

_FIRST_OF_3: Version = (3, 0, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivyProvider:
    """The package ``apache-airflow-providers-apache-livy`` that goes with a release of Airflow.

    Attributes:
        version: exact version.
        sha256: of its wheel; empty for one that a person chose.
    """

    version: str
    sha256: str = ""

    @property
    def requirement(self) -> str:
        """The line of a requirements file."""
        return f"apache-airflow-providers-apache-livy=={self.version}"


# What the constraints of each release say that MWAA has an image of
# (github.com/aws/amazon-mwaa-docker-images, images/airflow/<release>/etc/airflow_constraints.txt); everything that
# these wheels need is in the image.  The hashes are those of PyPI.
LIVY_PROVIDERS: dict[Version, LivyProvider] = {
    (2, 11, 0): LivyProvider(
        version="4.4.0", sha256="1cdb13cbfe841830e6a6d561eed562945610b5833764848d473aba576ddecba1"
    ),
    (2, 11, 2): LivyProvider(
        version="4.5.3", sha256="09bb5c0e7e92b1fe595f3e78dca48ee2b23322581330f812cffe3ed09921a42b"
    ),
    (3, 0, 6): LivyProvider(version="4.4.2", sha256="2cc0d7f5572c56b779681719a36b25d36a657c205b338e457927a41e7abc3928"),
    (3, 2, 1): LivyProvider(version="4.5.5", sha256="1f76127af4041ab6190760a7c71f38d33337350ed3923131f1a76591ac7518dd"),
    (3, 3, 1): LivyProvider(version="4.6.0", sha256="e866dbba7554889bf2a7291958292e56d3c09982de11acd709d09377197fcc8a"),
}


def parse(text: str) -> Version | None:
    """The version in *text*, ``None`` if it is not three numbers."""
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def is_supported(version: Version) -> bool:
    """Whether the product works with a release, see :data:`SUPPORTED`."""
    return version[:2] == (2, 11) or (version[0] == 3 and version >= _FIRST_OF_3)


def livy_provider(airflow_version: str, chosen: str | None) -> LivyProvider | None:
    """The Livy provider for a release.

    Args:
        airflow_version: of the environment, such as ``3.0.6``.
        chosen: the version that a person asks for; ``None`` for that of the release's constraints.

    Returns:
        The provider, or ``None`` if nobody chose one and the release's is not known here.
    """
    version = parse(airflow_version)
    known = LIVY_PROVIDERS.get(version) if version is not None else None
    if chosen is None or (known is not None and chosen == known.version):
        return known
    return LivyProvider(version=chosen)


def known_releases() -> str:
    """The releases whose Livy provider is known, in words."""
    return ", ".join(".".join(map(str, version)) for version in sorted(LIVY_PROVIDERS))
