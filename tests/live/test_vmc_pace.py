"""A steady rate by absolute deadlines, and poses between frames, under a clock of the test's."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from llavataros.live.pace import Pace, Playhead, Timeline, ease
from llavataros.live.vmc_body import BodyPose


class Clock:
    """Time that goes on when somebody sleeps or works."""

    def __init__(self, oversleeps: float = 0.0) -> None:
        self.now, self._oversleeps = 1e6, oversleeps  # a machine that runs since eleven days

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self._oversleeps


@pytest.mark.parametrize("rate", [30.0, 60.0])
def test_the_rate_does_not_drift_though_work_and_sleep_take_longer_than_asked(rate):
    clock = Clock(oversleeps=0.002)
    pace = Pace(rate, clock=clock, sleep=clock.sleep)
    begins = []
    for _ in range(int(10 * rate)):
        pace.wait()
        begins.append(clock.now - 1e6)
        clock.now += 0.007  # the work
    deadlines = np.arange(len(begins)) / rate
    assert pace.skipped == 0
    assert np.all(begins >= deadlines - 1e-6)
    assert np.all(begins <= deadlines + 0.002 + 1e-6)
    assert len(begins) / begins[-1] == pytest.approx(rate, rel=0.02)


def test_deadlines_that_were_missed_are_skipped_and_the_next_are_where_they_would_be():
    clock = Clock()
    pace = Pace(30.0, clock=clock, sleep=clock.sleep)
    assert [round(pace.wait() * 30) for _ in range(3)] == [0, 1, 2]
    clock.now += 0.25  # 7.5 intervals
    assert round(pace.wait() * 30) == 9
    assert pace.skipped == 6
    assert round(pace.wait() * 30) == 10
    assert clock.now - 1e6 == pytest.approx(10 / 30, abs=1e-6)
    assert max(pace.lateness_seconds) == pytest.approx(2 / 30 + 0.25 - 9 / 30, abs=1e-6)
    assert "6 skipped" in pace.measured()


def test_what_was_waited_for_before_the_beginning_does_not_count():
    clock = Clock()
    pace = Pace(30.0, clock=clock, sleep=clock.sleep)
    pace.wait()
    clock.now += 9.99
    pace.begin()
    pace.wait()
    assert pace.skipped == 0
    assert pace.lateness_seconds == pytest.approx([0.0], abs=1e-6)
    assert clock.now - 1e6 == pytest.approx(10.0, abs=1e-6)


def some_frames(count: int) -> list[BodyPose]:
    random = np.random.default_rng(3)
    q = Rotation.random(3 * count, rng=random).as_quat().reshape(count, 3, 4)
    return [BodyPose(q[n], random.normal(size=3)) for n in range(count)]


def test_between_frames_poses_lie_on_the_shorter_arc():
    frames = some_frames(4)
    frames[2] = frames[2]._replace(rotations=-frames[2].rotations)  # the same turn
    timeline = Timeline(30.0)
    for index, frame in enumerate(frames):
        timeline.add(index, frame)
    for tick in range(7):
        pose = timeline.at(tick / 60)
        assert pose is not None
        share, below = tick / 2 % 1, tick // 2
        after = min(below + 1, 3)
        for bone in range(3):
            ends = [frames[below].rotations[bone], frames[after].rotations[bone]]
            wanted = Slerp([0, 1], Rotation.from_quat(ends))(share).as_quat()
            assert abs(wanted @ pose.rotations[bone]) == pytest.approx(1, abs=1e-9)
        hips = (1 - share) * frames[below].hips + share * frames[after].hips
        np.testing.assert_allclose(pose.hips, hips, atol=1e-12)


def test_at_the_streams_own_rate_frames_are_shown_as_they_are():
    frames = some_frames(200)
    timeline = Timeline(30.0)
    for index, frame in enumerate(frames):
        timeline.add(index, frame)
    for index, frame in enumerate(frames):
        assert timeline.at(index / 30) is frame


def test_a_late_stream_is_shown_late_and_not_queued():
    frames = some_frames(20)
    timeline = Timeline(30.0)
    assert timeline.at(0.0) is None
    shown = []
    for tick in range(12):
        if tick >= 5:  # frames come five intervals late from now on
            timeline.add(tick - 5, frames[tick - 5])
        shown.append(timeline.at(tick / 30))
    assert [pose is frames[n] for n, pose in enumerate(shown[5:])] == [True] * 7
    assert timeline.held == 0
    timeline.at(12 / 30)
    assert timeline.held == 1, "nothing new came"
    for index in range(7, 20):  # it has caught up
        timeline.add(index, frames[index])
    assert timeline.at(12 / 30) is frames[12]
    assert len(timeline) < 12, "what was shown is forgotten"


def test_frames_that_are_made_anew_replace_what_was_to_come():
    frames = some_frames(8)
    timeline = Timeline(30.0)
    for index in range(6):
        timeline.add(index, frames[index])
    timeline.cut(3)
    assert timeline.at(4 / 30) is frames[2]
    timeline.add(3, frames[6])
    timeline.add(4, frames[7])
    assert timeline.at(4 / 30) is frames[7]


def test_easing_begins_and_ends_at_rest():
    steps = np.linspace(0, 1, 1001)
    values = np.array([ease(share) for share in (*steps, -1.0, 2.0)])
    np.testing.assert_allclose(values[-2:], [0, 1])
    slope = np.gradient(values[:-2], steps)
    np.testing.assert_allclose(slope[[0, -1]], 0, atol=1e-4)
    assert values[500] == pytest.approx(0.5)
    assert (np.diff(values[:-2]) > 0).all()


def test_the_playhead_keeps_to_the_wanted_time_and_catches_up_without_a_jump():
    head, places = Playhead(0.0), []
    for tick in range(1, 121):
        wanted = tick / 60 + (0.5 if tick > 60 else 0.0)  # the sound begins, half a second ahead
        places.append(head.advance(1 / 60, wanted, newest=10.0))
    np.testing.assert_allclose(places[:60], np.arange(1, 61) / 60, atol=1e-9)
    assert places[-1] == pytest.approx(2.5, abs=0.01)
    assert np.diff(places).max() <= 2.5 / 60 + 1e-9
    assert np.abs(np.array(places[90:]) - np.arange(91, 121) / 60 - 0.5).max() < 0.2


def test_the_playhead_waits_where_it_is_ahead_and_never_goes_back():
    head, places = Playhead(1.0), []
    for tick in range(1, 61):
        places.append(head.advance(1 / 60, 0.7 + tick / 60, newest=10.0))
    assert places[0] >= 1.0
    assert np.diff(places).min() >= 0
    assert places[-1] == pytest.approx(1.7, abs=0.02)


def test_where_frames_end_for_a_moment_the_playhead_slows_down():
    head = Playhead(0.0, cushion_seconds=0.2)
    places = [head.advance(1 / 60, tick / 60, newest=0.5) for tick in range(1, 61)]
    steps = np.diff(places)
    assert places[-1] < 0.5
    assert np.all(np.diff(steps[-40:]) < 0), "it slows down more and more"
    assert np.abs(np.diff(steps)).max() < 0.2 / 60
    at_end = [head.advance(1 / 60, 1 + tick / 60, newest=0.5, is_over=True) for tick in range(9)]
    assert at_end[-1] == 0.5


def test_after_a_long_sleep_the_playhead_is_where_it_should_be():
    assert Playhead(1.0).advance(1 / 60, 3600.0, newest=3599.9) == 3599.9
