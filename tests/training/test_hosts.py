"""Several processes that train together: how they meet, agree, stop and end.

Two trainings, because each costs half a minute on a busy machine: one of two processes with four
devices each, stopped by a signal to one of them, and what one process of eight devices makes of it.
"""

import json
import re
import shutil
import signal
import socket
import time

import jax
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

from llavataros_jax.config import ParallelConfig
from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.errors import UserError
from llavataros_jax.training.hosts import Address, given_address, join
from llavataros_jax.training.hosts_end import GRACE_SECONDS, End, _end_of
from llavataros_jax.training.hosts_log import _ranges
from llavataros_jax.training.hosts_stop import LAG
from llavataros_jax.training.loop import fit
from llavataros_jax.training.parameters import named_leaves
from tests.training.records import LEAST, toy_config, write_records
from tests.training.together import ended, start, wait_for

TOLD = {
    "JAX_COORDINATOR_ADDRESS": "10.0.0.1:1234",
    "JAX_NUM_PROCESSES": "2",
    "JAX_PROCESS_ID": "1",
}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"coordinator": "a:1"}, "set parallel.distributed=auto"),
        ({"process_id": 0}, "parallel.process_id tell"),
        ({"distributed": "auto", "coordinator": "10.0.0.1"}, "must be HOST:PORT"),
        ({"distributed": "auto", "coordinator": "a:70000"}, "must be HOST:PORT"),
        ({"distributed": "auto", "process_count": 0}, "process_count must be at least 1"),
        ({"distributed": "auto", "process_count": 2, "process_id": 2}, "must be below"),
        ({"distributed": "auto", "join_seconds": 0}, "join_seconds must be positive"),
        ({"mode": "pmap", "fsdp": 2}, "use parallel.mode=jit with parallel.fsdp"),
        ({"fsdp": 0}, "fsdp must be at least 1"),
        ({"devices": 8, "fsdp": 3}, "fsdp must divide parallel.devices"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, reason):
    with pytest.raises(UserError, match=re.escape(reason)):
        ParallelConfig(**options)


def test_processes_are_those_of_the_options_then_of_the_environment_or_left_to_jax():
    auto = ParallelConfig(distributed="auto")
    assert given_address(auto, {}) is None
    assert given_address(auto, TOLD) == Address("10.0.0.1:1234", 2, 1)
    other = ParallelConfig(distributed="auto", coordinator="[::1]:99", process_id=0)
    assert given_address(other, TOLD) == Address("[::1]:99", 2, 0)
    # Slurm tells the rest.
    assert given_address(auto, {"JAX_COORDINATOR_ADDRESS": "a:1"}) is None
    with pytest.raises(UserError, match=r"parallel\.process_count \(or JAX_NUM_PROCESSES\) must"):
        given_address(other, {})
    with pytest.raises(UserError, match="JAX_PROCESS_ID=2 name no process"):
        given_address(auto, TOLD | {"JAX_PROCESS_ID": "2"})
    with pytest.raises(UserError, match="JAX_PROCESS_ID=first name no process"):
        given_address(auto, TOLD | {"JAX_PROCESS_ID": "first"})


def test_a_coordinator_that_does_not_answer_or_whose_port_is_taken_is_named():
    with socket.create_server(("", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        given = {"distributed": "auto", "coordinator": address, "process_count": 2}
        with pytest.raises(UserError, match=f"coordinator={address}.*choose another port"):
            join(ParallelConfig(**given, process_id=0))
    began = time.monotonic()
    with pytest.raises(UserError, match=f"coordinator={address} did not answer within 0.7 s"):
        join(ParallelConfig(**given, process_id=1, join_seconds=0.7))
    assert time.monotonic() - began < 10


def test_lanes_are_told_in_ranges():
    assert _ranges((0, 1, 2, 5, 7, 8)) == "0-2, 5, 7-8"


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refused")
    began = time.monotonic()
    command = ["-m", "tests.training.together", str(folder), "refuse"]
    processes = start(2, folder, command, devices=2)
    wait_for(folder / "seen_1.json", "}", processes)
    seen_seconds = time.monotonic()
    codes = ended(processes)
    seconds = time.monotonic() - seen_seconds, time.monotonic() - began
    texts = [(folder / f"process_{k}.txt").read_text() for k in range(2)]
    seen = [json.loads((folder / f"seen_{k}.json").read_text()) for k in range(2)]
    return codes, texts, seen, seconds


@pytest.mark.slow
def test_lanes_belong_to_devices_whatever_their_order_in_the_mesh(refused):
    _, _, seen, _ = refused
    assert [one["lanes"] for one in seen] == [[0, 1, 4, 5], [2, 3, 6, 7]]
    assert all(one["whole"] == list(range(8)) for one in seen)
    assert all(one["steps"] == [list(range(8))] * 2 for one in seen)


@pytest.mark.slow
def test_what_is_cut_among_hosts_comes_together_and_the_first_is_heard(refused):
    _, _, seen, _ = refused
    assert all(one["local"] == list(range(6)) for one in seen)
    assert all(one["leader"] == {"said by": 0, "π": [3.14159]} for one in seen)


@pytest.mark.slow
def test_a_refusal_of_one_process_ends_all_with_its_sentence(refused):
    codes, texts, _, (seconds, _) = refused
    assert codes == [2, 2]
    sentence = "training.run=/there holds something else; choose another"
    assert all(text.count(sentence) == text.count(f"error: {sentence}") == 1 for text in texts)
    assert "(said by host 1)" in texts[0]
    assert "(said by" not in texts[1]
    assert "Traceback" not in "".join(texts)
    assert seconds < 3 * GRACE_SECONDS + 20  # of a machine that does much else


@pytest.mark.slow
def test_when_a_process_is_killed_the_other_says_so_and_can_be_started_again(tmp_path):
    """The first process, in which the service lives that JAX aborts without."""
    processes = start(2, tmp_path, ["-m", "tests.training.together", str(tmp_path), ""], devices=1)
    wait_for(tmp_path / "seen_1.json", "}", processes)
    processes[0].send_signal(signal.SIGKILL)
    began = time.monotonic()
    assert ended(processes) == [-signal.SIGKILL, 75]
    assert time.monotonic() - began < 30
    text = (tmp_path / "process_1.txt").read_text()
    assert text.count("another process of this training was lost") == 1
    assert "error: another process of this training was lost" in text
    assert "Traceback" not in text


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Trains with two processes, stops the second, and goes on with one."""
    folder = tmp_path_factory.mktemp("stopped")
    records, run = folder / "records", folder / "run"
    manifest = write_records(records)

    def config(run, steps, **parallel):
        return toy_config(
            records,
            run,
            # Compiled by two processes and twice by one; no layer knows of lanes or devices.
            model=LEAST,
            # Near plain descent: AdamW magnifies the rounding of sums in another order.
            optimizer={"epsilon": 1.0, "learning_rate": 0.1, "final_fraction": 1.0},
            training={"steps": steps, "log_every": 1, "validate_every": 0, "checkpoint_every": 4},
            parallel=parallel,
        )

    (folder / "config.yaml").write_text(
        config_to_yaml(config(run, 100_000, distributed="auto")), encoding="utf-8"
    )
    command = ["-m", "llavataros_jax.train", "--config", str(folder / "config.yaml")]
    processes = start(2, folder, command, devices=4)
    wait_for(run / "logs" / "host_1.txt", "step 0/", processes)
    processes[1].send_signal(signal.SIGTERM)
    codes = ended(processes)
    texts = [(folder / f"process_{k}.txt").read_text() for k in range(2)]
    step = max(int(path.name) for path in (run / "checkpoints" / "latest").iterdir())
    shutil.copytree(run, folder / "both")
    fit(config(run, step + 2), manifest)
    fit(config(folder / "alone", step + 2), manifest)
    return folder, codes, texts, step


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_at_the_same_step(stopped):
    folder, codes, texts, step = stopped
    assert codes == [75, 75], texts
    assert step >= LAG
    lines = [json.loads(line) for line in (folder / "both" / "log.jsonl").open()]
    assert [line["step"] for line in lines] == list(range(1, step + 1))
    log = (folder / "both" / "logs" / "host_1.txt").read_text()
    for text in ("process 1 of 2", "lanes 4-7", "got SIGTERM"):
        assert text in log
    assert f"step {step}/100000 · stopped and saved" in log
    assert f"step {step}/100000 · stopped and saved" in texts[0]
    assert "8 cpu of 2 hosts" in texts[0]
    assert not (folder / "both" / "logs" / "host_0.txt").exists()


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_which_goes_on_from_their_checkpoint(stopped):
    folder, _, _, step = stopped
    losses = {}
    for name in ("run", "alone"):
        lines = [json.loads(line) for line in (folder / name / "log.jsonl").open()]
        losses[name] = [line["train/loss"] for line in lines]
    assert len(losses["alone"]) == step + 2
    assert abs(losses["alone"][0] - losses["alone"][-1]) > 0.05
    np.testing.assert_allclose(losses["run"], losses["alone"], rtol=1e-5)
    one, two = (
        ocp.load_checkpointables(folder / name / "checkpoints" / "latest" / str(step + 2))
        for name in ("alone", "run")
    )
    expected = dict(named_leaves(one["params"]))
    for name, leaf in named_leaves(two["params"]):
        np.testing.assert_allclose(leaf, expected[name], atol=1e-6, err_msg=name)
    expected = dict(named_leaves(one["training"]["carry"]))
    for name, leaf in named_leaves(two["training"]["carry"]):
        np.testing.assert_allclose(leaf, expected[name], atol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (UserError("training.run=x is\nin use"), 2, "training.run=x is in use"),
        (OSError(28, "No space left on device"), 2, "process 3 could not go on: .*No space left"),
        (KeyboardInterrupt(), 130, "before all processes had saved"),
        (jax.errors.JaxRuntimeError("Gloo: Connection closed by peer"), 75, "closed by peer"),
        (jax.errors.JaxRuntimeError("INTERNAL: bad layout"), 1, "process 3 failed: JaxRuntime"),
        (ValueError("a fault"), 1, "process 3 failed: ValueError: a fault"),
    ],
)
def test_what_ends_one_process_has_a_code_and_a_sentence_for_all(problem, code, words):
    end = _end_of(problem, host=3)
    assert (end.host, end.code) == (3, code)
    assert re.search(words, end.sentence)
    assert End.parse(str(end)) == end
