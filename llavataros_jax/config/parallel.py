"""Devices and hosts."""

import re
from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require


@dataclass(frozen=True)
class ParallelConfig:
    """How the step is spread over devices.

    Attributes:
        mode: `jit` on a mesh (any number of hosts) or `pmap` (one host).
        devices: Devices to use; 0 means all that the lanes divide among.
        fsdp: Devices that share one copy of the parameters and of the optimiser's moments; 1 keeps
            a whole copy on each device. It must divide the number of devices.
        distributed: `auto` joins other processes through `jax.distributed`: those that are given
            below, or else those that Slurm, Open MPI, Kubernetes or a Cloud TPU pod tells of.
        coordinator: Address HOST:PORT of process 0, which all processes must reach; by default
            JAX_COORDINATOR_ADDRESS of the environment.
        process_count: Processes that train together; by default JAX_NUM_PROCESSES.
        process_id: Which of them this one is, from 0 on; by default JAX_PROCESS_ID.
        join_seconds: How long the processes wait for each other at the start.
    """

    mode: Literal["jit", "pmap"] = "jit"
    devices: int = 0
    fsdp: int = 1
    distributed: Literal["off", "auto"] = "off"
    coordinator: str | None = None
    process_count: int | None = None
    process_id: int | None = None
    join_seconds: float = 300.0

    def __post_init__(self) -> None:
        require(self.devices >= 0, "parallel.devices must not be negative", self)
        require(self.fsdp >= 1, "parallel.fsdp must be at least 1", self)
        require(self.devices % self.fsdp == 0, "parallel.fsdp must divide parallel.devices", self)
        require(
            not (self.mode == "pmap" and self.distributed == "auto"),
            "parallel.mode=pmap works on one host only; use parallel.mode=jit across hosts",
            self,
        )
        require(
            not (self.mode == "pmap" and self.fsdp > 1),
            "parallel.mode=pmap keeps whole copies; use parallel.mode=jit with parallel.fsdp",
            self,
        )
        require(self.join_seconds > 0, "parallel.join_seconds must be positive", self)
        self._require_whole_address()

    def _require_whole_address(self) -> None:
        given = [
            f"parallel.{name}"
            for name in ("coordinator", "process_count", "process_id")
            if getattr(self, name) is not None
        ]
        require(
            not given or self.distributed == "auto",
            f"{' and '.join(given)} tell which processes train together, so set "
            "parallel.distributed=auto, or leave them out",
            self,
        )
        require(
            self.coordinator is None or is_address(self.coordinator),
            "parallel.coordinator must be HOST:PORT, such as 10.0.0.1:12345",
            self,
        )
        count, own = self.process_count, self.process_id
        require(count is None or count >= 1, "parallel.process_count must be at least 1", self)
        require(own is None or own >= 0, "parallel.process_id must not be negative", self)
        require(
            count is None or own is None or own < count,
            "parallel.process_id counts from 0, so it must be below parallel.process_count",
            self,
        )


def is_address(text: str) -> bool:
    """Tells whether a text is HOST:PORT."""
    match = re.fullmatch(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(\d{1,5})", text)
    return match is not None and 0 < int(match[1]) < 1 << 16
