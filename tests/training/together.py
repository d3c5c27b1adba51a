"""A program that several processes run together, and how tests start such processes."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.backend import QUICK_FLAGS, ROOT

# A busy machine may let two processes wait long for each other.
PATIENCE_SECONDS = 300


def start(count: int, folder: Path, command: list[str], *, devices: int) -> list[subprocess.Popen]:
    """Starts `command` in `count` processes that find each other by the environment.

    Their output goes to `folder`/process_0.txt and so on.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir(exist_ok=True)
    started = []
    for number in range(count):
        environment = os.environ | {
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices} {QUICK_FLAGS}",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
            "JAX_DEFAULT_MATMUL_PRECISION": "float32",
            "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}",
            "JAX_NUM_PROCESSES": str(count),
            "JAX_PROCESS_ID": str(number),
        }
        with (folder / f"process_{number}.txt").open("wb") as output:
            call = [sys.executable, *command]
            started.append(
                subprocess.Popen(call, cwd=ROOT, env=environment, stdout=output, stderr=output)
            )
    return started


def ended(processes: list[subprocess.Popen]) -> list[int]:
    """Returns the exit codes; what does not end in time is killed."""
    try:
        return [process.wait(PATIENCE_SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_for(path: Path, text: str, processes: list[subprocess.Popen]) -> None:
    """Waits until a file holds a text; fails when a process ends before."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not (path.is_file() and text in path.read_text(errors="replace")):
        assert all(process.poll() is None for process in processes), f"ended without {path}"
        assert time.monotonic() < until, f"no {text!r} in {path}"
        time.sleep(0.1)


def main(folder: Path, how: str) -> None:
    """Meets the others, writes down what this process sees, and then ends as `how` says."""
    import jax
    import numpy as np
    from jax.experimental import multihost_utils
    from jax.sharding import NamedSharding, PartitionSpec

    from llavataros_jax.config import ParallelConfig
    from llavataros_jax.errors import UserError
    from llavataros_jax.training.hosts import join
    from llavataros_jax.training.hosts_end import ending_together
    from llavataros_jax.training.hosts_same import from_leader
    from llavataros_jax.training.parallel import JitLauncher
    from llavataros_jax.training.sharding import local_copy

    join(ParallelConfig(distributed="auto"))
    with ending_together():
        own = jax.process_index()
        first, second = np.array_split(jax.devices(), 2)
        # As a topology may order them: neighbours in the mesh are of different processes.
        launcher = JitLauncher(np.stack([first, second], 1).ravel().tolist(), fsdp=2)
        lanes = launcher.own_lanes(8)
        placed = launcher.place(np.array(lanes, np.int32), segments=1)
        steps = launcher.place(np.stack([lanes, lanes]).astype(np.int32), segments=2)
        cut = NamedSharding(launcher.lanes.mesh, PartitionSpec("fsdp"))
        shared = jax.make_array_from_callback((6,), cut, lambda index: np.arange(6)[index])
        seen = {
            "lanes": list(lanes),
            "whole": np.asarray(multihost_utils.process_allgather(placed, tiled=True)).tolist(),
            "steps": np.asarray(multihost_utils.process_allgather(steps, tiled=True)).tolist(),
            "local": np.asarray(local_copy({"x": shared})["x"]).tolist(),
            "leader": from_leader({"said by": own, "π": [3.14159]}),
        }
        (folder / f"seen_{own}.json").write_text(json.dumps(seen))
        if how == "refuse" and own == 1:
            raise UserError("training.run=/there holds something else; choose another")
        while True:  # in a collective, which no signal of Python ends
            multihost_utils.process_allgather(np.int32(own))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
