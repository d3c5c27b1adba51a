"""Sizes that no network can have are refused in a sentence, before anything is built."""

import pytest

from llavataros_jax.config import ModelConfig
from llavataros_jax.errors import UserError
from llavataros_jax.model import build
from tests.model.conftest import SIZES, small_config

CUDNN = {"attention_kernel": "cudnn", "compute_dtype": "bfloat16", "d_head": 32}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"span_frames": -1}, "model.span_frames is -1, but must be 0 or more"),
        ({"self_blocks": -1}, "model.self_blocks is -1, but must be 0 or more"),
        ({"cross_blocks": -2}, "model.cross_blocks is -2, but must be -1 or more"),
        ({"self_blocks": 0, "cross_blocks": 0}, "are both 0"),
        ({"d_speaker": 0}, "model.d_speaker is 0, but must be positive"),
        ({"memory_frames": 0}, "model.memory_frames is 0, but must be positive"),
        ({"segment_frames": -3}, "model.segment_frames is -3, but must be positive"),
        ({"dropout": 1.0}, "model.dropout is 1.0, but must be in"),
        ({"attention_kernel": "pallas", "d_head": 24}, "d_head of 16, 32, 64 or 128, not 24"),
        ({"attention_kernel": "cudnn"}, "needs model.compute_dtype=bfloat16, not float32"),
        ({**CUDNN, "segment_frames": 91, "memory_frames": 181}, "segment_frames is 91"),
        ({**CUDNN, "memory_frames": 181}, "with model.memory_frames, 271"),
        ({**CUDNN, "d_head": 12}, "16 and so on up to 128, not 12"),
        ({**CUDNN, "d_head": 136}, "16 and so on up to 128, not 136"),
    ],
)
def test_what_cannot_be_is_refused(options, expected):
    with pytest.raises(UserError) as refusal:
        ModelConfig(**options)
    assert expected in str(refusal.value)


def test_what_cudnn_takes_is_taken():
    assert ModelConfig(**CUDNN).segment_frames == 90
    assert ModelConfig(**{**CUDNN, "d_head": 128, "segment_frames": 2}).d_head == 128


def test_blocks_that_the_data_must_choose_are_chosen_before_building():
    config = small_config(cross_blocks=-1)
    with pytest.raises(ValueError, match="cross_blocks=-1"):
        build(config, SIZES)
