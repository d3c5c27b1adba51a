import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from llavataros_jax.data.lanes import (
    IDLE,
    lane_share,
    plan_epoch,
    plan_whole_clips,
)

plans = given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    lanes=st.integers(1, 6),
    segment_frames=st.integers(1, 17),
    seed=st.integers(0, 2**31),
    epoch=st.integers(0, 1000),
    random_phase=st.booleans(),
)
quick = settings(deadline=None, max_examples=80)


def readings(table, segment_frames):
    """Returns for each clip the lane, rows and first frames of its segments."""
    found = {}
    for step, row in enumerate(table.tolist()):
        for lane, (clip, first, is_start) in enumerate(row):
            if clip == IDLE:
                assert (first, is_start) == (0, 1)
            else:
                found.setdefault(clip, []).append((lane, step, first, is_start))
    return found


@quick
@plans
def test_every_clip_is_read_once_and_continuously(
    lengths, lanes, segment_frames, seed, epoch, random_phase
):
    table = plan_epoch(
        lengths,
        lanes=lanes,
        segment_frames=segment_frames,
        seed=seed,
        epoch=epoch,
        random_phase=random_phase,
    )
    assert table.dtype == np.int32
    found = readings(table, segment_frames)
    assert sorted(found) == list(range(len(lengths)))
    for clip, segments in found.items():
        lane, step, phase, _ = segments[0]
        expected = [
            (lane, step + k, first, int(k == 0))
            for k, first in enumerate(range(phase, lengths[clip], segment_frames))
        ]
        assert segments == expected
        if not random_phase:
            assert phase == 0
        assert phase < segment_frames
        assert lengths[clip] - phase >= min(lengths[clip], segment_frames)


@quick
@plans
def test_lanes_wait_only_at_the_end_and_never_all(
    lengths, lanes, segment_frames, seed, epoch, random_phase
):
    table = plan_epoch(
        lengths,
        lanes=lanes,
        segment_frames=segment_frames,
        seed=seed,
        epoch=epoch,
        random_phase=random_phase,
    )
    idle = table[:, :, 0] == IDLE
    assert not idle.all(axis=1).any()
    assert (idle[1:] >= idle[:-1]).all()
    # List scheduling (Graham 1966): no lane ends later than the mean load and one longest clip.
    longest = max(-(-length // segment_frames) for length in lengths)
    assert len(table) <= (~idle).sum() / lanes + longest


@settings(deadline=None, max_examples=20)
@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    lanes=st.integers(1, 9),
    owner_of=st.lists(st.integers(0, 3), min_size=9, max_size=9),
    order=st.permutations(range(9)),
)
def test_lanes_are_read_by_whom_they_belong_to(lengths, lanes, owner_of, order):
    table = plan_epoch(lengths, lanes=lanes, segment_frames=7, seed=1, epoch=0)
    shares = [[k for k in order if k < lanes and owner_of[k] == owner] for owner in range(4)]
    for row in table:
        joined = np.full_like(row, -5)
        for own_lanes in shares:
            joined[own_lanes] = lane_share(row, own_lanes)
        np.testing.assert_array_equal(joined, row)
        np.testing.assert_array_equal(lane_share(row), row)


@quick
@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    lanes=st.integers(1, 6),
    segment_frames=st.integers(1, 17),
)
def test_whole_clips_cover_every_frame_once(lengths, lanes, segment_frames):
    table = plan_whole_clips(lengths, lanes=lanes, segment_frames=segment_frames)
    counts = [np.zeros(length, int) for length in lengths]
    for clip, segments in readings(table, segment_frames).items():
        for _, _, first, _ in segments:
            counts[clip][first : first + segment_frames] += 1
    assert all((count == 1).all() for count in counts)


def test_order_and_phase_change_with_the_epoch_and_the_seed():
    options = {"lanes": 3, "segment_frames": 10, "random_phase": True}
    lengths = [95] * 12
    tables = [
        plan_epoch(lengths, seed=seed, epoch=epoch, **options).tobytes()
        for seed, epoch in [(0, 0), (0, 1), (1, 0)]
    ]
    assert len(set(tables)) == 3
    phases = {
        first
        for epoch in range(40)
        for _, first, is_start in plan_epoch(lengths, seed=0, epoch=epoch, **options)
        .reshape(-1, 3)
        .tolist()
        if is_start
    }
    assert phases == set(range(10))


@quick
@plans
def test_pieces_are_dealt_whole_and_cover_every_frame_once(
    lengths, lanes, segment_frames, seed, epoch, random_phase
):
    table = plan_epoch(
        lengths,
        lanes=lanes,
        segment_frames=segment_frames,
        seed=seed,
        epoch=epoch,
        random_phase=random_phase,
        piece_segments=2,
    )
    for clip, segments in readings(table, segment_frames).items():
        firsts = sorted(first for _, _, first, _ in segments)
        assert np.diff(firsts).tolist() == [segment_frames] * (len(firsts) - 1)
        assert firsts[0] < segment_frames
        assert firsts[-1] < lengths[clip] <= firsts[-1] + segment_frames
        by_first = {first: (lane, step, start) for lane, step, first, start in segments}
        for number, first in enumerate(firsts):
            lane, step, is_start = by_first[first]
            assert is_start == (number % 2 == 0)
            if not is_start:
                assert by_first[firsts[number - 1]][:2] == (lane, step - 1)
