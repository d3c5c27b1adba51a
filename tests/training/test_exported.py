"""Exported runs: the same network to half precision, whole or refused."""

import dataclasses

import jax
import numpy as np
import pytest

from llavataros_jax.atomic import write_text
from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.data.segments import ClipSpeech, without_words
from llavataros_jax.errors import UserError
from llavataros_jax.motion.enlargement import enlarge_recording
from llavataros_jax.network import build_model
from llavataros_jax.trained import open_trained
from llavataros_jax.training.exported import WEIGHTS, is_exported, load_exported, write_exported
from llavataros_jax.training.run import open_run
from tests.training.records import toy_config, write_records


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    manifest = write_records(folder / "records")
    config = toy_config(folder / "records", folder / "run")
    model = build_model(config, manifest)
    abstract = jax.eval_shape(model.init, jax.random.key(0))
    draw = np.random.default_rng(0)
    params = jax.tree.map(lambda x: draw.standard_normal(x.shape).astype(np.float32), abstract)
    write_exported(folder / "light", config, manifest, params, checkpoint="best/7")
    return folder / "light", config, manifest, params, abstract


def test_weights_come_back_rounded_to_half(toy):
    light, config, manifest, params, _ = toy
    assert is_exported(light)
    assert not is_exported(light.parent / "run")
    run = open_trained(light)
    assert (run.config, run.checkpoint) == (config, WEIGHTS)
    rounded = jax.tree.map(lambda x: x.astype(np.float16).astype(np.float32), params)
    jax.tree.map(np.testing.assert_array_equal, run.animator.params, rounded)
    assert run.manifest.clips == ()
    assert run.manifest.codec == manifest.codec
    assert run.manifest.statistics == manifest.statistics


def test_nothing_in_the_way_is_replaced(toy):
    light, config, manifest, params, _ = toy
    before = (light / WEIGHTS).read_bytes()
    with pytest.raises(UserError, match=r"light exists and is not empty"):
        write_exported(light, config, manifest, params, checkpoint="best/7")
    assert (light / WEIGHTS).read_bytes() == before


def test_what_half_precision_cannot_hold_is_refused(toy, tmp_path):
    _, config, manifest, params, _ = toy
    large = jax.tree.map(lambda x: 1e6 * np.ones_like(x), params)
    with pytest.raises(UserError, match=r"values up to 1e\+06, which half precision cannot hold"):
        write_exported(tmp_path / "out", config, manifest, large, checkpoint="best/7")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kept", [0, 7, 300, -1])
def test_weights_that_are_cut_off_are_refused(toy, tmp_path, kept):
    light, *_, abstract = toy
    (tmp_path / WEIGHTS).write_bytes((light / WEIGHTS).read_bytes()[:kept])
    with pytest.raises(UserError, match=r"weights\.safetensors of \d+ bytes are damaged"):
        load_exported(tmp_path, abstract)


def test_weights_of_another_network_are_refused(toy, tmp_path):
    light, config, *_ = toy
    for name in ("manifest.json", WEIGHTS):
        (tmp_path / name).write_bytes((light / name).read_bytes())
    wider = config_to_yaml(config).replace("d_inner: 32", "d_inner: 48")
    write_text(tmp_path / "config.yaml", wider)
    with pytest.raises(UserError, match="does not fit the config beside it"):
        open_trained(tmp_path)


def test_training_cannot_go_on_from_it(toy):
    light, config, manifest, *_ = toy
    training = dataclasses.replace(config.training, run=str(light))
    with pytest.raises(UserError, match="is an exported run, which holds no state of training"):
        open_run(dataclasses.replace(config, training=training), manifest)


def test_movements_are_larger_where_no_word_is_known(toy):
    light, config, manifest, *_ = toy
    sizes = manifest.feature_size("audio"), manifest.feature_size("words")
    draw = np.random.default_rng(1)
    audio = draw.standard_normal((60, sizes[0])).astype(np.float16)
    words = draw.standard_normal((1, sizes[1])).astype(np.float16)
    spoken = ClipSpeech(audio, words, np.zeros(60, np.int32), 0)
    plain = open_trained(light)
    film = dataclasses.replace(config.film, wordless_size=2.0, smooth=False)
    larger = dataclasses.replace(plain, config=dataclasses.replace(config, film=film))

    for speech, size in ((spoken, 1.0), (without_words(spoken), 2.0)):
        poses = enlarge_recording(plain.animator(speech), size, fps=manifest.fps)
        wanted = plain.animator.codec.decode(poses, manifest.fps, 0)
        np.testing.assert_array_equal(larger.animate(speech).frames, wanted.frames)
