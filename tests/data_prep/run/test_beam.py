import importlib.util
import json

import pytest

from data_prep import __main__ as door
from data_prep.run.beam import beam_runner
from data_prep.run.pipeline import prepare
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import make_words, small_config, write_clip
from tests.data_prep.run.test_cli import write_config
from tests.data_prep.run.test_pipeline import silent

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None, reason="Apache Beam is not installed"
)


def write_three(folder):
    for seed, name in enumerate(("a", "b", "c")):
        write_clip(folder / "in", name, seed=seed)
    (folder / "in/c.json").write_text(json.dumps(make_words(9.0)))  # ends after its audio


@needs_beam
@pytest.mark.parametrize("workers", [1, 2])
def test_beam_writes_the_same_bytes(tmp_path, workers):
    write_three(tmp_path)
    # Libraries round otherwise with another number of threads, so both sides use as many.
    alone = prepare(small_config(tmp_path, workers=workers), say=silent)
    config = small_config(tmp_path, records=str(tmp_path / "beam"), workers=workers)
    run = beam_runner((), tmp_path / "beam/.cache")
    together = prepare(config, say=silent, run=run)
    assert together.manifest == alone.manifest
    assert together.made == alone.made
    assert set(together.failures) == {"c"}
    shards = sorted(path.name for path in (tmp_path / "out").glob("*.tfrecord-*"))
    assert len(shards) == 2
    for name in shards:
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("out", "beam"))
        assert one == two
    assert not list((tmp_path / "beam/.cache").glob("beam-*"))
    again = prepare(config, say=silent, run=run)
    assert not again.made
    assert not again.is_new


@needs_beam
def test_the_command_runs_on_beam(tmp_path, capsys):
    write_clip(tmp_path / "in", "a")
    config = write_config(tmp_path)
    assert (
        door.main(["--config", config, "data.workers=1", "--beam", "--no_pipeline_type_check"]) == 0
    )
    said = capsys.readouterr().out
    assert "1 clips on Apache Beam, --runner=FnApiRunner --no_pipeline_type_check" in said
    assert "wrote" in said


def broken(_):
    raise RuntimeError("no such luck")


@needs_beam
def test_a_runner_that_fails_is_one_sentence(tmp_path):
    run = beam_runner((), tmp_path)

    with pytest.raises(UserError, match=r"Apache Beam failed \(.*no such luck"):
        list(run(broken, [1], workers=1, label="x"))
    with pytest.raises(UserError, match=r"Apache Beam failed .*NoSuchRunner"):
        list(beam_runner(["--runner=NoSuchRunner"], tmp_path)(abs, [1], workers=1, label="x"))
    with pytest.raises(UserError, match=r"'data\.strict=true' after --beam"):
        beam_runner(["data.strict=true"], tmp_path)
    assert list(run(abs, [], workers=1, label="x")) == []


@pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is not None, reason="Apache Beam is installed"
)
def test_without_beam_the_command_says_how_to_get_it(tmp_path, capsys):
    write_clip(tmp_path / "in", "a")
    assert door.main(["--config", write_config(tmp_path), "--beam"]) == 2
    assert "--beam needs apache_beam; install with: " in capsys.readouterr().err
