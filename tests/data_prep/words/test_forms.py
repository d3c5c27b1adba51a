"""One small file in each form, after what the tools document, read back to the same words."""

import json

import pytest

from data_prep.words.forms.document import open_document
from data_prep.words.forms.table import FORMS, known_form
from data_prep.words.timed_files import read_timed_text, read_timed_words
from data_prep.words.word import Word
from llavataros_jax.errors import UserError
from tests.data_prep.words.samples_json import AWS, GOOGLE, JSON, WORDS, milliseconds, rows
from tests.data_prep.words.samples_text import TEXT

SECONDS = 2.0


def assert_is_same(words, tolerance=1e-6):
    assert [word.text for word in words] == [text for text, _, _ in WORDS]
    for word, (_, start, end) in zip(words, WORDS, strict=True):
        assert abs(word.start_seconds - start) < tolerance, word
        assert abs(word.end_seconds - end) < tolerance, word


@pytest.mark.parametrize("name", JSON)
def test_json(tmp_path, name):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(JSON[name]))
    assert_is_same(read_timed_words(path, SECONDS))


@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text(tmp_path, name, encoding):
    path = tmp_path / name
    path.write_bytes(
        TEXT[name].replace("\n", "\r\n" if encoding == "utf-16" else "\n").encode(encoding)
    )
    assert_is_same(read_timed_words(path, SECONDS))


def test_every_form_of_the_table_is_tried(tmp_path):
    found = set()
    files = {f"{name}.json": json.dumps(tree) for name, tree in JSON.items()} | TEXT
    files |= {
        "a.TextGrid": 'File type = "ooTextFile"',
        "youtube.json": '{"events": [{"tStartMs": 1}]}',
    }
    files |= {"polly.json": '{"time": 1, "type": "word", "value": "a"}'}
    for name, text in files.items():
        path = tmp_path / name
        path.write_text(text)
        found.add(known_form(open_document(path)).name)
    assert found == {form.name for form in FORMS}


def read(tmp_path, content, *, name="a.json", seconds=SECONDS, **options):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    notes = []
    return read_timed_text(path, seconds, note=notes.append, **options), notes


def test_words_without_times_share_the_gap_between_their_neighbours(tmp_path):
    words = rows("word", "start", "end")
    segments = {"segments": [{"words": [words[0], {"word": "2"}, {"word": "2266"}, words[2]]}]}
    found, notes = read(tmp_path, segments)
    assert [word.text for word in found.words] == ["hello", "2", "2266", "world"]
    first, second = found.words[1:3]
    assert first.start_seconds == 0.5
    assert first.end_seconds == second.start_seconds
    assert second.end_seconds == 1.0
    assert first.end_seconds - 0.5 < 1.0 - second.start_seconds  # the longer one has more
    assert notes == [
        "2 of 4 words of a.json have no time, so they share the gaps between their neighbours by "
        "their length"
    ]


@pytest.mark.parametrize("place", range(4))
def test_a_word_without_time_lies_in_order_wherever_it_is(tmp_path, place):
    words = rows("word", "start", "end")
    words.insert(place, {"word": "42", "case": "not-found-in-audio"})
    words = [{"case": "success", **word} for word in words]
    found, _ = read(tmp_path, {"words": words})
    starts = [word.start_seconds for word in found.words]
    assert starts == sorted(starts)
    assert found.words[place].text == "42"
    assert found.words[place].end_seconds - found.words[place].start_seconds > 0.05
    kept = [word for word in found.words if word.text != "42"]
    assert_is_same(kept)


def test_a_word_without_time_between_words_that_touch_shares_with_the_one_before(tmp_path):
    words = [{"word": "a", "start": 0.0, "end": 1.0}, {"word": "b"},
             {"word": "c", "start": 1.0, "end": 2.0}]  # fmt: skip
    found, _ = read(tmp_path, words)
    assert [(w.start_seconds, w.end_seconds) for w in found.words] == [(0, 0.5), (0.5, 1), (1, 2)]


def test_a_file_in_which_no_word_has_a_time_is_refused(tmp_path):
    with pytest.raises(UserError, match="none of its 2 words has a time"):
        read(tmp_path, {"words": [{"case": "not-found-in-audio", "word": w} for w in "ab"]})


def test_the_last_end_may_lack(tmp_path):
    chunks = [
        {"text": " hi", "timestamp": [0.1, 0.5]},
        {"text": " there", "timestamp": [0.6, None]},
    ]
    found, notes = read(tmp_path, {"chunks": chunks})
    assert found.words[0] == Word("hi", 0.1, 0.5)
    assert 0.9 < found.words[1].end_seconds <= 2.0
    assert "1 of 2 words of a.json have no end" in notes[0]


def test_speech_marks_last_to_the_next_or_as_long_as_their_word(tmp_path):
    marks = [
        {"time": 0, "type": "sentence", "start": 0, "end": 15, "value": "hello big world"},
        {"time": 100, "type": "word", "start": 0, "end": 5, "value": "hello"},
        {"time": 100, "type": "viseme", "value": "k"},
        {"time": 400, "type": "word", "start": 6, "end": 9, "value": "big"},
        {"time": 1000, "type": "word", "start": 10, "end": 15, "value": "world"},
    ]
    found, _ = read(tmp_path, "\n".join(map(json.dumps, marks)), name="speech.marks")
    assert [word.start_seconds for word in found.words] == [0.1, 0.4, 1.0]
    assert found.words[0].end_seconds == 0.4
    assert 0.6 < found.words[1].end_seconds <= 1.0
    assert 1.2 < found.words[2].end_seconds <= 2.0


def test_times_that_run_backwards_are_put_in_order_for_whisper_alone(tmp_path):
    words = rows("word", "start", "end")
    swapped = [words[0], words[2], words[1]]
    found, notes = read(tmp_path, {"segments": [{"words": swapped}]})
    assert_is_same(found.words)
    assert "1 of 3 words begin before the word above them" in notes[0]
    with pytest.raises(UserError, match="sort the words by time"):
        read(tmp_path, swapped)


def test_a_word_of_whisper_that_ends_before_it_starts_loses_its_end(tmp_path):
    words = rows("word", "start", "end")
    words[1]["end"] = 0.2
    found, notes = read(tmp_path, {"segments": [{"words": words}]})
    assert 0.6 < found.words[1].end_seconds <= 1.0
    assert any("1 words end before they start" in note for note in notes)


def test_marks_go_to_the_word_before_them(tmp_path):
    mark = {"type": "punctuation", "alternatives": [{"content": "."}]}
    found, _ = read(tmp_path, {"results": {"items": [*AWS, mark]}})
    assert found.words[-1].text == "world."
    assert found.words[-1].confidence == 0.9


def test_google_repeats_the_words_of_all_speakers_in_its_last_result(tmp_path):
    tagged = [{**word, "speakerTag": 1} for word in GOOGLE]
    results = [{"alternatives": [{"words": GOOGLE}]}, {"alternatives": [{"words": tagged}]}]
    found, _ = read(tmp_path, {"results": results})
    assert_is_same(found.words)


def test_youtube_words_have_offsets_and_lines_that_roll_up_come_once(tmp_path):
    events = [
        {"tStartMs": 0, "dDurationMs": 2000},
        {"tStartMs": 100, "dDurationMs": 1300, "segs": [
            {"utf8": "hello"}, {"utf8": " big", "tOffsetMs": 500},
            {"utf8": " world", "tOffsetMs": 900}]},
        {"tStartMs": 1400, "dDurationMs": 100, "aAppend": 1, "segs": [{"utf8": "\n"}]},
    ]  # fmt: skip
    found, _ = read(tmp_path, {"wireMagic": "pb3", "events": events})
    assert [(w.text, w.start_seconds) for w in found.words] == [
        ("hello", 0.1), ("big", 0.6), ("world", 1.0)
    ]  # fmt: skip
    rolling = (
        "WEBVTT\nKind: captions\n\n"
        "00:00:00.100 --> 00:00:00.900 align:start\n \nhello<00:00:00.600><c> big</c>\n\n"
        "00:00:00.900 --> 00:00:00.910\nhello big\n \n\n"
        "00:00:00.910 --> 00:00:01.400\nhello big\nworld\n\n"
    )
    found, _ = read(tmp_path, rolling, name="a.en.vtt")
    assert [word.text for word in found.words] == ["hello", "big", "world"]


def test_a_unit_that_is_not_documented_is_said(tmp_path):
    _, notes = read(tmp_path, rows("word", "start", "end", scale=1e7, kind=milliseconds))
    assert notes == ["times of a.json are ticks of 100 ns, by the length of the recording"]
    # One second each in an hour: whole seconds, not milliseconds.
    text = "start\tend\ttext\n0\t1\thello\n1\t2\tbig\n"
    found, notes = read(tmp_path, text, name="a.tsv", seconds=3600)
    assert found.words == (Word("hello", 0, 1), Word("big", 1, 2))
    assert "are seconds" in notes[0]


TIERS = {
    "tiers": {
        "anna - words": {"entries": [[0.1, 0.5, "hello"]]},
        "ben - words": {"entries": [[0.6, 0.9, "big"]]},
        "cleo - words": {"entries": []},
        "notes": {"entries": [[0.0, 2.0, "she waves"]]},
    }
}


def test_a_tier_is_that_of_the_speaker_or_the_named_one(tmp_path):
    assert [w.text for w in read(tmp_path, TIERS, speaker="ben")[0].words] == ["big"]
    assert [w.text for w in read(tmp_path, TIERS, speaker="Anna")[0].words] == ["hello"]
    assert read(tmp_path, TIERS, speaker="cleo")[0].words == ()
    assert [w.text for w in read(tmp_path, TIERS, tier="ben - words")[0].words] == ["big"]
    assert [w.text for w in read(tmp_path, TIERS, tier="ben", speaker="anna")[0].words] == ["big"]
    assert [w.text for w in read(tmp_path, TIERS, tier="notes")[0].words] == ["she", "waves"]
    with pytest.raises(UserError, match=r'words in 2 tiers: .*such as "words\.tier=anna - words"'):
        read(tmp_path, TIERS, speaker="dora")
    with pytest.raises(UserError, match=r"no tier words\.tier=dora; its tiers are: anna - words"):
        read(tmp_path, TIERS, tier="dora")


def test_a_tier_without_effect_is_said(tmp_path):
    _, notes = read(tmp_path, rows("word", "start", "end"), tier="anna")
    assert notes == ["words.tier=anna has no effect on a.json, which has no tiers"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "10 20 thirty people came to the party\n"),
        ("a.txt", "hello big world\n"),
        ("a.txt", "[laughs] hello, big world: 10, 20\n"),
        ("a.md", "# words\n"),
        ("a.json", '{"speech": 3}'),
        ("a.csv", "Timecode,BlendShapeCount,EyeBlinkLeft\n1,61,0.5\n"),
        ("a.xyz", "one two three\n"),
    ],
)
def test_an_unknown_form_is_refused_with_those_that_are_known(tmp_path, name, content):
    with pytest.raises(UserError) as refusal:
        read(tmp_path, content, name=name)
    sentence = str(refusal.value)
    assert name in sentence
    if not content.startswith("["):
        assert "known are TextGrid, SRT, VTT and SBV" in sentence
    assert "\n" not in sentence
