"""What a network begins with that starts from another: the same function, where it can be."""

import dataclasses
import json
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.errors import UserError
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.network import build_model
from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.choices import choose
from llavataros_jax.training.exported import WEIGHTS, write_exported
from llavataros_jax.training.loop import fit
from llavataros_jax.training.parallel import JitLauncher
from llavataros_jax.training.parameters import named_leaves
from llavataros_jax.training.resumption import continued
from llavataros_jax.training.run import read_config
from llavataros_jax.training.start import open_start
from llavataros_jax.training.transfer import (
    Network,
    output_for,
    require_same_trunk,
    transferred,
    words_for,
)
from tests.training.records import AUDIO, WORD, toy_config, write_records
from tests.training.test_patience import step_without_learning

SOUND = {"kind": "mel", "sample_rate": 16000, "mels": 40}
WORDS = {"kind": "hashed", "size": WORD, "ngram_min": 3, "ngram_max": 5}
MODEL = {"word_bit": True, "dropout": 0.0, "self_blocks": 1, "cross_blocks": 0}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Returns a folder, and a network of toy records that was drawn at random throughout."""
    folder = tmp_path_factory.mktemp("transfer")
    manifest = write_records(folder / "records")
    kinds = {"audio": SOUND, "text": WORDS}
    manifest = dataclasses.replace(manifest, feature_config=kinds)
    manifest.save(folder / "records")
    config = toy_config(folder / "records", folder / "run", model=MODEL)
    return folder, config, manifest, random_params(config, manifest, 0)


def random_params(config, manifest, seed):
    draw = np.random.default_rng(seed)
    abstract = jax.eval_shape(build_model(config, manifest).init, jax.random.key(0))
    return jax.tree.map(lambda x: draw.normal(0, 0.3, x.shape).astype(np.float32), abstract)


def flat(params):
    return dict(named_leaves(params))


def other_codec(codec: dict, seed: int = 3, **fields) -> dict:
    """Returns a codec of the same joints with other statistics."""
    draw, size = np.random.default_rng(seed), len(codec["mean"])
    constant = [k in (4, 7) for k in range(size)]
    numbers = {
        "mean": draw.normal(size=size).tolist(),
        "std": draw.uniform(0.1, 2, size).tolist(),
        "constant": constant,
    }
    return {**codec, **numbers, **fields}


def other_words(manifest, seed: int = 4):
    draw = np.random.default_rng(seed)
    words = {
        "words_mean": draw.normal(size=WORD).tolist(),
        "words_std": draw.uniform(0.5, 2, WORD).tolist(),
    }
    return {**manifest.statistics, **words}


def test_the_same_records_take_everything_as_it_is(toy):
    _, config, manifest, params = toy
    network = Network(config.model, manifest)
    transfer = transferred(random_params(config, manifest, 1), network, params, network)
    jax.tree.map(np.testing.assert_array_equal, transfer.params, params)
    count = len(flat(params))
    assert transfer.sentences("a (best/4)") == [
        f"training.start_from=a (best/4): {count} of {count} arrays reused; new: nothing"
    ]


def test_the_output_layer_decodes_to_the_same_pose():
    draw = np.random.default_rng(0)
    tree = {
        "skeleton": Skeleton(("hips",), (-1,), np.zeros((1, 3))).to_dict(),
        "flexible_joints": [], "rest_offsets": [[[0, 0, 0]]],
        "mean": draw.normal(size=9).tolist(), "std": draw.uniform(0.1, 2, 9).tolist(),
        "constant": [k in (1, 4) for k in range(9)],
    }  # fmt: skip
    old, new = (PoseCodec.from_dict(one) for one in (tree, other_codec(tree)))
    hidden = draw.normal(size=(20, 5))
    kernel, bias = (draw.normal(size=shape).astype(np.float32) for shape in ((5, 9), 9))
    arrays = output_for(old, new, kernel=kernel, bias=bias)
    poses = new.denormalise(hidden @ arrays["output.kernel"] + arrays["output.bias"])
    before = old.denormalise(hidden @ kernel + bias)
    wanted = np.where(new.constant, new.mean, before)  # whatever the layer says of them
    np.testing.assert_allclose(poses, wanted, rtol=1e-5, atol=1e-5)
    assert np.ptp(before, axis=0)[[0, 2, 3]].min() > 0.1
    for name, one in (("kernel", kernel), ("bias", bias)):
        assert np.abs(arrays[f"output.{name}"] - one).max() > 0.1


def test_words_are_heard_as_before_and_silence_too():
    draw = np.random.default_rng(0)
    kept = {
        "join.from_words.kernel": draw.normal(size=(WORD, 4)).astype(np.float32),
        "join.from_silence.kernel": draw.normal(size=(1, 4)).astype(np.float32),
    }
    statistics = [
        {
            "words_mean": draw.normal(size=WORD).tolist(),
            "words_std": draw.uniform(0.5, 2, WORD).tolist(),
        }
        for _ in range(2)
    ]
    vectors = draw.normal(size=(30, WORD))

    def heard(arrays, now):
        standard = (vectors - np.array(now["words_mean"])) / np.array(now["words_std"])
        return standard @ arrays["join.from_words.kernel"] + arrays["join.from_silence.kernel"]

    converted = words_for(kept, *statistics)
    assert converted.keys() == kept.keys()
    np.testing.assert_allclose(
        heard(converted, statistics[1]), heard(kept, statistics[0]), rtol=1e-5, atol=1e-5
    )
    # Without a word bit nothing can tell the words of silence, and the piece is left alone.
    assert words_for({"join.from_words.kernel": kept["join.from_words.kernel"]}, *statistics) == {}


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["plus", "cross"])
def test_the_whole_network_moves_everybody_as_before(toy, variant):
    """Other pose and word statistics, other rows of the speakers: the same raw input and output."""
    folder, _, manifest, _ = toy
    moving = [False] * len(manifest.codec["mean"])
    manifest = dataclasses.replace(manifest, codec={**manifest.codec, "constant": moving})
    now = dataclasses.replace(
        manifest,
        codec=other_codec(manifest.codec, constant=moving),
        statistics=other_words(manifest),
        speakers=("çem", "anna", "ben"),
    )
    config = toy_config(folder / "records", folder / "run", model={**MODEL, "variant": variant})
    params = random_params(config, manifest, 0)
    transfer = transferred(
        random_params(config, now, 1),
        Network(config.model, now),
        params,
        Network(config.model, manifest),
    )
    assert transfer.new == ()
    assert len(transfer.converted) == 2
    draw = np.random.default_rng(2)
    frames = 6

    def moved(manifest, params, speaker):
        model = build_model(config, manifest)
        speech = Speech(
            audio=sound, words=words, word_index=index, speaker=np.array([speaker], np.int32)
        )
        pose, _ = model.apply(
            jax.tree.map(jnp.asarray, params),
            speech,
            speech,
            np.zeros(1, bool),
            frame_mask=np.ones((1, frames), bool),
            memory=model.empty_memory(1),
        )
        return manifest.pose_codec().denormalise(np.asarray(pose))

    sound = draw.normal(size=(1, frames, AUDIO)).astype(np.float32)
    words = draw.normal(size=(1, 2, WORD)).astype(np.float32)
    index = np.array([[-1, 0, 0, -1, 1, 1]], np.int32)
    before = moved(manifest, params, 2)
    np.testing.assert_allclose(moved(now, transfer.params, 0), before, rtol=1e-4, atol=1e-4)
    assert np.abs(moved(now, transfer.params, 1) - before).max() > 1e-3, "who speaks matters"


def test_speakers_keep_their_row_and_new_ones_begin_in_the_middle(toy):
    _, config, manifest, params = toy
    now = dataclasses.replace(manifest, speakers=("zoe", "ben", "anna", "yan"))
    drawn = random_params(config, now, 1)
    transfer = transferred(
        drawn, Network(config.model, now), params, Network(config.model, manifest)
    )
    old, new = params["speakers"], transfer.params["speakers"]
    np.testing.assert_array_equal(new[[1, 2]], old[[1, 0]])
    np.testing.assert_allclose(new[[0, 3]], np.tile(old.mean(axis=0), (2, 1)), rtol=1e-5)
    count = len(flat(params))
    assert transfer.sentences("a") == [
        f"training.start_from=a: {count - 1} of {count} arrays reused; "
        "new: speaker table (2 new of 4)"
    ]


def test_another_skeleton_or_other_features_get_new_pieces(toy):
    _, config, manifest, params = toy
    names = [f"{name}_" for name in manifest.codec["skeleton"]["names"]]
    joints = [f"{name}_" for name in manifest.codec["flexible_joints"]]
    skeleton = {**manifest.codec["skeleton"], "names": names}
    now = dataclasses.replace(
        manifest,
        codec={**manifest.codec, "skeleton": skeleton, "flexible_joints": joints},
        feature_config={"audio": SOUND, "text": {**WORDS, "ngram_max": 4}},
    )
    drawn = random_params(config, now, 1)
    transfer = transferred(
        drawn, Network(config.model, now), params, Network(config.model, manifest)
    )
    got, fresh, old = flat(transfer.params), flat(drawn), flat(params)
    new = {"output.kernel", "output.bias", "frontend.join.from_words.kernel"}
    for name, array in got.items():
        np.testing.assert_array_equal(array, (fresh if name in new else old)[name])
    assert set(transfer.new) == {"output (another skeleton)", "word input (other features)"}
    assert transfer.fresh == 3


def test_sound_is_left_alone_and_an_old_preparation_means_the_same(toy):
    """Statistics of sound are of a room; options that did not exist have their default."""
    _, config, manifest, params = toy
    louder = {"audio_mean": [2.0] * AUDIO, "audio_std": [3.0] * AUDIO}
    now = dataclasses.replace(
        manifest,
        statistics={**manifest.statistics, **louder},
        feature_config={
            "audio": {"kind": "mel", "pase": None, "pase_mode": "isolated"},
            "text": {**WORDS, "model": None, "batch": 3},
        },
    )
    transfer = transferred(
        random_params(config, now, 1),
        Network(config.model, now),
        params,
        Network(config.model, manifest),
    )
    jax.tree.map(np.testing.assert_array_equal, transfer.params, params)
    assert (transfer.new, transfer.converted) == ((), ())


def test_arrays_that_nobody_knows_follow_the_general_rule(toy):
    _, config, manifest, params = toy
    network = Network(config.model, manifest)
    drawn = {**random_params(config, manifest, 1), "flow": {"a": np.ones(3, np.float32)}}
    same = {**params, "flow": {"a": np.full(3, 7, np.float32)}}
    other = {**params, "flow": {"a": np.ones(4, np.float32), "b": np.ones(1, np.float32)}}
    transfers = [transferred(drawn, network, old, network) for old in (same, other, params)]
    assert [t.params["flow"]["a"][0] for t in transfers] == [7, 1, 1]
    assert [t.new for t in transfers] == [
        (),
        ("flow (another size)",),
        ("flow (not in the source)",),
    ]
    assert transfers[1].unused == ("flow.b",)
    assert transfers[1].sentences("a")[1:] == [
        "this network has no place for flow.b of training.start_from"
    ]


def test_the_front_end_of_another_variant_is_new(toy):
    folder, config, manifest, params = toy
    cross = toy_config(folder / "records", folder / "run", model={**MODEL, "variant": "cross"})
    drawn = random_params(cross, manifest, 1)
    transfer = transferred(
        drawn, Network(cross.model, manifest), params, Network(config.model, manifest)
    )
    fresh, old = flat(drawn), flat(params)
    for name, array in flat(transfer.params).items():
        wanted = fresh if name.startswith("frontend.") else old
        np.testing.assert_array_equal(array, wanted[name])


def test_a_trunk_of_another_size_is_refused(toy):
    _, config, *_ = toy
    other = dataclasses.replace(config.model, d_model=32, norm="post")
    with pytest.raises(
        UserError, match=r"start_from=starter has model\.d_model=16, not 32; model\.norm=pre, not"
    ):
        require_same_trunk(other, config.model, start_from="starter")


@pytest.fixture(scope="module")
def light(toy):
    folder, config, manifest, params = toy
    write_exported(folder / "light", config, manifest, params, checkpoint="best/7")
    return folder / "light"


def starting(toy, run, start_from, **model):
    folder = toy[0]
    training = {"start_from": str(start_from), "steps": 1, "validate_every": 0}
    return toy_config(folder / "records", run, model={**MODEL, **model}, training=training,
                      parallel={"devices": 1})  # fmt: skip


def test_what_cannot_be_started_from_is_refused_in_a_sentence(toy, light, tmp_path):
    run = tmp_path / "run"
    for folder in (tmp_path / "nowhere", toy[0] / "records"):
        with pytest.raises(UserError, match=r"is no run: it has no config\.yaml"):
            open_start(starting(toy, run, folder))
    with pytest.raises(UserError, match=r"is training\.run itself"):
        open_start(starting(toy, light, f"{light}/../light"))
    with pytest.raises(UserError, match=r"has model\.d_model=16, not 32"):
        open_start(starting(toy, run, light, d_model=32))
    damaged = shutil.copytree(light, tmp_path / "damaged")
    (damaged / WEIGHTS).write_bytes((light / WEIGHTS).read_bytes()[:500])
    with pytest.raises(UserError, match=r"weights\.safetensors of 500 bytes are damaged"):
        open_start(starting(toy, run, damaged))
    diverged = shutil.copytree(light, tmp_path / "diverged")
    shutil.rmtree(diverged / WEIGHTS, ignore_errors=True)
    (diverged / WEIGHTS).unlink()
    broken = jax.tree.map(lambda x: np.full_like(x, np.nan), toy[3])
    with Checkpoints(diverged) as checkpoints:
        checkpoints.save_best(4, broken, 1.0)
    with pytest.raises(UserError, match=r"\(best/4\) has numbers in .* that are not finite"):
        open_start(starting(toy, run, diverged))
    assert not run.exists()


def test_blocks_are_as_many_as_the_source_has(toy, light, tmp_path):
    config = starting(toy, tmp_path / "run", light, cross_blocks=-1)
    chosen, said = choose(config, toy[2])
    assert chosen.model.cross_blocks == 0
    assert said[0] == f"model.cross_blocks=0: as many as training.start_from={light} has"


def test_the_start_may_be_left_out_later_but_not_changed(toy, light):
    config = starting(toy, "run", light)
    without = dataclasses.replace(
        config, training=dataclasses.replace(config.training, start_from=None)
    )
    alike = starting(toy, "run", f"{light}/../light")
    for now in (config, without, alike):
        assert continued(Path("run"), config, now) == (config, [])
    for before, now in ((without, config), (config, starting(toy, "run", "starter"))):
        with pytest.raises(UserError, match=r"training\.start_from was .* and is now"):
            continued(Path("run"), before, now)


@pytest.mark.slow
def test_a_run_begins_with_the_parameters_and_goes_on_with_its_own(
    toy, light, tmp_path, monkeypatch, capsys
):
    _, _, manifest, params = toy
    run = tmp_path / "run"
    config = starting(toy, run, light)
    monkeypatch.setattr(JitLauncher, "train", lambda *_: step_without_learning)
    # A run that was killed before its first checkpoint starts again, also when it is not said.
    run.mkdir()
    (run / "config.yaml").write_text(config_to_yaml(config))
    manifest.save(run)
    fit(starting_without(config), manifest)
    count = len(flat(params))
    said = f"start_from={light} ({WEIGHTS}): {count} of {count} arrays reused; new: nothing"
    assert said in capsys.readouterr().err
    assert read_config(run).training.start_from == str(light)
    (start,) = json.loads((run / "versions.json").read_text())["starts"]
    assert start["start_from"]["checkpoint"] == WEIGHTS
    assert len(start["start_from"]["parameters_hash"]) == 32
    again = starting(toy, tmp_path / "next", run)
    start = open_start(again)
    assert start is not None
    assert start.checkpoint == "latest/1"
    half = jax.tree.map(lambda x: x.astype(np.float16).astype(np.float32), params)
    jax.tree.map(np.testing.assert_array_equal, start.params, half)
    assert open_start(config) is None, "it has a checkpoint of its own"


def starting_without(config):
    return dataclasses.replace(
        config, training=dataclasses.replace(config.training, start_from=None)
    )
