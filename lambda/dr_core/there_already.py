"""What the settings say is there already, as a template's metadata tell it: a rehearsal makes it before it deploys."""

from __future__ import annotations

NETWORK = "emr-dr:existing-network"
"""Key of the metadata that hold the section ``network.existing`` of the settings."""

OWN_KEY = "emr-dr:own-key"
"""Key of the metadata that hold the ARN of ``security.key``."""

BOUNDARY = "emr-dr:permissions-boundary"
"""Key of the metadata that hold the ARN of ``security.permissions_boundary``."""
