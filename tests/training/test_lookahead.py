"""Training and validation hear as far ahead as the network says."""

import numpy as np
import pytest

from llavataros_jax.config import LossConfig
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.network import build_model
from llavataros_jax.training import loop
from llavataros_jax.training.parallel import build_launcher
from llavataros_jax.training.validation import Validation
from tests.training.records import toy_config, write_records

AHEAD = 7


def test_training_and_validation_batches_hear_ahead(tmp_path, monkeypatch):
    records = tmp_path / "records"
    records.mkdir()
    manifest = write_records(records)
    config = toy_config(records, tmp_path / "run", model={"lookahead_frames": AHEAD})
    sources = []

    class Stopped(Exception):
        pass

    def noted(*arguments, **options) -> LaneSource:
        sources.append(LaneSource(*arguments, **options))
        raise Stopped

    monkeypatch.setattr(loop, "LaneSource", noted)
    with pytest.raises(Stopped):
        loop.fit(config, manifest)
    (source,) = sources
    clips = ClipReader(records, "train")
    for lane, (clip, first, _) in enumerate(source.plan.row(0).tolist()):
        if clip >= 0:
            expected = clips[clip]["audio"][first + AHEAD : first + AHEAD + 20]
            np.testing.assert_array_equal(source[0].main.audio[lane, : len(expected)], expected)

    reader = ClipReader(records, "validation")
    launcher = build_launcher(config.parallel, 8)
    model, codec = build_model(config, manifest), manifest.pose_codec()
    validation = Validation(reader, model, codec, LossConfig(), launcher, max_lanes=8)
    batch = next(validation._batches())
    lengths = np.argsort([-clip.num_frames for clip in reader.clips])
    longest = reader[int(lengths[0])]["audio"]
    np.testing.assert_array_equal(batch.main.audio[0], longest[AHEAD : AHEAD + 20])
