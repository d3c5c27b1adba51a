"""One bad clip among good ones is left out, and they are prepared."""

import json

import pytest
import soundfile

from data_prep.run.pipeline import prepare
from tests.data_prep.recordings import damage_middle, make_samples, small_config, write_clip


def silent(_):
    """Swallows what the pipeline says."""


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_a_sound_file_damaged_in_the_middle(tmp_path, suffix):
    for name in ("a", "b"):
        write_clip(tmp_path / "in", name, seconds=4.0)
    (tmp_path / "in/b.wav").unlink()
    path = tmp_path / f"in/b.{suffix}"
    soundfile.write(path, make_samples(0, 4.0), 16000)
    damage_middle(path)
    result = prepare(small_config(tmp_path), say=silent)
    assert "a" in {clip.clip.name for clip in result.clips}
    if suffix == "flac":  # decoders of the others go on after a gap
        assert "b.flac is cut off or damaged" in result.failures["b"]


def test_a_listener_without_words_is_a_clip_with_a_note(tmp_path):
    for name in ("a", "b"):
        write_clip(tmp_path / "in", name)
    # As `transcribe_folder` writes it for a recording in which nobody speaks.
    tree = {"text": "", "language": None, "notes": ["no words, because it is silent"], "words": []}
    (tmp_path / "in/b.json").write_text(json.dumps(tree))
    result = prepare(small_config(tmp_path), say=silent)
    assert not result.failures
    (listener,) = (clip for clip in result.manifest.clips if clip.name == "b")
    assert listener.num_words == 0
    assert "no words, because b.json holds none" in listener.notes
    assert not prepare(small_config(tmp_path), say=silent).is_new


def test_a_chain_of_missing_interlocutors(tmp_path):
    for name in ("a", "p", "q"):
        write_clip(tmp_path / "in", name)
    (tmp_path / "in/clips.tsv").write_text("name\tinterlocutor\np\tq\nq\tr\nr\ts\n")
    result = prepare(small_config(tmp_path), say=silent)
    assert "a" in {clip.clip.name for clip in result.clips}
    assert {"q", "r"} <= set(result.failures)
    assert "'r'" in result.failures["q"]
