"""Where training stopped being finite is said with its step, clips and frames."""

import math

import numpy as np
import pytest

from llavataros_jax.data.manifest import ClipEntry
from llavataros_jax.training.divergence import divergence, segments_read


def clip(name: str, num_frames: int) -> ClipEntry:
    return ClipEntry(
        name=name, take=name, split="train", shard="", offset=0, recording="", start_frame=0,
        num_frames=num_frames, num_words=0, speaker=0, interlocutor_speaker=-1,
        seconds=num_frames / 30, content_hash="",
    )  # fmt: skip


CLIPS = [clip("ada_1", 200), clip("ben_2", 100)]


def said(values, *, lanes=2, **options):
    row = np.array([[1, 60, 0], [-1, 0, 1], [0, 120, 1], *[[0, 0, 1]] * (lanes - 2)], np.int32)
    asked = []

    def segments(step):
        asked.append(step)
        return segments_read(row, CLIPS, segment_frames=60, fps=30)

    options = {"steps_before": 40, "last_good": 25, "learning_rate": 1e-3} | options
    return divergence(values, segments=segments, **options), asked


def metrics(loss=1.0, gradient_norm=2.0, parameter_norm=3.0, **more):
    return {
        "loss": loss,
        "gradient_norm": gradient_norm,
        "parameter_norm": parameter_norm,
        "frames": 90.0,
        **more,
    }


def test_nothing_is_said_of_finite_numbers():
    assert said([metrics(), metrics()]) == (None, [])
    assert said([{"loss": 1.0, "gradient_norm": np.float32(2.0)}]) == (None, [])


def test_the_first_step_is_named_with_what_its_lanes_read():
    lost = metrics(loss=math.nan, **{"loss/velocity": math.inf, "loss/rotation": 1.0})
    text, asked = said([metrics(), lost, metrics(gradient_norm=math.inf)])
    assert text is not None
    # Two of three steps after 40: it is number 42, and reads the row with the index 41.
    assert asked == [41]
    assert "at step 42 (loss nan, loss/velocity inf), whose batch is " in text
    # The second clip ends after 100 frames, within its segment.
    assert "ben_2 (frames 60-99, 2.0-3.3 s), ada_1 (frames 120-179, 4.0-6.0 s); " in text
    assert "checkpoint 25 is good" in text
    assert "optimizer.learning_rate (now 0.001)" in text


@pytest.mark.parametrize("name", ["gradient_norm", "parameter_norm"])
def test_a_norm_counts_as_the_loss_does(name):
    text, _ = said([metrics(**{name: math.inf})], last_good=None)
    assert text is not None
    assert f"at step 41 ({name} inf)" in text
    assert "there is no checkpoint yet" in text


def test_five_clips_are_shown_and_the_rest_is_counted():
    text, _ = said([metrics(loss=math.nan)], lanes=32)
    assert text is not None
    assert text.count("frames ") == 5
    assert " and 27 more; " in text
