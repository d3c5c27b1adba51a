"""Motion that would be read wrongly without a word: the user's report has the word."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.spatial.transform import Rotation

from data_prep.run.pipeline import prepare
from data_prep.run.report import report
from llavataros_jax.config import Config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9
from tests.data_prep.recordings import RATE, make_motion, make_samples, small_config, write_clip


def silent(_):
    """Swallows what the pipeline says."""


def with_motion(folder, name, motion, *, metres_per_unit=0.01, seed=0):
    """Writes a clip with a BVH file in place of its array."""
    write_clip(folder / "in", name, seconds=2.0, seed=seed)
    (folder / f"in/{name}.npy").unlink()
    write_bvh(folder / f"in/{name}.bvh", motion, metres_per_unit=metres_per_unit)


def set_motion(config: Config, **options) -> Config:
    return dataclasses.replace(config, motion=dataclasses.replace(config.motion, **options))


def decoded(folder, name) -> Motion:
    reader = ClipReader(folder / "out", "train")
    row = [clip.name for clip in reader.clips].index(name)
    codec = reader.manifest.pose_codec()
    entry = reader.clips[row]
    return codec.decode(np.asarray(reader[row]["pose"]), 30, entry.speaker)


def notes_of(result) -> dict[str, tuple[str, ...]]:
    """Returns what is told of each clip, but for its words."""
    return {
        clip.name: tuple(note for note in clip.notes if " words" not in note)
        for clip in result.manifest.clips
    }


@pytest.mark.parametrize("others", [0.01, 1.0])
def test_metres_among_centimetres_are_the_same_body(tmp_path, others):
    motion = make_motion(3, 2.0, fps=30)
    with_motion(tmp_path, "a", motion, metres_per_unit=others)
    with_motion(tmp_path, "b", motion, metres_per_unit=1.0)
    config = small_config(tmp_path, holdout_fraction=0.0)
    for _ in range(2):  # the note is kept with the motion
        result = prepare(config, say=silent)
        told = [any("read as metres" in note for note in n) for n in notes_of(result).values()]
        assert told == [others == 1.0, True]
        assert "note: its lengths are read as metres: in centimetres its arms" in report(result)
    for name in ("a", "b"):
        np.testing.assert_allclose(decoded(tmp_path, name).positions, motion.positions, atol=1e-5)


def test_two_rest_poses_of_a_speaker_are_told_in_one(tmp_path):
    plain = [make_motion(seed, 2.0, fps=30) for seed in range(3)]
    for name, motion in zip("abc", plain, strict=True):
        with_motion(tmp_path, name, motion)
    config = small_config(tmp_path, holdout_fraction=0.0)
    result = prepare(config, say=silent)
    assert not any("rest pose" in note for notes in notes_of(result).values() for note in notes)
    expected = decoded(tmp_path, "b").local_quaternions()
    # The same movement from arms that hang: a BVH file is written in the skeleton's rest pose.
    hang = Rotation.from_quat(AVATAROS_9.rest_rotations.copy()).as_rotvec()
    hang[3:6] *= 1.5
    hang[6:9] *= 0.5
    rest = Rotation.from_rotvec(hang).as_quat()
    skeleton = dataclasses.replace(AVATAROS_9, rest_rotations=rest)
    write_bvh(tmp_path / "in/b.bvh", Motion(plain[1].frames, 30, skeleton))
    result = prepare(config, say=silent)
    assert result.is_new
    assert [len(notes) for notes in notes_of(result).values()] == [0, 1, 0]
    assert "45° elsewhere in its rest pose than in a.bvh" in notes_of(result)["b"][0]
    again = decoded(tmp_path, "b")
    np.testing.assert_allclose(again.positions, plain[1].positions, atol=1e-5)
    same = np.abs(np.sum(again.local_quaternions() * expected, axis=-1))
    np.testing.assert_allclose(same, 1, atol=1e-6)
    assert not prepare(config, say=silent).is_new


def test_speakers_keep_rest_poses_of_their_own(tmp_path):
    with_motion(tmp_path, "a", make_motion(0, 2.0, fps=30))
    skeleton = dataclasses.replace(
        AVATAROS_9, rest_rotations=np.tile([0.0, 0, 0, 1], (AVATAROS_9.num_joints, 1))
    )
    (tmp_path / "in/ben").mkdir()
    with_motion(tmp_path, "ben/b", Motion(make_motion(1, 2.0, fps=30).frames, 30, skeleton))
    assert not any(notes_of(prepare(small_config(tmp_path), say=silent)).values())


def longer_sound(folder, seconds=3.0):
    soundfile.write(folder / "in/a.wav", make_samples(0, seconds), RATE)


def test_a_sound_that_goes_on_is_cut_where_the_user_says_so(tmp_path):
    write_clip(tmp_path / "in", "a", seconds=2.0)
    longer_sound(tmp_path)
    config = small_config(tmp_path, holdout_fraction=0.0)
    with pytest.raises(UserError, match=r"motion\.cut_to_shorter=true cut the end of the longer"):
        prepare(set_motion(config, source_fps=60), say=silent)
    result = prepare(set_motion(config, source_fps=60, cut_to_shorter=True), say=silent)
    assert notes_of(result)["a"] == ("the last 1.00 s of its audio were cut off",)
    assert result.manifest.clips[0].num_frames == 60
    with pytest.raises(UserError, match=r"lasts 2\.000 s"):
        prepare(set_motion(config, source_fps=60), say=silent)
    longer_sound(tmp_path, 4.5)
    with pytest.raises(UserError, match=r"lasts 4\.500 s"):
        prepare(set_motion(config, source_fps=60, cut_to_shorter=True), say=silent)


@pytest.mark.parametrize("seconds", [1.5, 3.0])
def test_beat2_is_cut_to_the_shorter_by_its_own_rule(tmp_path, seconds):
    name = "2_scott_0_1_1"
    write_clip(tmp_path / "in", name, seconds=seconds)
    (tmp_path / f"in/{name}.npy").unlink()
    arrays = {"poses": 0.1 * np.ones((60, 165)), "trans": np.zeros((60, 3))}
    np.savez(tmp_path / f"in/{name}.npz", mocap_frame_rate=30, **arrays)
    config = small_config(tmp_path, source="beat2", holdout_fraction=0.0)
    result = prepare(config, say=silent)
    longer = "motion" if seconds < 2 else "audio"
    cut = f"the last {abs(seconds - 2):.2f} s of its {longer} were cut off"
    assert cut in notes_of(result)[name]
    assert result.manifest.clips[0].num_frames == min(60, 30 * seconds)
    assert f"note: {cut}" in report(result)


def test_a_wrong_frame_time_is_named_and_source_fps_corrects_it(tmp_path):
    motion = dataclasses.replace(make_motion(0, 2.0, fps=120), fps=24)
    with_motion(tmp_path, "a", motion)
    config = small_config(tmp_path, holdout_fraction=0.0)
    with pytest.raises(UserError, match=r"state motion\.source_fps=120 if the file's rate is"):
        prepare(config, say=silent)
    result = prepare(set_motion(config, source_fps=120), say=silent)
    assert "motion.source_fps=120 goes before its Frame Time" in notes_of(result)["a"][0]
    assert result.manifest.clips[0].num_frames == 60


def test_a_pickle_beside_the_sound_is_never_opened(tmp_path):
    write_clip(tmp_path / "in", "a")
    write_clip(tmp_path / "in", "b")
    (tmp_path / "in/b.npy").rename(tmp_path / "in/b.pkl")
    result = prepare(small_config(tmp_path), say=silent)
    assert "b.pkl is a pickle, which can run code and is never opened" in result.skipped["b"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("06_bvh_metres_among_centimetres/recordings", "read as metres"),
        ("06_bvh_metres_among_centimetres/recordings_all_metres", "read as metres"),
        ("09_smplx_amass_z_up/recordings", "turned to have y up"),
    ],
)
def test_real_cases_are_told(tmp_path, case, said):
    folder = Path(__file__).parents[3] / "../shared/data/cases" / case
    if not folder.is_dir():
        pytest.skip(f"real recordings ../shared/data/cases/{case} are not here")
    config = small_config(tmp_path)
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, folder=str(folder)))
    result = prepare(config, say=silent)
    assert not result.failures
    assert any(said in note for notes in notes_of(result).values() for note in notes)
