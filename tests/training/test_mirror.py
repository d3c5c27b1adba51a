"""A run directory and its copy in a bucket, with checkpoints that are only files here."""

import time

import jax
import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.storage import lease
from llavataros_jax.storage.remote import remove
from llavataros_jax.training import mirror
from llavataros_jax.training.checkpoint import Checkpoints, load_params
from llavataros_jax.training.checkpoint_checksums import write_checksums
from llavataros_jax.training.mirror import Mirror, mirrored
from llavataros_jax.training.remote_run import COMMIT, opened_run
from tests.buckets import BUCKET, CountedFiles, bucket  # noqa: F401
from tests.training.states import abstract_state, require_equal, state_at

RUN = f"{BUCKET}/runs/voice"


@pytest.fixture(autouse=True)
def machine(bucket, tmp_path, monkeypatch):  # noqa: F811
    """Returns what moves to a machine with an empty cache."""
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.02)

    def moved(name: str) -> None:
        monkeypatch.setenv("LLAVATAROS_CACHE", str(tmp_path / name))

    moved("first")
    return moved


def write_run(folder, *, starts=1):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("manifest.json", "config.yaml"):
        (folder / name).write_text(name)
    (folder / "versions.json").write_text(f"{starts} starts")
    (folder / "tensorboard").mkdir(exist_ok=True)
    (folder / "tensorboard/events").write_bytes(b"curves")
    (folder / ".lock").touch()


def write_step(folder, series, step, *, content=b"numbers"):
    place = folder / "checkpoints" / series / str(step)
    for part in ("params", "training") if series == "latest" else ("params",):
        (place / part / "d").mkdir(parents=True)
        (place / part / "d/data").write_bytes(content)
    (place / COMMIT).write_text(f"{series} {step} {content}")
    write_checksums(place)


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def there(files_there):
    return {
        name.removeprefix("/bucket/runs/voice/"): files_there.cat_file(name)
        for name in files_there.find(RUN)
    }


def test_another_machine_goes_on(bucket, machine):  # noqa: F811
    with Mirror(RUN) as first:
        write_run(first.folder)
        (first.folder / "log.jsonl").write_text("1\n")
        write_step(first.folder, "latest", 1)
        write_step(first.folder, "best", 1)
        first.send()
        write_step(first.folder, "latest", 2)
        (first.folder / "log.jsonl").write_text("1\n2\n")
        # As what Orbax has not committed yet.
        write_step(first.folder, "latest", "3.orbax-checkpoint-tmp")
    assert not any("orbax" in name or "lock" in name for name in there(bucket))
    machine("second")
    with Mirror(RUN) as second:
        found = files(second.folder)
        was = files(first.folder)
        # One checkpoint of each kind is enough, and no curves.
        assert set(was) - set(found) == {
            name for name in was if name.startswith(("checkpoints/latest/1", "tensorboard"))
            or "orbax" in name
        }  # fmt: skip
        assert all(was[name] == content for name, content in found.items())
        write_step(second.folder, "latest", 4)
    kept = {name.split("/")[2] for name in there(bucket) if "latest" in name}
    assert kept == {"2", "4"}  # what is not here makes room once a newer one is there
    assert there(bucket)["tensorboard/events"] == b"curves"


def test_the_folder_here_counts_where_it_is_what_was_copied_last(bucket, machine):  # noqa: F811
    with Mirror(RUN) as run:
        write_run(run.folder)
        write_step(run.folder, "latest", 1)
    write_step(run.folder, "latest", 2)  # a kill came before it was copied
    with Mirror(RUN) as run:
        assert (run.folder / "checkpoints/latest/2").is_dir()
    assert f"checkpoints/latest/2/{COMMIT}" in there(bucket)
    machine("second")
    with Mirror(RUN) as other:
        write_run(other.folder, starts=2)
        write_step(other.folder, "latest", 3, content=b"others")
    machine("first")
    write_step(run.folder, "latest", 4)  # of a history that went on elsewhere
    with Mirror(RUN) as run:
        assert [path.name for path in (run.folder / "checkpoints/latest").iterdir()] == ["3"]
        assert (run.folder / "versions.json").read_text() == "2 starts"
    newest = run.folder / "checkpoints/latest/3"
    newest.rename(run.folder / "gone")
    with Mirror(RUN):
        assert newest.is_dir()
    (newest / "params/d/data").write_bytes(b"otehrs")
    with Mirror(RUN):
        assert (newest / "params/d/data").read_bytes() == b"others"
    bucket.rm(RUN, recursive=True)
    with Mirror(RUN) as run:
        assert not run.folder.exists()  # it begins anew


def test_a_checkpoint_that_was_cut_short_or_damaged_is_passed_over(bucket, machine, monkeypatch):  # noqa: F811
    with Mirror(RUN) as run:
        write_run(run.folder)
        for step in (1, 2):
            write_step(run.folder, "latest", step)
        run.send()
        write_step(run.folder, "latest", 3)
        put = CountedFiles.put_file

        def cut(self, local, path, **given):
            if path.endswith(COMMIT):
                raise OSError("the network is gone")
            put(self, local, path, **given)

        monkeypatch.setattr(CountedFiles, "put_file", cut)
        with pytest.raises(UserError, match=r"network is gone.*; all of it is in .*first.*, from"):
            run.send()
        monkeypatch.setattr(CountedFiles, "put_file", put)
        monkeypatch.setattr(run, "send", lambda: None)  # a kill
    assert "checkpoints/latest/3/params/d/data" in there(bucket)
    bucket.pipe_file(f"{RUN}/checkpoints/latest/2/params/d/data", b"numbesr")
    machine("second")
    with Mirror(RUN) as run:
        assert not (run.folder / "checkpoints/latest/3").exists()
        assert (run.folder / "checkpoints/latest/1/training/d/data").read_bytes() == b"numbers"


def test_a_lost_run_is_not_overwritten(bucket):  # noqa: F811
    run = Mirror(RUN).__enter__()
    write_run(run.folder)
    bucket.pipe_file(f"{RUN}/.lock", b"other 1\nprocess 6\n")
    while not run._lease.is_lost:
        time.sleep(0.01)
    with pytest.raises(UserError, match=r"voice was taken over by another.*here is in"):
        run.__exit__(None)
    assert set(there(bucket)) == {".lock"}


def test_it_copies_by_itself(bucket, monkeypatch):  # noqa: F811
    monkeypatch.setattr(mirror, "COPY_SECONDS", 0.01)
    with Mirror(RUN) as run:
        write_run(run.folder)
        while "config.yaml" not in there(bucket):
            time.sleep(0.01)


@pytest.mark.slow
def test_a_state_is_restored_bit_by_bit_on_another_machine(machine):
    with Mirror(RUN) as run:
        write_run(run.folder)
        with Checkpoints(run.folder) as checkpoints:
            checkpoints.save(state_at(5), plan="5eed", wait=True)
            run.send()
            checkpoints.save(state_at(6), plan="5eed")
            checkpoints.save_best(4, state_at(4).params, 0.5)
    machine("second")
    with Mirror(RUN) as run, Checkpoints(run.folder) as checkpoints:
        assert (checkpoints.latest_step, checkpoints.best_step) == (6, 4)
        assert checkpoints.best_loss == 0.5
        require_equal(checkpoints.restore(abstract_state()), state_at(6))
        checkpoints.require_plan(6, "5eed")
        checkpoints.save(state_at(7), wait=True)
    abstract = abstract_state().params
    params, name = load_params(opened_run(RUN), abstract)
    assert name == "best/4"
    jax.tree.map(np.testing.assert_array_equal, params, jax.device_get(state_at(4).params))
    remove(f"{RUN}/checkpoints/best")
    params, name = load_params(opened_run(RUN), abstract)
    assert name == "latest/7"  # copied without its moments
    jax.tree.map(np.testing.assert_array_equal, params, jax.device_get(state_at(7).params))


def test_a_folder_is_left_alone(bucket, tmp_path):  # noqa: F811
    with mirrored(str(tmp_path / "run")):
        pass
    assert not (tmp_path / "run").exists()
    assert not bucket.find(BUCKET)
    assert opened_run(str(tmp_path / "run")) == tmp_path / "run"


def test_what_is_opened_is_copied_once_and_follows_the_bucket(bucket, machine, monkeypatch):  # noqa: F811
    with Mirror(RUN) as run:
        write_run(run.folder)
        write_step(run.folder, "latest", 1)
        run.send()
        folder = opened_run(RUN)
        assert (folder / "checkpoints/latest/1/params/d/data").is_file()
        assert not (folder / "checkpoints/latest/1/training").exists()
        write_step(run.folder, "best", 1)
        run.send()
        (folder / "checkpoints/latest/1/params/d/data").write_bytes(b"")
        assert opened_run(RUN) == folder
        data = folder / "checkpoints/best/1/params/d/data"
        assert data.read_bytes() == b"numbers"
        data.write_bytes(b"numbesr")  # damaged here, and copied anew
        opened_run(RUN)
        assert data.read_bytes() == b"numbers"
    bucket.rm(f"{RUN}/checkpoints/best", recursive=True)
    opened_run(RUN)
    assert not data.exists()

    get = CountedFiles.get_file

    def outrun(files, path, *rest, **given):
        if "best/3/params" in path and not bucket.exists(f"{RUN}/checkpoints/best/4"):
            bucket.mv(f"{RUN}/checkpoints/best/3", f"{RUN}/checkpoints/best/4", recursive=True)
        get(files, path, *rest, **given)

    write_step(run.folder, "best", 3)
    with Mirror(RUN):
        pass
    monkeypatch.setattr(CountedFiles, "get_file", outrun)
    folder = opened_run(RUN)
    assert (folder / "checkpoints/best/4/params/d/data").read_bytes() == b"numbers"
    with pytest.raises(UserError, match=rf"{BUCKET}/no is no run directory: it has no config"):
        opened_run(f"{BUCKET}/no")
