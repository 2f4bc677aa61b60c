"""The names by which a template tells a rehearsal what is there already."""

from __future__ import annotations

from dr_core import there_already


def test_the_names_are_the_product_s_own_and_differ() -> None:
    """Metadata of a template belong to everybody who writes some."""
    names = (there_already.NETWORK, there_already.OWN_KEY, there_already.BOUNDARY)

    assert len(set(names)) == 3
    assert all(name.startswith("emr-dr:") for name in names)
