"""How the processes of one training find each other.

JAX's own client ends the process, with a trace of C++, when the others do not come. So whether
somebody answers is asked before, what it prints while it joins is kept, and its abort says a
sentence instead.
"""

import dataclasses
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import jax

from llavataros_jax.config import ParallelConfig
from llavataros_jax.config.parallel import is_address
from llavataros_jax.errors import UserError
from llavataros_jax.training.hosts_abort import abort_says

# After so long without a sign of life a process counts as lost, and the others end.
LOST_SECONDS = 60
# How long a process that has finished waits for the others to finish.
_LEAVE_SECONDS = 120
_VARIABLES = {
    "coordinator": "JAX_COORDINATOR_ADDRESS",
    "process_count": "JAX_NUM_PROCESSES",
    "process_id": "JAX_PROCESS_ID",
}


@dataclasses.dataclass(frozen=True)
class Address:
    """Which processes train together, and which of them this one is."""

    coordinator: str
    process_count: int
    process_id: int


def join(config: ParallelConfig) -> None:
    """Joins the processes that train together; to be called before JAX sees a device.

    Raises:
        UserError: When it is not told who they are, or they do not come within
            `parallel.join_seconds`.
    """
    if config.distributed == "off":
        return
    address = given_address(config, os.environ)
    ends = time.monotonic() + config.join_seconds
    if address is not None:
        _require_answer(address, config.join_seconds)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # It takes SIGTERM for itself; `hosts_stop` agrees on a step on any backend.
    jax.config.update("jax_enable_preemption_service", False)
    options: dict[str, Any] = {}
    if address is not None:
        options = {
            "coordinator_address": address.coordinator,
            "num_processes": address.process_count,
            "process_id": address.process_id,
            "cluster_detection_method": "deactivate",
        }
    where = f"parallel.coordinator={address.coordinator}" if address else "the cluster"
    with (
        _kept_stderr() as (kept, stderr),
        abort_says(lambda: _absent(config, where, kept), stderr, code=lambda: 2),
    ):
        try:
            jax.distributed.initialize(
                **options,
                initialization_timeout=max(1, round(ends - time.monotonic())),
                heartbeat_timeout_seconds=LOST_SECONDS,
                shutdown_timeout_seconds=_LEAVE_SECONDS,
            )
        except (ValueError, RuntimeError, OSError) as problem:
            reason = str(problem).strip().splitlines()[0][:200] or type(problem).__name__
            if address is not None:
                raise UserError(f"{where} could not be joined: {reason}") from problem
            raise UserError(
                f"parallel.distributed=auto found no cluster to join ({reason}); on ordinary "
                "machines give parallel.coordinator=HOST:PORT, parallel.process_count and "
                "parallel.process_id, and on one host set parallel.distributed=off"
            ) from problem


def given_address(config: ParallelConfig, environment: Any) -> Address | None:
    """Returns the processes that options or else the environment give; None to let JAX find them.

    Raises:
        UserError: When only a part is given, or what the environment gives makes no sense.
    """
    options = {name: getattr(config, name) for name in _VARIABLES}
    told = {
        name: value if value is not None else environment.get(_VARIABLES[name])
        for name, value in options.items()
    }
    missing = [name for name, value in told.items() if value is None]
    if missing and all(value is None for value in options.values()):
        return None  # JAX may find the rest
    if missing:
        names = " and ".join(f"parallel.{name} (or {_VARIABLES[name]})" for name in missing)
        known = ", ".join(f"parallel.{k}={v}" for k, v in told.items() if v is not None)
        raise UserError(f"{names} must be given as well, since {known} is")
    try:
        address = Address(told["coordinator"], int(told["process_count"]), int(told["process_id"]))
    except ValueError:
        address = None
    if (
        address is None
        or not is_address(address.coordinator)
        or not 0 <= address.process_id < address.process_count
    ):
        seen = ", ".join(f"{_VARIABLES[name]}={told[name]}" for name in told)
        raise UserError(
            f"{seen} name no process of a training; give HOST:PORT, a count, and a number from 0 "
            "to below it"
        )
    return address


def _require_answer(address: Address, seconds: float) -> None:
    """Asks whether the first process can open the coordinator's port, and the others reach it."""
    host, _, port = address.coordinator.rpartition(":")
    if address.process_id == 0:
        try:
            with socket.create_server(("", int(port))):
                return
        except OSError as problem:
            raise UserError(
                f"parallel.coordinator={address.coordinator}: port {port} cannot be opened here, "
                f"on process 0 ({problem.strerror}); choose another port on all hosts"
            ) from problem
    ends = time.monotonic() + seconds
    while True:
        try:
            left = max(0.1, ends - time.monotonic())
            with socket.create_connection((host.strip("[]"), int(port)), timeout=left):
                return
        except OSError as problem:
            if time.monotonic() + 0.5 > ends:
                raise UserError(
                    f"parallel.coordinator={address.coordinator} did not answer within "
                    f"{seconds:g} s ({problem.strerror or problem}); start process 0 there, open "
                    "its port, or give another address on all hosts"
                ) from problem
        time.sleep(0.5)


def _absent(config: ParallelConfig, where: str, kept: BinaryIO) -> str:
    """Says that the processes did not come together, with what JAX printed about it."""
    kept.seek(0)
    text = kept.read().decode(errors="replace")
    reason = re.search(r"absl::Status: (.+)", text)
    detail = f" ({reason[1][:200].strip()})" if reason else ""
    return (
        f"not all processes met at {where} within {config.join_seconds:g} s{detail}; start one "
        "process for each number from 0 to below parallel.process_count, all with the same address"
    )


@contextmanager
def _kept_stderr() -> Iterator[tuple[BinaryIO, int]]:
    """Keeps what is written to stderr in a file; gives that file, and the real stderr."""
    sys.stderr.flush()
    real = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield kept, real
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
