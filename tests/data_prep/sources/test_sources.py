import csv

import numpy as np
import pytest

from data_prep.run.pipeline import prepare
from data_prep.sources.choice import find_recordings, source_of
from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import write_bvh
from tests.data_prep.recordings import make_motion, small_config, write_clip
from tests.data_prep.run.test_pipeline import records_of, silent
from tests.data_prep.sources.test_folder import touch


def found_in(folder, **options):
    data = DataConfig(folder=str(folder), records=str(folder / "out"), **options)
    found = find_recordings(data)
    return {clip.name: clip for clip in found.clips}, found


PAIRS = {"audio_glob": "sound/{speaker}/{name}.wav", "motion_glob": "moves/{name}-{speaker}.bvh"}


def test_fields_pair_files_in_any_layout(tmp_path):
    touch(tmp_path, "sound/anna/1.wav", "sound/ben/1.wav", "sound/ben/2.wav", "sound/ben/9.wav")
    touch(tmp_path, "moves/1-anna.bvh", "moves/1-ben.bvh", "moves/2-ben.bvh", "moves/7-ben.bvh")
    touch(tmp_path, "text/anna_1.tsv", "sound/ben/2.txt")
    clips, found = found_in(tmp_path, **PAIRS)
    assert {name: (clip.speaker, clip.motion.name) for name, clip in clips.items()} == {
        "1/anna": ("anna", "1-anna.bvh"),
        "1/ben": ("ben", "1-ben.bvh"),
        "2": ("ben", "2-ben.bvh"),
    }
    assert clips["2"].transcript == tmp_path / "sound/ben/2.txt"
    assert "has no motion" in found.skipped["9"]
    assert "data.audio_glob=sound/{speaker}/{name}.wav" in found.skipped["7-ben"]
    clips, _ = found_in(tmp_path, words_glob="text/{speaker}_{name}.*", **PAIRS)
    assert clips["1/anna"].words == tmp_path / "text/anna_1.tsv"
    assert clips["2"].transcript is None


def test_wildcards_pair_files_by_what_they_stand_for(tmp_path):
    touch(tmp_path, "wav/a/x1.wav", "wav/b/x1.wav", "bvh/deep/a/m1.bvh", "bvh/deep/b/m1.bvh")
    clips, _ = found_in(tmp_path, audio_glob="wav/*/x?.wav", motion_glob="bvh/deep/*/m?.bvh")
    assert {name: clip.motion.parent.name for name, clip in clips.items()} == {
        "a/1": "a",
        "b/1": "b",
    }
    clips, _ = found_in(tmp_path, audio_glob="wav/**/x1.wav", motion_glob="bvh/deep/**/m1.bvh")
    assert list(clips) == ["a", "b"]
    other = tmp_path / "bvh/deep"
    clips, _ = found_in(tmp_path, audio_glob="wav/*/x1.wav", motion_glob=f"{other}/*/m1.bvh")
    assert clips["a"].motion == other / "a/m1.bvh"


def test_tables_and_mirrors_work_with_patterns(tmp_path):
    touch(tmp_path, "w/p.wav", "w/q.wav", "w/p_mirror.wav", "m/p.bvh", "m/p_mirror.bvh")
    (tmp_path / "clips.tsv").write_text("name\tspeaker\tinterlocutor\np\tanna\tq\nz\t\t\n")
    clips, found = found_in(tmp_path, audio_glob="w/{name}.wav", motion_glob="m/{name}.bvh")
    assert (clips["p"].speaker, clips["p"].interlocutor) == ("anna", "q")
    assert clips["p_mirror"].take == clips["p"].take
    assert clips["q"].motion is None
    assert "line 3 names 'z'" in found.problems["z"]


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"motion_glob": "m/{name}.npy"}, r"matches no file below .*m; correct"),
        ({"motion_glob": "m/{nme}.bvh"}, r"the field \{nme\}; known ones are \{name\}"),
        ({"motion_glob": "m/*.bvh"}, "have other variable parts"),
        ({"motion_glob": "m/p.bvh"}, "has no variable part"),
        ({"words_glob": "m/{name}.bvh"}, "which is no file of words; known kinds"),
        ({"motion_glob": None}, r"needs data\.audio_glob and data\.motion_glob"),
        ({"source": "genea"}, r"need data\.source=pairs"),
    ],
)
def test_bad_patterns_are_refused(tmp_path, options, cause):
    touch(tmp_path, "w/p.wav", "m/p.bvh")
    options = {"audio_glob": "w/{name}.wav", "motion_glob": "m/{name}.bvh"} | options
    with pytest.raises(UserError, match=cause):
        found_in(tmp_path, **options)


def test_a_pattern_that_matches_twice_fails_that_clip(tmp_path):
    touch(tmp_path, "w/p.wav", "w/q.wav", "m/1/p.bvh", "m/2/p.bvh", "m/1/q.bvh")
    clips, found = found_in(tmp_path, audio_glob="w/{name}.wav", motion_glob="m/*/{name}.bvh")
    assert list(clips) == ["q"]
    assert "1/p.bvh and" in found.problems["p"]


def write_genea(place, prefix, *, speakers=("1", "2"), seconds=2.0, seed=1, swapped=None):
    """Writes one conversation, or `swapped` with its roles exchanged."""
    place.mkdir(parents=True, exist_ok=True)
    table = place / "metadata.csv"
    if not table.is_file():
        columns = ("id", "has_fingers")
        people = ("main-agent", "interloctr")
        header = ["prefix", *(f"{person}_{column}" for person in people for column in columns)]
        table.write_text(",".join(header) + "\n")
    with table.open("a", newline="") as file:
        csv.writer(file).writerow(
            [prefix, speakers[0], "fingers_incl", speakers[1], "fingers_excl"]
        )
    for offset, person in enumerate(("main-agent", "interloctr")):
        name, number = f"{prefix}_{person}", seed + (offset if not swapped else 1 - offset)
        write_clip(place / person / "wav", name, seconds=seconds, seed=number)
        for kind, suffix in (("bvh", "npy"), ("tsv", "json")):
            (place / person / kind).mkdir(exist_ok=True)
            (place / person / "wav" / f"{name}.{suffix}").unlink()
        motion = make_motion(number, seconds, fps=30)
        write_bvh(place / person / "bvh" / f"{name}.bvh", motion)
        text = "0.2\t0.6\tHello, there\n1.0\t1.3\tyou\n"
        (place / person / "tsv" / f"{name}.tsv").write_text(text)


def test_genea_conversations_become_records(tmp_path):
    for place, prefix, speakers, seed in (
        ("trn", "trn_2023_v0_000", ("1", "2"), 1),
        ("trn", "trn_2023_v0_001", ("3", "1"), 5),
        ("val", "val_2023_v0_000", ("2", "3"), 9),
    ):
        write_genea(tmp_path / "in" / place, prefix, speakers=speakers, seed=seed)
    (tmp_path / "in/tst/main-agent/wav").mkdir(parents=True)
    write_clip(tmp_path / "in/tst/main-agent/wav", "tst_2023_v0_000_main-agent")
    (tmp_path / "in/tst/main-agent/wav/tst_2023_v0_000_main-agent.npy").unlink()
    (tmp_path / "in/tst/metadata.csv").write_text("prefix,main-agent_id,interloctr_id\n")
    said = []
    result = prepare(small_config(tmp_path), say=said.append)
    assert said[0].endswith("as data.source=genea")
    assert not result.failures
    assert list(result.skipped) == ["tst_2023_v0_000_main-agent"]
    records = records_of(tmp_path)
    assert {name: entry.split for name, (entry, _) in records.items()} == {
        "trn_2023_v0_000_main-agent": "train",
        "trn_2023_v0_001_main-agent": "train",
        "val_2023_v0_000_main-agent": "validation",
    }
    assert result.manifest.speakers == ("1", "2", "3")
    entry, arrays = records["trn_2023_v0_001_main-agent"]
    assert (entry.speaker, entry.interlocutor_speaker) == (2, 0)
    assert arrays["word_text"] == ["Hello", "there", "you"]
    assert arrays["interlocutor_audio"].shape == arrays["audio"].shape == (60, 30)
    assert (arrays["interlocutor_word_index"] >= 0).any()
    assert not np.array_equal(arrays["interlocutor_audio"], arrays["audio"])


def test_a_genea_conversation_told_from_both_sides_is_one_take(tmp_path):
    write_genea(tmp_path, "trn_2023_v0_000", seed=1)
    write_genea(tmp_path, "trn_2023_v0_001", seed=1, speakers=("2", "1"), swapped=True)
    write_genea(tmp_path, "trn_2023_v0_002", seed=7)
    clips, _ = found_in(tmp_path)
    assert [clips[f"trn_2023_v0_00{k}_main-agent"].take[-3:] for k in range(3)] == [
        "000",
        "000",
        "002",
    ]


def test_a_genea_recording_that_cannot_be_read_fails_alone(tmp_path):
    for number in (1, 2, 3):
        write_genea(tmp_path / "in/trn", f"trn_2023_v0_00{number}", seed=number)
    sound = tmp_path / "in/trn/main-agent/wav/trn_2023_v0_001_main-agent.wav"
    sound.unlink()
    sound.symlink_to(tmp_path / "gone.wav")  # as on a disk that is not there today
    config = small_config(tmp_path, source="genea")
    result = prepare(config, say=str)
    assert set(result.failures) == {"trn_2023_v0_001_main-agent"}
    assert len(result.clips) == 2


def test_what_lacks_in_genea_is_said(tmp_path):
    for number in range(4):
        write_genea(tmp_path, f"t{number}")
    (tmp_path / "main-agent/bvh/t0_main-agent.bvh").unlink()
    (tmp_path / "interloctr/wav/t1_interloctr.wav").unlink()
    text = (tmp_path / "metadata.csv").read_text()
    (tmp_path / "metadata.csv").write_text(text.replace("t2,", "t8,"))
    clips, found = found_in(tmp_path)
    assert list(clips) == ["t3_interloctr", "t3_main-agent"]
    assert "no motion" in found.skipped["t0_main-agent"]
    assert "interlocutor of t1" in found.problems["t1_main-agent"]
    assert "no line for t2" in found.problems["t2_main-agent"]
    for broken, cause in (
        ("", r"\(none\)"),
        ("prefix,id\n", "begins with the columns prefix, id"),
        (text + "x,1\n", "line 6 has 2 cells"),
        (text + "x,,b,1,b\n", "line 6 lacks"),
    ):
        (tmp_path / "metadata.csv").write_text(broken)
        with pytest.raises(UserError, match=cause):
            found_in(tmp_path)
    (tmp_path / "metadata.csv").unlink()
    with pytest.raises(UserError, match=r"metadata\.csv is missing"):
        found_in(tmp_path)
    with pytest.raises(UserError, match="has no folder main-agent"):
        found_in(tmp_path / "main-agent", source="genea")


def test_the_window_rule_drops_and_trims(tmp_path):
    write_clip(tmp_path / "in", "a", seconds=13.5, seed=1)
    write_clip(tmp_path / "in", "b", seconds=9.0, seed=2)
    write_clip(tmp_path / "in", "short", seconds=8.9, seed=3)
    prepare(small_config(tmp_path), say=silent)
    whole = records_of(tmp_path)["a"][1]
    result = prepare(small_config(tmp_path, drop_and_trim=True), say=silent)
    assert not result.made
    assert "lasts 8.900 s, less than the 9 s" in result.failures["short"]
    entry, arrays = records_of(tmp_path)["a"]
    assert (entry.start_frame, entry.num_frames) == (180, 180)  # 405 frames: [180 : 360)
    np.testing.assert_array_equal(arrays["pose"], whole["pose"][180:360])
    np.testing.assert_array_equal(arrays["audio"], whole["audio"][180:360])
    with pytest.raises(UserError, match=r"data\.drop_and_trim leaves out the first 6 s"):
        prepare(
            small_config(tmp_path, drop_and_trim=True, holdout="tail", holdout_fraction=0.8),
            say=silent,
        )


def test_the_source_is_found_by_itself(tmp_path):
    (tmp_path / "genea/main-agent").mkdir(parents=True)
    (tmp_path / "beat/smplxflame_30").mkdir(parents=True)
    kinds = [source_of(DataConfig(folder=str(tmp_path / name))) for name in ("genea", "beat", "x")]
    assert kinds == ["genea", "beat2", "folder"]
    data = DataConfig(folder=str(tmp_path / "genea"), audio_glob="*.wav", motion_glob="*.bvh")
    assert source_of(data) == "pairs"
    with pytest.raises(UserError, match="no SMPL-X motion"):
        found_in(tmp_path / "beat")
