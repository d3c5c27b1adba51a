"""Devices and hosts."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require


@dataclass(frozen=True)
class ParallelConfig:
    """How the step is spread over devices.

    Attributes:
        mode: `jit` on a mesh (any number of hosts) or `pmap` (one host).
        devices: Devices to use; 0 means all.
        distributed: `auto` joins other hosts through `jax.distributed.initialize`.
    """

    mode: Literal["jit", "pmap"] = "jit"
    devices: int = 0
    distributed: Literal["off", "auto"] = "off"

    def __post_init__(self) -> None:
        require(self.devices >= 0, "parallel.devices must not be negative", self)
        require(
            not (self.mode == "pmap" and self.distributed == "auto"),
            "parallel.mode=pmap works on one host only; use parallel.mode=jit across hosts",
            self,
        )
