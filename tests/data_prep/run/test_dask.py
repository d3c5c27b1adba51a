"""Apache Beam on a cluster of separate processes, which Dask is."""

import functools
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_prep.run.beam import beam_runner
from data_prep.run.pipeline import prepare
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import small_config, write_clip
from tests.data_prep.run.test_pipeline import silent

ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("apache_beam", "distributed"))),
        reason="Apache Beam or Dask is not installed",
    ),
]


def leave_pid(item: int, *, folder: Path) -> tuple[int, int]:
    """Writes down which process has begun with an item."""
    (folder / f"{item}-{os.getpid()}").touch()
    time.sleep(0.2)
    return item, os.getpid()


def die_or_double(item: int) -> int:
    """Is the death of every worker that takes item 1."""
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * item


@pytest.fixture
def flags(tmp_path: Path) -> Iterator[list[str]]:
    """Starts a scheduler and two workers in folders of their own; returns the flags for them."""
    processes = []

    def start(name: str, *arguments: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        with (folder / "log").open("w") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "distributed.cli.dask_" + name.rstrip("12"), *arguments],
                    cwd=folder,
                    env=os.environ | {"PYTHONPATH": str(ROOT)},
                    stderr=log,
                    start_new_session=True,
                )
            )
        return folder / "log"

    try:
        log = start("scheduler", "--host=127.0.0.1", "--port=0", "--no-dashboard")
        for _ in range(600):
            if found := re.search(r"Scheduler at: +(tcp://\S+)", log.read_text()):
                break
            time.sleep(0.1)
        assert found, log.read_text()
        for name in ("worker1", "worker2"):
            start(name, found[1], "--nthreads=1", "--no-dashboard", f"--name={name}")
        yield ["--runner=DaskRunner", f"--dask_client_address={found[1]}"]
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)  # asked to end, they would wait for each other
            process.wait()


def test_the_same_bytes_though_a_worker_is_killed(tmp_path: Path, flags: list[str]) -> None:
    for seed in range(4):
        write_clip(tmp_path / "in", f"clip_{seed}", seed=seed)
    alone = prepare(small_config(tmp_path), say=silent)
    config = small_config(tmp_path, records=str(tmp_path / "dask"))
    together = prepare(config, say=silent, run=beam_runner(flags, tmp_path / "dask/.cache"))
    assert together.manifest == alone.manifest
    for shard in (tmp_path / "out").glob("*.tfrecord-*"):
        assert (tmp_path / "dask" / shard.name).read_bytes() == shard.read_bytes()
    assert not list((tmp_path / "dask/.cache").glob("beam-*"))

    begun = tmp_path / "begun"
    begun.mkdir()
    work = functools.partial(leave_pid, folder=begun)
    run = beam_runner(flags, tmp_path / "shared")
    results, killed = {}, 0
    for number, (item, pid) in run(work, range(40), workers=0, label="x"):
        results[number] = item
        if not killed:
            killed = pid
            os.kill(killed, signal.SIGKILL)
    assert results == {number: number for number in range(40)}
    workers = {int(path.name.split("-")[1]) for path in begun.iterdir()}
    assert len(workers - {killed}) >= 1


def test_work_that_kills_every_worker_is_a_sentence(tmp_path: Path, flags: list[str]) -> None:
    run = beam_runner(flags, tmp_path / "shared")
    with pytest.raises(UserError, match=r"Apache Beam failed \(.*died.*run the same command again"):
        list(run(die_or_double, range(3), workers=0, label="x"))
