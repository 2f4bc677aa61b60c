"""Active-passive: one managed cluster; when it fails, its next incarnation is launched in another AZ."""

from __future__ import annotations

from constructs import Construct

from emr_dr.settings import Settings
from stacks.deployment import Deployment
from stacks.platform import Platform
from stacks.strategy import Strategy

# Slots: the incarnation in service, the one that is verified, the one that stands by, and two that end.
ACTIVE_PASSIVE = Strategy(name="active-passive", managed_clusters=("a",), slots=5, standby=True)


class ActivePassive(Deployment):
    """The deployment of the strategy :data:`ACTIVE_PASSIVE`."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, platform: Platform) -> None:
        """Define the deployment.

        Args:
            scope: the app.
            construct_id: id, and so the stack's name.
            settings: the settings.
            platform: what the deployment stands on.
        """
        super().__init__(scope, construct_id, strategy=ACTIVE_PASSIVE, settings=settings, platform=platform)
