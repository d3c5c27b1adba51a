"""Features that are brought, and runs whose features are computed here, look-ahead or not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import soundfile

from llavataros.given_features import read_features, require_features
from llavataros_jax.config import Config, ModelConfig
from llavataros_jax.data.manifest import load_manifest
from llavataros_jax.errors import UserError
from llavataros_jax.trained import TrainedRun
from llavataros_jax.training.run import read_config

pytestmark = pytest.mark.usefixtures("unchecked")

STARTER = Path(__file__).parents[2] / "starter"
SIZES = {"audio": 6, "words": 7}


def run_of(lookahead_frames: int, made_from: dict[str, Any]) -> TrainedRun:
    """Returns a run without a network, of features that `made_from` describes."""
    manifest = SimpleNamespace(
        fps=30,
        feature_config={"audio": {"kind": "mel", "mels": 40, **made_from}},
        feature_size=SIZES.__getitem__,
    )
    config = Config(model=ModelConfig(lookahead_frames=lookahead_frames))
    return TrainedRun(config, cast(Any, manifest), cast(Any, None), "best/1")


@pytest.mark.parametrize(
    ("ahead", "made_from"),
    [
        (0, {}),
        (12, {}),
        (12, {"lookahead_frames": 12}),  # an older run, whose features were shifted
        (0, {"lookahead_frames": 0}),
        (12, {"lookahead_frames": 0}),  # a run of today on records that an older version made
    ],
)
def test_a_run_that_looks_ahead_is_animated_whoever_prepared_its_records(ahead, made_from):
    require_features(run_of(ahead, made_from), checkpoint="run")


def test_a_run_of_other_features_is_refused():
    for made_from in ({"mels": 20}, {"lookahead_frames": 5}):
        with pytest.raises(UserError, match="which cannot be computed here"):
            require_features(run_of(12, made_from), checkpoint="run")


def test_the_model_that_comes_along_looks_ahead_as_it_was_trained():
    config, manifest = read_config(STARTER), load_manifest(STARTER)
    assert config.model.lookahead_frames == 12
    run = TrainedRun(config, manifest, cast(Any, None), "best/1")
    require_features(run, checkpoint="starter")


def test_features_that_are_brought_are_of_their_own_frames(tmp_path):
    rng = np.random.default_rng(0)
    audio, text = rng.normal(size=(9, 6)), rng.normal(size=(9, 7))
    np.savez(tmp_path / "f.npz", audio=audio, text=text)
    soundfile.write(tmp_path / "a.wav", np.zeros(4800), 16000)
    (speech,) = read_features(tmp_path / "f.npz", run_of(12, {}), audio=tmp_path / "a.wav")
    np.testing.assert_array_equal(speech.audio, audio.astype(np.float16))
    np.testing.assert_array_equal(speech.word_vectors[speech.word_index], text.astype(np.float16))
