"""The plan over all epochs: where they meet, what is idle, and that it is the same for ever."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llavataros_jax.data.lanes import IDLE, deal, fill, idle_table, plan_epoch, shuffled_pieces
from llavataros_jax.data.plan import LanePlan

plans = given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    lanes=st.integers(1, 5),
    segment_frames=st.integers(1, 17),
    seed=st.integers(0, 2**31),
    random_phase=st.booleans(),
    piece_segments=st.integers(0, 3),
)
GOLDEN_STEPS = 40
quick = settings(deadline=None, max_examples=20)
GENERATOR = np.random.default_rng(0)
# Clips, lanes and segments of a piece; the idle share of lanes that wait at the end of an epoch.
CORPORA = {
    "as GENEA 2023": (GENERATOR.integers(1500, 2100, 371).tolist(), 32, 0, (0.03, 0.08)),
    "a clip for each lane": (GENERATOR.integers(1500, 2100, 12).tolist(), 12, 0, (0.06, 0.15)),
    "as starter": (GENERATOR.integers(1500, 2100, 210).tolist(), 64, 6, (0.02, 0.08)),
    "fewer clips than lanes": ([900, 1200], 8, 0, (0.7, 0.9)),
}


@pytest.mark.slow
@quick
@plans
def test_epochs_follow_one_another(
    lengths, lanes, segment_frames, seed, random_phase, piece_segments
):
    options = {
        "lanes": lanes,
        "segment_frames": segment_frames,
        "seed": seed,
        "random_phase": random_phase,
        "piece_segments": piece_segments,
    }
    tables = [plan_epoch(lengths, epoch=number, **options) for number in range(3)]
    whole = np.concatenate(tables)
    check(LanePlan, lengths, options, whole)
    plan = LanePlan(lengths, **options)
    assert [plan.epoch_steps(number) for number in range(3)] == [len(t) for t in tables]
    assert plan.position(len(tables[0])) == (1, 0)
    assert plan.position(len(tables[0]) - 1) == (0, len(tables[0]) - 1)


@quick
@plans
def test_a_stream_deals_all_epochs_as_one(
    lengths, lanes, segment_frames, seed, random_phase, piece_segments
):
    options = {"segment_frames": segment_frames, "seed": seed, "random_phase": random_phase}
    options["piece_segments"] = piece_segments
    dealt, counts = [], []
    # As many epochs as a lane with the longest clip can be ahead of the others, and two more.
    for epoch in range(lanes * 32 // len(lengths) + 2):
        pieces = shuffled_pieces(lengths, epoch=epoch, **options)
        assert sorted(set(pieces[:, 0].tolist())) == list(range(len(lengths)))
        dealt.append(pieces)
        counts.append(int(pieces[:, 2].sum()))
    every = np.concatenate(dealt)
    deals, free = deal(every, [0] * lanes)
    whole = idle_table(max(free), lanes)
    fill(whole, every, deals, segment_frames=segment_frames)
    whole = whole[: min(40, *free)]
    assert not (whole[:, :, 0] == IDLE).any()
    check(LanePlan, lengths, {"lanes": lanes, "dealing": "stream", **options}, whole)
    plan = LanePlan(lengths, lanes=lanes, dealing="stream", **options)
    assert [plan.epoch_steps(k) for k in range(2)] == [-(-count // lanes) for count in counts[:2]]


def check(kind, lengths, options, whole):
    """Compares all rows, read forwards and backwards by plans of their own."""
    forwards, backwards = (kind(lengths, **options) for _ in range(2))
    for step in range(len(whole)):
        np.testing.assert_array_equal(forwards.row(step), whole[step])
        back = len(whole) - 1 - step
        np.testing.assert_array_equal(backwards.row(back), whole[back])


@pytest.mark.parametrize("corpus", CORPORA)
def test_no_slot_of_a_stream_is_idle(corpus):
    lengths, lanes, piece_segments, (least, most) = CORPORA[corpus]
    idle = {}
    for dealing in ("epochs", "stream"):
        plan = LanePlan(
            lengths,
            lanes=lanes,
            segment_frames=90,
            seed=0,
            random_phase=True,
            piece_segments=piece_segments,
            dealing=dealing,
        )
        steps = sum(plan.epoch_steps(epoch) for epoch in range(4))
        rows = np.stack([plan.row(step) for step in range(steps)])
        idle[dealing] = (rows[:, :, 0] == IDLE).mean()
    assert least < idle["epochs"] < most
    assert idle["stream"] == 0


def test_a_stream_is_in_another_order_in_each_epoch():
    lengths = [95] * 12
    plan = LanePlan(
        lengths, lanes=3, segment_frames=10, seed=0, random_phase=False, dealing="stream"
    )
    begun = [
        clip for step in range(130) for clip, _, is_start in plan.row(step).tolist() if is_start
    ]
    epochs = [begun[k : k + 12] for k in (0, 12, 24)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 3


@pytest.mark.parametrize(
    ("dealing", "random_phase", "piece_segments", "fingerprint"),
    [
        ("epochs", True, 0, "8555440218805e84"),
        ("epochs", True, 2, "6ccd4a293194fe8d"),
        ("epochs", False, 0, "4f5527a1ef75939d"),
        ("epochs", False, 2, "85862319441d6d34"),
        ("stream", True, 0, "74eb236339cdb606"),
        ("stream", True, 2, "d5fc38bac5528b8b"),
        ("stream", False, 0, "0775a0647160f030"),
        ("stream", False, 2, "401dcd8e6936b86c"),
    ],
)
def test_plans_are_those_of_older_versions(dealing, random_phase, piece_segments, fingerprint):
    """Runs that were begun go on with them; `epochs` are as before there was a `stream`."""
    options = {"random_phase": random_phase, "piece_segments": piece_segments, "dealing": dealing}
    options |= {"lanes": 3, "segment_frames": 10}
    lengths = [37, 20, 6, 61, 44, 95, 13]
    plan = LanePlan(lengths, seed=3, **options)
    rows = np.stack([plan.row(step) for step in range(GOLDEN_STEPS)]).astype("<i4")
    assert hashlib.blake2b(rows.tobytes(), digest_size=8).hexdigest() == fingerprint


def test_the_fingerprint_is_of_what_is_read_and_in_which_order():
    given = {"lanes": 2, "segment_frames": 10, "seed": 1, "random_phase": True}
    plan = LanePlan([40, 70, 35], **given)
    assert plan.fingerprint() == LanePlan([40, 70, 35], **given).fingerprint()
    others = (
        LanePlan([40, 70, 35], **{**given, "seed": 2}),
        LanePlan([40, 70, 35], **given, dealing="stream"),
        LanePlan([40, 70, 35], **given, piece_segments=2),
        LanePlan([40, 70, 34], **given),
    )
    assert plan.fingerprint() not in {other.fingerprint() for other in others}


def test_a_plan_without_clips_is_refused():
    with pytest.raises(ValueError, match="at least one clip"):
        LanePlan([], lanes=2, segment_frames=5, seed=0, random_phase=False)
