"""Positions only: made-up files and the door, and the published ones where they are."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.evaluate.__main__ import main
from llavataros_jax.evaluate.from_positions import PositionClips
from llavataros_jax.evaluate.unrecorded import without_recording
from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.measure import Measure, by_seconds, mean
from llavataros_jax.evaluation.protocol import Protocol
from llavataros_jax.motion.motion import motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9
from tests.evaluate.test_table import clicks

NAMES = AVATAROS_9.names
FPS, FRAMES = 20, 120
GENEA_2020 = Path(__file__).parents[2] / "../shared/data/genea2020"


def places(seed: int, frames: int = FRAMES, size: float = 0.3) -> np.ndarray:
    """Returns places in centimetres of a body whose joints turn at random frequencies."""
    random = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / FPS
    half = size * np.sin(random.uniform(1, 6, 9) * time + random.uniform(0, 6, 9)) / 2
    local = np.zeros((frames, 9, 4))
    local[..., 0], local[..., 3] = np.sin(half), np.cos(half)
    root = np.tile([0.1, 0.9, 0.3], (frames, 1))
    offsets = AVATAROS_9.offsets
    motion = motion_from_local(local, offsets, root, fps=float(FPS), skeleton=AVATAROS_9)
    return (100 * motion.positions).astype(np.float32)


class Files:
    """Three clips in two files, with sound for two of them."""

    def __init__(self, root: Path):
        self.root = root
        self.real = self.write("real", {name: places(n) for n, name in enumerate("abc")})
        self.joints = self.write(
            "joints", {name: places(n, size=0.15) for n, name in enumerate("abc")}
        )
        self.audio = root / "audio"
        self.audio.mkdir()
        for number, name in enumerate("ab"):
            soundfile.write(self.audio / f"{name}.wav", clicks(number, FRAMES / FPS), 16000)

    def write(self, file: str, clips: dict, **described) -> Path:
        path = self.root / f"{file}.npz"
        described = {"joint_names": np.array(NAMES), "fps": FPS, **described}
        np.savez(path, **{k: v for k, v in described.items() if v is not None}, **clips)
        return path


@pytest.fixture
def files(tmp_path) -> Files:
    return Files(tmp_path)


def test_clips_have_metres_names_bones_and_speech(files):
    clips = PositionClips([files.joints], files.real, files.audio)
    assert len(clips) == 3
    assert clips.names == ("a", "b", "c")
    assert clips.silent == ("c",)
    for number, clip in enumerate("abc"):
        performance = clips[number]
        assert performance.clip == clip
        real = performance.real
        assert real.fps == FPS
        parents = {
            frozenset((name, real.skeleton.names[parent]))
            for name, parent in zip(real.skeleton.names, real.skeleton.parents, strict=True)
            if parent >= 0
        }
        assert parents == {
            frozenset((name, NAMES[parent]))
            for name, parent in zip(NAMES, AVATAROS_9.parents, strict=True)
            if parent >= 0
        }
        order = [NAMES.index(name) for name in real.skeleton.names]
        np.testing.assert_allclose(real.positions, places(number)[:, order] / 100, atol=1e-6)
        (predicted,) = performance.predicted
        assert predicted.skeleton is real.skeleton
        expected = places(number, size=0.15)[:, order] / 100
        np.testing.assert_allclose(predicted.positions, expected, atol=1e-6)


def test_speech_is_mismatched_among_clips_that_have_sound(files):
    clips = PositionClips([files.joints], files.real, files.audio)
    first, second, third = (clips[number] for number in range(3))
    assert first.spoken.recording.name == "a.wav"
    assert first.other.recording.name == "b.wav"
    assert second.other.recording.name == "a.wav"
    assert first.spoken.seconds == pytest.approx(FRAMES / FPS)
    assert (third.spoken, third.other, third.foils) == (None, None, ())


@pytest.mark.parametrize(
    ("name", "factor"), [("millimetres", 10.0), ("metres", 0.01), ("inches", 1 / 2.54)]
)
def test_the_unit_is_found_by_the_body(files, name, factor):
    path = files.write(name, {"a": factor * places(0)})
    found = PositionClips([path])[0].real.positions
    expected = PositionClips([files.joints], files.real)[0].real
    np.testing.assert_allclose(
        np.linalg.norm(found[:, 1] - found[:, 0], axis=1),
        np.linalg.norm(expected.positions[:, 1] - expected.positions[:, 0], axis=1),
        rtol=1e-4,
    )


def test_what_files_do_not_say_can_be_stated(files):
    bare = files.write("bare", {"a": places(0)}, joint_names=None, fps=None)
    clips = PositionClips([bare], names=NAMES, fps=20.0, metres_per_unit=0.01)
    assert set(clips[0].real.skeleton.names) == set(NAMES)
    stated = PositionClips([files.real], fps=40.0, metres_per_unit=0.02)[0].real
    assert stated.fps == 40
    np.testing.assert_allclose(stated.positions[:, 0], places(0)[:, 0] * 0.02, rtol=1e-6)


def test_several_files_are_samples_and_clips_can_be_chosen(files):
    again = files.write("again", {"c": places(7), "a": places(8)})
    clips = PositionClips([files.joints, again], files.real, clips=["c", "a"])
    assert clips.names == ("c", "a")
    assert len(clips[0].predicted) == 2


def test_places_can_be_beside_a_joint(files):
    plain, beside = (PositionClips([files.joints], files.real, beside=j) for j in (None, "Spine2"))
    for before, after in zip(
        (plain[0].real, *plain[0].predicted), (beside[0].real, *beside[0].predicted), strict=True
    ):
        spine = before.skeleton.names.index("Spine2")
        expected = before.positions - before.positions[:, spine : spine + 1]
        np.testing.assert_allclose(after.positions, expected, atol=1e-12)
    with pytest.raises(
        UserError, match=r"--beside Tail: .*real\.npz has no such joint; it has Hips"
    ):
        PositionClips([files.joints], files.real, beside="Tail")


@pytest.mark.parametrize("degrees", [0.0, 60.0, 180.0, -100.0])
def test_bodies_can_be_turned_to_face_alike(files, degrees):
    turn = Rotation.from_euler("y", degrees, degrees=True).as_matrix()
    turned = files.write("turned", {"a": places(0) @ turn.T})
    straight = PositionClips([files.real], facing=True, clips=["a"])[0].real
    found = PositionClips([turned], facing=True)[0].real
    np.testing.assert_allclose(found.positions, straight.positions, atol=1e-6)
    names = found.skeleton.names
    left, right = (found.positions[:, names.index(f"{s}Arm")] for s in ("Left", "Right"))
    across = (left - right).mean(axis=0)
    assert across[0] > 0.1
    assert across[2] == pytest.approx(0, abs=1e-12)


def test_bodies_without_shoulders_face_nowhere(files):
    nameless = files.write(
        "nameless", {"a": places(0)}, joint_names=np.array([f"joint{n}" for n in range(9)])
    )
    with pytest.raises(UserError, match="no joints are called left and right shoulder"):
        PositionClips([nameless], facing=True, metres_per_unit=0.01)


def test_one_frame_is_a_clip(files):
    one = files.write("one", {"a": places(0, frames=1)})
    performance = PositionClips([one], one)[0]
    assert performance.real.num_frames == 1


def test_without_recorded_motion_the_first_sample_stands_for_it(files):
    performance = PositionClips([files.joints])[0]
    assert performance.real is performance.predicted[0]


def refused(files: Files, clips: dict, **described) -> str:
    path = files.write("bad", clips, **described)
    with pytest.raises(UserError) as refusal:
        list(PositionClips([path], files.real))
    assert "\n" not in str(refusal.value)
    assert str(path) in str(refusal.value)
    return str(refusal.value)


def test_what_cannot_be_read_is_named(files):
    whole = {name: places(number) for number, name in enumerate("abc")}
    with_nan = {**whole, "b": np.where(np.arange(FRAMES)[:, None, None] == 5, np.nan, places(1))}
    assert "no clip c, of 3 in" in refused(files, {"a": places(0), "b": places(1)})
    assert f"{files.real} has no clip d, of 4 in" in refused(files, {**whole, "d": places(3)})
    assert "clip b: 9 positions are NaN or infinite, first at frame 5" in refused(files, with_nan)
    assert "clip c has shape (120, 27)" in refused(
        files, {**whole, "c": places(2).reshape(FRAMES, 27)}
    )
    assert "clip a has shape (0, 9, 3)" in refused(files, {**whole, "a": places(0)[:0]})
    assert "clip b holds <U5" in refused(files, {**whole, "b": np.array(["words"])})
    others = np.array([*NAMES[:8], "Tail"])
    assert "Tail, not of" in refused(files, whole, joint_names=others)
    assert "does not name its joints" in refused(files, whole, joint_names=None)
    doubled = np.array(["Hips"] * 9)
    assert "several joints are called Hips" in refused(files, whole, joint_names=doubled)
    assert "does not say its rate" in refused(files, whole, fps=None)
    assert "fps is 0, not a rate" in refused(files, whole, fps=0)
    assert "nobody's body has this size" in refused(files, {k: v * 1e6 for k, v in whole.items()})
    assert "holds no clip" in refused(files, {})
    lying = {name: motion[..., [0, 2, 1]] for name, motion in whole.items()}
    assert "its z axis points up" in refused(files, lying)


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "no .npz"), (b"PK\x03\x04 damaged", "no .npz"), (None, "not exist")]
)
def test_damaged_files_are_named(tmp_path, content, says):
    path = tmp_path / "a.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=says):
        PositionClips([path])


def test_pickles_are_never_opened(files, tmp_path):
    path = tmp_path / "pickle.npz"
    np.savez(path, joint_names=np.array(NAMES), fps=FPS, a=np.array([{}], object))
    with pytest.raises(UserError, match="clip a cannot be read"):
        PositionClips([path])
    np.save(tmp_path / "plain.npy", places(0))
    with pytest.raises(UserError, match="single array"):
        PositionClips([tmp_path / "plain.npy"])


def test_sound_that_is_of_something_else_is_named(files, tmp_path):
    empty = tmp_path / "nothing"
    with pytest.raises(UserError, match="is no folder"):
        PositionClips([files.joints], files.real, empty)
    empty.mkdir()
    soundfile.write(empty / "z.wav", clicks(0), 16000)
    with pytest.raises(UserError, match="holds 1 files of sound, of which none is called"):
        PositionClips([files.joints], files.real, empty)
    soundfile.write(empty / "b.wav", clicks(0, 12.0), 16000)
    clips = PositionClips([files.joints], files.real, empty)
    with pytest.raises(UserError, match=r"clip b moves for 6\.00 s and .*b\.wav lasts 12\.00 s"):
        clips[1]


def test_only_what_needs_no_recording_is_measured_without_one(files):
    def measure(key, value, **kind) -> Measure:
        return Measure(key, key, "It.", "closed form", by_seconds(value), mean, **kind)

    own = measure("own", lambda take: float(take.motion.positions.std()))
    ratio = measure("ratio", lambda t: float(t.motion.positions.std() / t.real.positions.std()))
    error = measure("error", lambda take: 0.0, compares=True)
    cloud = measure("cloud", lambda take: 0.0, distribution=True)
    several = measure("several", lambda take: float(len(take.others)) + 1.0, several=True)
    protocol = Protocol(
        name="made up",
        version=1,
        says="It.",
        fps=None,
        joints="all",
        measures=(own, ratio, error, cloud, several),
        columns=COLUMNS,
        prepare=lambda performance: performance,
        lacks=("something",),
    )
    found = without_recording(protocol, PositionClips([files.joints])[0])
    assert [one.key for one in found.measures] == ["own", "several"]
    assert [column.key for column in found.columns] == [
        *("predicted", "predicted_mismatched", "predicted_shifted")
    ]
    assert (found.name, found.version) == ("made up", 1)
    assert found.lacks[0] == "something"
    assert "recorded motion was not given" in found.lacks[1]
    none = Protocol(**{**vars(protocol), "measures": (error,)})
    with pytest.raises(UserError, match="made up measures nothing without recorded motion"):
        without_recording(none, PositionClips([files.joints])[0])


def table_of(out: Path) -> dict:
    return json.loads((out / "metrics.json").read_text())


@pytest.mark.slow
def test_the_door_measures_positions(files, tmp_path, capsys):
    out = tmp_path / "out"
    given = ["--joints", str(files.joints), "--real", str(files.real), "--resamples", "20"]
    assert main(["positions", *given, "--audio", str(files.audio), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "1 of 3 clips have no sound" in said.err
    assert "| amplitude / real" in said.out
    found = table_of(out)
    ratio = found["table"]["amplitude_ratio"]["columns"]
    assert ratio["gain"]["value"] == pytest.approx(1, abs=0.01)
    assert ratio["attenuated"]["value"] == pytest.approx(0.8, abs=1e-9)
    assert ratio["predicted"]["value"] == pytest.approx(0.5, abs=0.05)
    assert set(found["by_clip"]) == {"a", "b", "c"}
    assert found["settings"]["command"].startswith("llavataros evaluate positions --joints")
    assert len(found["settings"]["sha256"][str(files.real)]) == 64


@pytest.mark.slow
def test_the_door_measures_without_recorded_motion_or_sound(files, tmp_path, capsys):
    out = tmp_path / "out"
    beside = tmp_path / "beside"
    given = ["--joints", str(files.joints), "--resamples", "20"]
    assert main(["positions", *given, "--out", str(out)]) == 0
    assert "lacks: recorded motion was not given" in capsys.readouterr().out
    assert main(["positions", *given, "--real", str(files.real), "--out", str(beside)]) == 0
    alone, together = table_of(out)["table"], table_of(beside)["table"]
    assert "amplitude_ratio" not in alone
    assert "jerk_metres_per_second3" in alone
    for key, row in alone.items():
        assert row["columns"]["predicted"] == together[key]["columns"]["predicted"]


def test_the_door_refuses_in_a_sentence(files, tmp_path, capsys):
    missing = tmp_path / "missing.npz"
    assert main(["positions", "--joints", str(missing)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {missing} does not exist")


@pytest.mark.skipif(not GENEA_2020.is_dir(), reason="GENEA 2020 is not beside the project")
def test_published_positions_are_read():
    coords = {c: GENEA_2020 / f"coords/Cond_{c}__motion_coords.npz" for c in ("N", "M", "BA")}
    for condition, path in coords.items():
        clips = PositionClips([path], coords["N"], GENEA_2020 / "wav")
        assert len(clips) == 40
        assert len(clips.silent) == 28
        performance = clips[0]
        assert performance.real.fps == 20
        assert performance.spoken.recording.name == "StudySeq1.wav"
        with np.load(path) as arrays:
            stored, names = arrays["StudySeq1"], arrays["joint_names"].tolist()
        found = performance.predicted[0]
        order = [names.index(name) for name in found.skeleton.names]
        np.testing.assert_allclose(found.positions, stored[:, order] / 100, atol=1e-6)
        assert condition == "M" or found.num_frames == performance.real.num_frames
