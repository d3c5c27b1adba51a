"""A flipped byte in any file of a checkpoint is found, or does nothing."""

import os
import shutil
import subprocess

import pytest

from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.checkpoint_checksums import CHECKSUMS, write_checksums
from llavataros_jax.training.checkpoint_damage import damage_of
from tests.training.states import abstract_state, require_equal, state_at

PARTS = {"latest": ("params", "training"), "best": ("params",)}
# Orbax writes them as it commits; nobody reads what is in the first, and but the time of the other.
UNLISTED = ("commit_success.txt", "_CHECKPOINT_METADATA")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checksums")
    with Checkpoints(folder) as checkpoints:
        checkpoints.save(state_at(6), plan="5eed")
        checkpoints.save_best(6, state_at(6).params, 0.5)
    return folder


def files_of(step):
    return sorted(path for path in step.rglob("*") if path.is_file())


@pytest.mark.parametrize("series", ["latest", "best"])
def test_every_file_with_a_flipped_bit_or_a_byte_less_is_named(run, series):
    step, told = run / "checkpoints" / series / "6", 0
    assert damage_of(step, PARTS[series]) is None
    for path in files_of(step):
        name, whole = path.relative_to(step).as_posix(), path.read_bytes()
        if name in UNLISTED:
            continue
        damaged = [whole[:-1], whole[: len(whole) // 2], b""]
        for at in {0, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
            damaged += [whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :] for bit in (1, 32)]
        for content in damaged:
            path.write_bytes(content)
            reason = damage_of(step, PARTS[series])
            assert reason, f"{name} of {len(whole)} bytes"
            assert name in reason or name == CHECKSUMS
            told += 1
        path.write_bytes(whole)
    assert damage_of(step, PARTS[series]) is None
    assert told > 80


def test_what_is_not_listed_does_nothing(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    step = tmp_path / "run" / "checkpoints" / "latest" / "6"
    for name in UNLISTED:
        content = bytearray((step / name).read_bytes())
        content[len(content) // 2] ^= 1
        (step / name).write_bytes(content)
    with Checkpoints(tmp_path / "run") as checkpoints:
        require_equal(checkpoints.restore(abstract_state()), state_at(6))
        assert not checkpoints.notes


@pytest.mark.parametrize("series", ["latest", "best"])
def test_all_other_files_are_listed(run, series):
    step = run / "checkpoints" / series / "6"
    listed = [line[34:] for line in (step / CHECKSUMS).read_text().splitlines()[1:]]
    there = [path.relative_to(step).as_posix() for path in files_of(step)]
    assert listed == [name for name in there if name not in (*UNLISTED, CHECKSUMS)]


@pytest.mark.skipif(shutil.which("b2sum") is None, reason="b2sum of coreutils is not here")
def test_another_program_reads_the_list_and_agrees(run):
    call = ["b2sum", "--check", "--strict", "--quiet", CHECKSUMS]
    subprocess.run(call, cwd=run / "checkpoints" / "latest" / "6", check=True)


def test_parts_that_are_not_read_may_be_damaged(run, tmp_path):
    step = shutil.copytree(run / "checkpoints" / "latest" / "6", tmp_path / "6")
    os.truncate(step / "training" / "_METADATA", 3)
    assert damage_of(step, ("params",)) is None
    assert damage_of(step, ("training",)) == "training/_METADATA is not as it was written"


def test_a_list_leads_nowhere_else(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "step" / "part").mkdir(parents=True)
    (tmp_path / "step" / "part" / "a").write_text("x")
    write_checksums(tmp_path / "step")
    header, line, _ = (tmp_path / "step" / CHECKSUMS).read_text().split("\n")
    lines = [header.replace("1", "2"), line, line.replace("part/a", "part/../../secret"), ""]
    (tmp_path / "step" / CHECKSUMS).write_text("\n".join(lines))
    assert damage_of(tmp_path / "step", ("part",)) == "part/../../secret is missing"
