"""What tells one strategy from another: data, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """What a strategy is made of.

    Attributes:
        name: last part of the deployment's name, at most 20 characters.
        managed_clusters: names of the managed clusters; the first has the ports of the settings for its web
            interfaces.
        slots: how many incarnations may be routed to at once: those in service, those that are verified and those
            that end.
        standby: whether its managed clusters may keep a warm standby, as nobody else serves when one fails.
    """

    name: str
    managed_clusters: tuple[str, ...]
    slots: int
    standby: bool = False
