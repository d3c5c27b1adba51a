"""What a network begins with that starts from another: the same function, where it can be."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.errors import UserError
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.network import build_model
from llavataros_jax.training.conversion import output_for, words_for
from llavataros_jax.training.transfer import Network, require_same_trunk, transferred
from tests.training.networks import MODEL, SOUND, WORDS, flat, random_params, toy_network
from tests.training.records import AUDIO, WORD, toy_config


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return toy_network(tmp_path_factory.mktemp("toy"))


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


def test_what_the_source_was_trained_with_otherwise_is_said(toy):
    _, config, manifest, params = toy
    model = dataclasses.replace(config.model, lookahead_frames=12)
    transfer = transferred(
        params,
        Network(config.model, manifest),
        params,
        Network(model, dataclasses.replace(manifest, fps=60)),
    )
    assert transfer.sentences("a")[1:] == [
        "it was trained with model.lookahead_frames=12, not 0, motion.fps=60, not 30"
    ]


def test_a_trunk_of_another_size_is_refused(toy):
    _, config, *_ = toy
    other = dataclasses.replace(config.model, d_model=32, norm="post")
    with pytest.raises(
        UserError, match=r"start_from=starter has model\.d_model=16, not 32; model\.norm=pre, not"
    ):
        require_same_trunk(other, config.model, start_from="starter")


def test_a_sampled_head_keeps_its_middle_and_gets_new_ends(toy):
    _, config, manifest, params = toy
    arrays = {f"flow.{name}": np.full(3, 2.0, np.float32) for name in ("enter.bias", "hear.bias")}
    drawn = {**params, "flow": {"enter": {"bias": np.ones(3)}, "hear": {"bias": np.ones(3)}}}
    source = {**params, "flow": {"enter": {"bias": arrays["flow.enter.bias"]},
                                 "hear": {"bias": arrays["flow.hear.bias"]}}}  # fmt: skip
    one, other = (
        Network(config.model, dataclasses.replace(manifest, pose_basis={"scale": [scale]}))
        for scale in (1.0, 2.0)
    )
    moved = transferred(drawn, other, source, one)
    assert (moved.params["flow"]["enter"]["bias"] == 1).all()
    assert (moved.params["flow"]["hear"]["bias"] == 2).all()
    assert moved.new == ("ends of the flow head (other components of poses)",)
    same = transferred(drawn, one, source, one)
    assert (same.params["flow"]["enter"]["bias"] == 2).all()
