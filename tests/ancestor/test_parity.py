"""The published ancestor, executed elsewhere in float64, as an oracle for the whole network."""

import numpy as np
import pytest

from llavataros_jax.ancestor.parity import TOLERANCE, TOLERANCE_X64, compare
from llavataros_jax.errors import UserError
from tests.ancestor.oracle import needs_oracle, read_oracle

pytestmark = needs_oracle


@pytest.mark.parametrize(("x64", "tolerance"), [(False, TOLERANCE), (True, TOLERANCE_X64)])
@pytest.mark.slow
def test_pose_and_memory_over_four_segments(x64, tolerance):
    differences = compare(read_oracle(), x64=x64)
    assert len(differences.pose) == 4
    assert sorted(differences.memory) == [f"memory/{slot}" for slot in range(5)]
    assert max(differences.pose) <= tolerance, "pose, segment by segment"
    assert max(differences.memory.values()) <= tolerance, differences.memory
    assert differences.largest <= tolerance


@pytest.mark.slow
def test_lanes_in_another_order():
    oracle = read_oracle()
    for name, value in oracle.items():
        if not name.startswith(("state_dict/", "config/")) and value.ndim:
            oracle[name] = value[[2, 0, 1]]
    assert compare(oracle, x64=True).largest <= TOLERANCE_X64
    oracle["pose"] = oracle["pose"][[1, 0, 2]]
    assert compare(oracle).largest > 1e-2


@pytest.mark.slow
def test_fewer_lanes_an_unfinished_last_segment_and_no_memory_to_compare():
    oracle = {k: v for k, v in read_oracle().items() if not k.startswith("memory/")}
    for name, value in oracle.items():
        if not name.startswith(("state_dict/", "config/")) and value.ndim:
            oracle[name] = value[:2, :37] if value.ndim > 1 else value[:2]
    differences = compare(oracle)
    assert len(differences.pose) == 4
    assert not differences.memory
    assert differences.largest <= TOLERANCE


@pytest.mark.slow
def test_a_wrong_sign_in_one_weight_is_seen():
    oracle = read_oracle()
    name = "state_dict/decoder_layers.1.dec_attn.r_net.weight"
    oracle[name] = -oracle[name]
    assert compare(oracle).largest > 1e-2


@pytest.mark.slow
def test_nan_does_not_pass():
    oracle = read_oracle()
    oracle["pose"][0, 0, 0] = np.nan
    assert compare(oracle).largest == np.inf


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("pose", None, "lacks pose"),
        ("config/n_head", np.int64(5), "config/n_head=5, but its weights are made for 4"),
        ("text", np.zeros((3, 40, 9)), r"text has shape \(3, 40, 9\), but \(3, 40, 10\)"),
        ("audio", np.zeros(3), r"audio has shape \(3,\)"),
        ("text", np.full((3, 40, 10), "a"), "text holds <U1 and no numbers"),
        ("segment_frames", np.array(0), "segment_frames is 0"),
        ("segment_frames", np.array([1, 2]), "segment_frames is not one whole number"),
        ("config/n_head", np.array("four"), "config/n_head is not one whole number"),
        ("config/mem_len", np.array(2.5), "config/mem_len is not one whole number"),
        ("speaker", np.array([0, 1, 99]), "speaker is 99, but the weights know 0 to 4"),
        ("memory/x", np.zeros((3, 20, 32)), "memory/x is no number of a stream"),
        ("memory/9", np.zeros((3, 20, 32)), "memory/9, but these weights have 5"),
        ("memory/1", np.zeros((3, 20, 31)), r"memory/1 has shape \(3, 20, 31\)"),
        ("memory/1", np.zeros((3, 900, 32)), r"memory/1 has shape \(3, 900, 32\)"),
    ],
)
def test_parts_that_do_not_fit_are_named(name, value, expected):
    oracle = read_oracle()
    if value is None:
        del oracle[name]
    else:
        oracle[name] = value
    with pytest.raises(UserError, match=expected):
        compare(oracle)
