"""Where things of one drill listen: a block of loopback addresses, 127.BLOCK.0.0/16.

On Linux every address of 127.0.0.0/8 can be bound as it is; macOS needs an alias for each
(docs/assumptions.md).  Real ports are used (8998, 8088, 9870, ...), so that two drills need two blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_BLOCK, LAST_BLOCK = 10, 99
APPLICATION_LOAD_BALANCER_HOST = 2
NETWORK_LOAD_BALANCER_HOST = 3
FIRST_PRIMARY_HOST, LAST_PRIMARY_HOST = 10, 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The addresses of one drill.

    Attributes:
        block: second number of every address, 10 to 99.
    """

    block: int

    def __post_init__(self) -> None:
        if not FIRST_BLOCK <= self.block <= LAST_BLOCK:
            raise ValueError(f"address block must be {FIRST_BLOCK} to {LAST_BLOCK}, got {self.block}")

    @property
    def control(self) -> str:
        """Held for as long as the drill runs, so that a second drill on this block is refused."""
        return f"127.{self.block}.0.1"

    def application_load_balancer(self, zone: int) -> str:
        """The node of the application load balancer in AZ number *zone* (1 is the first AZ of the VPC)."""
        return f"127.{self.block}.{zone}.{APPLICATION_LOAD_BALANCER_HOST}"

    def network_load_balancer(self, zone: int) -> str:
        """The node of the network load balancer in AZ number *zone*."""
        return f"127.{self.block}.{zone}.{NETWORK_LOAD_BALANCER_HOST}"

    def primary(self, zone: int, number: int) -> str:
        """The primary of the *number*-th cluster (from 0) launched in AZ number *zone*.

        Raises:
            ValueError: more clusters than the block has addresses for.
        """
        host = FIRST_PRIMARY_HOST + number
        if host > LAST_PRIMARY_HOST:
            raise ValueError(f"no address left in 127.{self.block}.{zone}.0/24 for cluster number {number}")
        return f"127.{self.block}.{zone}.{host}"
