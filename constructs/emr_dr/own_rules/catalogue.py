"""Every rule of ours."""

from __future__ import annotations

from emr_dr.own_rules import access, emr, front_door, network, storage, tags
from emr_dr.own_rules.model import Rule

RULES: tuple[Rule, ...] = (
    *network.RULES,
    *front_door.RULES,
    *storage.RULES,
    *emr.RULES,
    *access.RULES,
    *tags.RULES,
)
