"""What is read again, and the pictures and films that are made of it."""

import dataclasses

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories, of_motion
from llavataros_jax.report.films import FILM_SECONDS, film
from llavataros_jax.report.looks import MOST_CLIPS, look_at, motions_of
from llavataros_jax.report.pictures import plot_beats, plot_paths
from llavataros_jax.report.ranking import rank
from tests.rendering.people import standing
from tests.report.made_up import Clips, result

FPS = 50.0


def circling(radius: float, turns_per_second: float, frames: int = 101) -> Trajectories:
    """Moves the right hand on a circle; everything else stands."""
    still = standing(1)
    positions = np.repeat(np.asarray(still.positions), frames, axis=0)
    phase = 2 * np.pi * turns_per_second * np.arange(frames) / FPS
    positions[:, 5, 0] += radius * np.cos(phase)
    positions[:, 5, 1] += radius * np.sin(phase)
    return Trajectories(positions, FPS, still.skeleton)


class Many:
    """Clips in which the predicted hand circles half as fast as the real one."""

    def __init__(self, clips: int) -> None:
        self.clips, self.reads = clips, []

    def __len__(self) -> int:
        return self.clips

    def __getitem__(self, clip: int) -> Performance:
        self.reads.append(clip)
        return Performance(f"c{clip}", "ada", circling(0.1, 1), (circling(0.1, 0.5),))


def without_real(made):
    columns = tuple(c for c in made.protocol.columns if c.kind != "real")
    return dataclasses.replace(made, protocol=dataclasses.replace(made.protocol, columns=columns))


def quiet(_: str) -> None:
    pass


def test_speeds_and_accelerations_of_a_circle():
    made = result({"c0": 0.1, "c1": 0.2})
    looks = look_at(Many(2), made, rank(made), progress=quiet)
    for who, turns in (("predicted", 0.5), ("real", 1.0)):
        chord = 2 * 0.1 * np.sin(np.pi * turns / FPS) * FPS
        hands = looks.speeds[who][0].reshape(-1, 2)
        np.testing.assert_allclose(hands, np.broadcast_to([0.0, chord], hands.shape), atol=1e-9)
        bend = 4 * 0.1 * np.sin(np.pi * turns / FPS) ** 2 * FPS**2
        bends = looks.accelerations[who][0].reshape(-1, 2)[:, 1]
        np.testing.assert_allclose(bends, bend, rtol=1e-6)
    assert (looks.clips, looks.seconds) == (2, pytest.approx(2 * 101 / FPS))


def test_of_many_clips_some_are_read_once_and_only_the_ranked_are_kept():
    errors = {f"c{number}": float(number * 37 % 100) for number in range(100)}
    made, source = result(errors), Many(100)
    ranking = rank(made)
    looks = look_at(source, made, ranking, progress=quiet)
    assert len(source.reads) == len(set(source.reads)) <= MOST_CLIPS + 3
    assert sorted(looks.whole) == sorted(looks.measured) == sorted(c.number for c in ranking.clips)


def test_long_clips_are_read_no_more_than_they_must():
    made, source = result({f"c{n}": n / 7 for n in range(9)}, seconds=9 * 3600.0), Many(9)
    look_at(source, made, rank(made), progress=quiet)
    assert len(source.reads) <= 4


def nameless() -> Trajectories:
    motion = circling(0.1, 1)
    joints = motion.skeleton
    skeleton = Skeleton(tuple(f"p{n}" for n in range(9)), joints.parents, joints.offsets)
    return Trajectories(motion.positions, FPS, skeleton)


def test_a_skeleton_whose_names_say_nothing_has_no_pictures(tmp_path):
    with pytest.raises(UserError, match="no shoulders and hands"):
        plot_paths(tmp_path / "a.svg", {"real": nameless()}, who="real")
    with pytest.raises(UserError, match="no sound"):
        plot_beats(tmp_path / "a.svg", {"real": nameless()}, None)


@pytest.mark.slow
@pytest.mark.parametrize("clip", [0, 1])
def test_films_are_short_level_and_have_a_picture(tmp_path, clip):
    import cv2

    seconds = FILM_SECONDS + 4
    performance = Clips(tmp_path, seconds)[clip]
    made = film(motions_of(performance, recorded=True), performance.spoken)
    assert made.raised_metres == pytest.approx([0.0, 1.0][clip])
    (tmp_path / "film.mp4").write_bytes(made.content)
    frames = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    length = frames.get(cv2.CAP_PROP_FRAME_COUNT) / frames.get(cv2.CAP_PROP_FPS)
    assert length == pytest.approx(FILM_SECONDS)
    poster = cv2.imdecode(np.frombuffer(made.poster, np.uint8), cv2.IMREAD_COLOR)
    assert poster is not None
    assert poster.shape == (320, 480, 3)
    assert np.ptp(poster) > 100
    assert (b"mp4a" in made.content) == (clip == 0)


@pytest.mark.slow
def test_a_film_of_names_that_say_nothing(tmp_path):
    assert film({"predicted": nameless()}, None).content[4:8] == b"ftyp"


def test_only_recorded_motion_is_alone():
    motion = of_motion(standing(40))
    assert motions_of(Performance("c", "ada", motion, ()), recorded=True) == {"real": motion}


def test_a_stand_in_for_recorded_motion_is_not_shown():
    made = without_real(result({"c0": 0.1, "c1": 0.2}))
    looks = look_at(Many(2), made, rank(made), progress=quiet)
    assert list(looks.speeds) == ["predicted"]
    assert not looks.recorded
