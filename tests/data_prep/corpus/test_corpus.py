"""The bundled corpus does what its README says; statistics over the committed files."""

import csv
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.spatial.transform import Rotation
from scipy.stats import spearmanr

from data_prep.corpus import __main__ as door
from data_prep.corpus import speech
from data_prep.corpus.bundled import gestures, sentences
from data_prep.corpus.bundled.performance import perform_take
from data_prep.corpus.track import Track
from llavataros_jax.errors import UserError
from llavataros_jax.motion.skeleton import AVATAROS_9

CORPUS = Path(__file__).parents[3] / "corpus"
HIPS, SPINE2, SPINE3, RIGHT_ARM, _, RIGHT_HAND, LEFT_ARM, _, LEFT_HAND = range(9)


@dataclass(frozen=True)
class Clip:
    name: str
    speaker: str
    take: str
    interlocutor: str
    samples: np.ndarray
    words: list[dict]
    motion: np.ndarray

    def chest(self, joint: int) -> np.ndarray:
        """Position of a joint in Spine3's frame: left, up, forward."""
        turn = Rotation.from_quat(self.motion[:, SPINE3, 3:]).inv()
        return turn.apply(self.motion[:, joint, :3] - self.motion[:, SPINE3, :3])

    def hand_speed(self) -> np.ndarray:
        """Speed of the faster hand in the chest's frame, metres per second."""
        hands = np.stack([self.chest(RIGHT_HAND), self.chest(LEFT_HAND)])
        speeds = np.linalg.norm(np.gradient(hands, axis=1), axis=-1) * 30
        return speeds.max(axis=0)

    def strokes(self, kind: str) -> list[tuple[dict, int]]:
        """Words with a gesture of this kind, and the frame of its apex, if it was not cut short."""
        found = []
        strokes = [word for word in self.words if "gesture" in word]
        for index, word in enumerate(strokes):
            cut = index + 1 < len(strokes) and strokes[index + 1]["start"] < word["apex"]
            if word["gesture"] == kind and not cut:
                found.append((word, round(word["apex"] * 30)))
        return found

    def loudness(self, word: dict) -> float:
        begin, end = round(word["start"] * 16000), round(word["end"] * 16000)
        return 10 * np.log10(np.mean(self.samples[begin:end] ** 2))


@cache
def clips() -> dict[str, Clip]:
    with open(CORPUS / "clips.tsv", encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    read = {}
    for row in rows:
        samples, rate = soundfile.read(CORPUS / f"{row['name']}.flac")
        assert rate == 16000
        assert samples.ndim == 1
        with np.load(CORPUS / f"{row['name']}.npz") as arrays:
            motion, fps = arrays["motion"], arrays["fps"]
        assert motion.dtype == np.float32
        assert fps == 30
        words = json.loads((CORPUS / f"{row['name']}.json").read_text(encoding="utf-8"))["words"]
        read[row["name"]] = Clip(**row, samples=samples, words=words, motion=motion.astype(float))
    return read


def of(speaker: str) -> list[Clip]:
    return [clip for clip in clips().values() if clip.speaker == speaker]


def test_is_small_and_complete():
    files = [path for path in CORPUS.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 3.2e6
    stems = {path.stem for path in files if path.suffix in (".flac", ".npz", ".json")}
    assert stems == set(clips())
    assert {clip.take for clip in clips().values()} == set(sentences.TAKES)
    assert 240 < sum(len(clip.samples) for clip in clips().values()) / 16000 < 330


@pytest.mark.parametrize("name", list(clips()))
def test_sound_words_and_motion_are_equally_long(name):
    clip = clips()[name]
    assert clip.motion.shape == (len(clip.samples) * 30 // 16000, 9, 7)
    assert len(clip.samples) * 30 % 16000 == 0
    times = [t for word in clip.words for t in (word["start"], word["end"])]
    assert times == sorted(times)
    assert times[-1] < len(clip.samples) / 16000
    spoken = [w for x in sentences.TAKES[clip.take] if x.speaker == clip.speaker for w in x.words]
    assert [word["word"] for word in clip.words] == spoken


def test_sound_is_where_the_words_are():
    for clip in clips().values():
        inside = np.zeros(len(clip.samples), dtype=bool)
        for word in clip.words:
            inside[round(word["start"] * 16000) : round(word["end"] * 16000)] = True
        power = clip.samples**2
        assert power[inside].sum() > 0.995 * power.sum()
        assert np.abs(clip.samples).max() < 0.99
        assert min(clip.loudness(word) for word in clip.words) > -55


def test_conversations_name_each_other_and_take_turns():
    partners = {clip.name: clip.interlocutor for clip in clips().values() if clip.interlocutor}
    assert len(partners) == 6
    for name, other in partners.items():
        mine, theirs = clips()[name], clips()[other]
        assert theirs.interlocutor == name
        assert mine.take == theirs.take
        assert len(mine.samples) == len(theirs.samples)
        assert not np.any((mine.samples != 0) & (theirs.samples != 0))


def test_bones_are_rigid_and_the_figure_stands_upright():
    for clip in clips().values():
        positions, quaternions = clip.motion[..., :3], clip.motion[..., 3:]
        assert np.abs(np.linalg.norm(quaternions, axis=-1) - 1).max() < 2e-5
        assert np.sum(quaternions[1:] * quaternions[:-1], axis=-1).min() > 0.9
        for joint in (2, 4, 5, 7, 8):
            parent = AVATAROS_9.parents[joint]
            bone = positions[:, joint] - positions[:, parent]
            local = Rotation.from_quat(quaternions[:, parent]).inv().apply(bone)
            assert np.abs(local - AVATAROS_9.offsets[joint]).max() < 1e-5
        assert np.all(np.diff(positions[:, [HIPS, SPINE2, SPINE3], 1], axis=1) > 0.1)
        assert np.all(positions[:, RIGHT_ARM, 0] < positions[:, LEFT_ARM, 0] - 0.15)
        forward = Rotation.from_quat(quaternions[:, SPINE3]).apply([0, 0, 1])
        assert np.all(forward[:, 2] > 0.7)


def test_joint_frames_agree_with_the_recordings():
    path = Path(__file__).parents[3] / "../shared/data/avataros/001_Neutral_0_x_1_0.npy"
    if not path.exists():
        pytest.skip("the AvatarOS recordings are not here")
    real = np.load(path, allow_pickle=False)

    def mean_axes(motion: np.ndarray) -> np.ndarray:
        turns = Rotation.from_quat(motion[..., 3:].reshape(-1, 4)).as_matrix()
        return turns.reshape(-1, 9, 3, 3).mean(axis=0)

    ours = np.mean([mean_axes(clip.motion) for clip in clips().values()], axis=0)
    cosines = np.sum(ours * mean_axes(real), axis=1)
    cosines /= np.linalg.norm(ours, axis=1) * np.linalg.norm(mean_axes(real), axis=1)
    assert cosines[:3].min() > 0.95
    # Gesturing forearms point elsewhere from talk to talk, but never the other way round.
    assert cosines.min() > 0.3


def stress_locked_speed(clip: Clip, words: list[dict]) -> np.ndarray:
    """Mean hand speed from 0.5 s before to 0.7 s after the stressed vowels of words."""
    speed = clip.hand_speed()
    frames = [round(word["stress"] * 30) for word in words if "gesture" in word]
    windows = [speed[f - 15 : f + 22] for f in frames if f >= 15 and f + 22 <= len(speed)]
    return np.mean(windows, axis=0)


@pytest.mark.parametrize("speaker", ["ada", "ben"])
def test_strokes_land_on_stressed_words(speaker):
    solo = [clip for clip in of(speaker) if not clip.interlocutor]
    own = np.mean([stress_locked_speed(clip, clip.words) for clip in solo], axis=0)
    peak_seconds = (np.argmax(own) - 15) / 30
    assert 0.0 <= peak_seconds <= 0.25
    # The same sentence times laid over another take's motion show no such peak.
    others = np.roll(np.array(solo, dtype=object), 1)
    mixed = [stress_locked_speed(a, b.words) for a, b in zip(solo, others, strict=True)]
    assert own.max() > 1.6 * np.mean(mixed, axis=0).max()


@pytest.mark.parametrize("speaker", ["ada", "ben"])
def test_hands_move_after_the_word_begins_and_not_before(speaker):
    """A first word comes out of silence and rest: nothing may announce it."""
    for clip in (c for c in of(speaker) if not c.interlocutor):
        first = next(word for word in clip.words if "gesture" in word)
        speed = clip.hand_speed()
        begin = int(first["start"] * 30)
        assert speed[: begin - 1].max() < 0.05
        assert speed[begin : round(first["apex"] * 30)].max() > 0.3


@pytest.mark.parametrize("speaker", ["ada", "ben"])
def test_louder_words_have_larger_beats(speaker):
    loudness, sizes = [], []
    for clip in of(speaker):
        rest = np.median(clip.chest(RIGHT_HAND)[: int(clip.words[0]["start"] * 30)], axis=0)
        for word, apex in clip.strokes("beat"):
            loudness.append(clip.loudness(word))
            sizes.append(np.linalg.norm(clip.chest(RIGHT_HAND)[apex] - rest))
    assert len(sizes) > 20
    assert np.asarray(spearmanr(loudness, sizes))[0] > 0.6


def apexes(speaker: str, kind: str, joint: int) -> np.ndarray:
    """Places of a joint in the chest's frame at the apexes of a kind of gesture."""
    places = [clip.chest(joint)[apex] for clip in of(speaker) for _, apex in clip.strokes(kind)]
    return np.array(places)


@pytest.mark.parametrize("speaker", ["ada", "ben"])
def test_special_words_do_what_they_say(speaker):
    right = {kind: apexes(speaker, kind, RIGHT_HAND) for kind in (*sentences.SPECIAL_WORDS, "beat")}
    left = {kind: apexes(speaker, kind, LEFT_HAND) for kind in right}
    assert all(len(places) >= 8 for places in right.values())
    wide = {kind: left[kind][:, 0] - right[kind][:, 0] for kind in right}
    forward = {kind: right[kind][:, 2] for kind in right}
    high = {kind: right[kind][:, 1] for kind in right}
    near = {kind: np.linalg.norm(right[kind], axis=1) for kind in right}
    for kind in right:
        for share in (
            np.mean(wide[kind] > 0.7) if kind == "big" else np.mean(wide[kind] < 0.7),
            np.mean(forward[kind] > 0.4) if kind == "you" else np.mean(forward[kind] < 0.4),
            np.mean(wide[kind] < -0.02) if kind == "no" else np.mean(wide[kind] > -0.02),
            np.mean(near[kind] < 0.22) if kind == "me" else np.mean(near[kind] > 0.22),
            np.mean(high[kind] > 0.1) if kind == "up" else np.mean(high[kind] < 0.1),
        ):
            assert share >= 0.85, kind


def test_speakers_have_habits():
    means = {}
    for speaker in ("ada", "ben"):
        solo = [clip for clip in of(speaker) if not clip.interlocutor]
        right = np.concatenate([clip.chest(RIGHT_HAND) for clip in solo])
        left = np.concatenate([clip.chest(LEFT_HAND) for clip in solo])
        turns = Rotation.from_quat(np.concatenate([clip.motion[:, SPINE3, 3:] for clip in solo]))
        angles = turns.as_euler("YZX", degrees=True)
        means[speaker] = {
            "high": np.median(right[:, 1]),
            "left share": left.std(axis=0).sum() / right.std(axis=0).sum(),
            "yaw": np.median(angles[:, 0]),
            "lean": -np.median(angles[:, 1]),
        }
    ada, ben = means["ada"], means["ben"]
    assert ada["high"] > ben["high"] + 0.05
    assert ada["left share"] > 0.8 > 0.75 > ben["left share"]
    assert ada["yaw"] > ben["yaw"] + 10
    assert ada["lean"] > ben["lean"] + 3


def test_held_out_takes_have_every_special_word():
    for speaker in ("ada", "ben"):
        held_out = [c for c in of(speaker) if c.take in sentences.HELD_OUT_TAKES]
        assert len(held_out) == 1
        for special in sentences.SPECIAL_WORDS:
            counts = {
                clip.take: sum(word["word"] == special for word in clip.words)
                for clip in of(speaker)
            }
            held = counts.pop(held_out[0].take)
            assert held >= 2
            assert sum(counts.values()) >= 8


def test_listener_nods_after_the_partner_speaks():
    """While the partner says special words the torso moves more than while nobody does."""
    ratios = []
    for clip in (c for c in clips().values() if c.interlocutor):
        height = np.gradient(clip.motion[:, SPINE3, 2]) * 30
        nodding = np.zeros(len(height), dtype=bool)
        for word in clips()[clip.interlocutor].words:
            if word["word"] in sentences.SPECIAL_WORDS:
                begin = int(word["start"] * 30)
                nodding[begin : begin + 21] = True
        quiet = ~nodding
        for word in clip.words:
            quiet[int(word["start"] * 30) - 5 : int(word["end"] * 30) + 60] = False
        ratios.append(np.mean(np.abs(height[nodding])) / np.mean(np.abs(height[quiet])))
    assert np.median(ratios) > 1.3


def test_what_comes_later_changes_nothing_before_it():
    words = [
        gestures.SpokenWord(text, k * 0.5, k * 0.5 + 0.4, k * 0.5 + 0.1, 0.0, False)
        for k, text in enumerate(("garden", "big", "the", "you", "river", "no", "song"), start=1)
    ]
    whole, _ = gestures.perform("clip", "ada", words, 200, partner_words=())
    for known in range(len(words)):
        part, _ = gestures.perform("clip", "ada", words[:known], 200)
        heard = int(words[known].start_seconds * 30) + 1
        np.testing.assert_allclose(whole.frames[:heard], part.frames[:heard], atol=1e-9)


def test_movement_from_rest_is_the_minimum_jerk_movement():
    track = Track(np.zeros(1))
    track.move(1.0, 2.0, np.array([3.0]))
    phase = np.linspace(0, 1, 11)
    expected = 3 * (10 * phase**3 - 15 * phase**4 + 6 * phase**5)
    np.testing.assert_allclose(track.sample(1 + 2 * phase)[:, 0], expected, atol=1e-12)
    track.move(2.0, 0.5, np.array([1.0]))
    around = track.sample(2.0 + np.array([-2e-4, -1e-4, 0.0, 1e-4, 2e-4]))[:, 0]
    speeds = np.diff(around) / 1e-4
    assert np.ptp(speeds) < 1e-2
    assert track.sample(np.array([2.5, 9.0]))[:, 0] == pytest.approx([1.0, 1.0])


def test_regenerates_the_committed_conversation(tmp_path):
    pytest.importorskip("espeakng_loader")
    for performance in perform_take("talk_3"):
        committed = clips()[performance.name]
        door.write_clip(tmp_path, performance)
        with np.load(tmp_path / f"{performance.name}.npz") as arrays:
            np.testing.assert_allclose(arrays["motion"], committed.motion, atol=1e-3)
        samples, _ = soundfile.read(tmp_path / f"{performance.name}.flac")
        assert len(samples) == len(committed.samples)
        error = np.mean((samples - committed.samples) ** 2) / np.mean(committed.samples**2)
        assert error < 0.05
        for now, then in zip(performance.words, committed.words, strict=True):
            assert now.start_seconds == pytest.approx(then["start"], abs=1e-3)


def test_lines_that_espeak_merges_are_refused():
    pytest.importorskip("espeakng_loader")
    with pytest.raises(UserError, match="merges pairs"):
        speech.speak(["A bird of the garden."], speech.Voice("en-us", 140, 50, 50))


def test_unknown_take_is_refused(tmp_path, capsys):
    assert door.main(["--out", str(tmp_path), "--takes", "ada_9"]) == 2
    assert "ada_9" in capsys.readouterr().err
