"""Files of timed words, read against hand-written ones and a second reading of real ones."""

import json
import re
from pathlib import Path

import pytest

from data_prep.words.tiers import read_tiers
from data_prep.words.timed_files import read_timed_words, write_words
from data_prep.words.word import Word
from llavataros_jax.errors import UserError

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"
WORDS = [Word("I", 0.25, 0.5), Word("don't", 0.5, 1.0), Word("know", 2.0, 3.0)]

SHORT_TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
4
<exists>
2
"IntervalTier"
"words"
0
4
4
0
1
""
1
2
"hello"
2
3
"spn"
3
4
"new york"
"IntervalTier"
"phones"
0
4
1
0
4
"x"
"""


def real(*parts):
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real recordings are not at {SHARED}")
    return path


def test_real_textgrid_against_a_second_reading():
    path = real("avataros", "alignments", "001_Neutral_0_x_1_0.TextGrid")
    text = path.read_text().split('name = "phones"')[0]
    found = re.findall(r'xmin = ([\d.]+) \n\s+xmax = ([\d.]+) \n\s+text = "(.+?)"', text)
    expected = [Word(label, float(start), float(end)) for start, end, label in found]
    assert len(expected) == 215
    assert read_timed_words(path, 121.4333) == expected


def test_every_real_textgrid_is_read():
    folder = real("avataros", "alignments_more")
    paths = sorted(folder.glob("*.TextGrid"))[::12]
    assert all(len(read_timed_words(path, 600.0)) > 20 for path in paths)


def test_textgrid_silence_unknown_words_and_shared_intervals(tmp_path):
    path = tmp_path / "short.TextGrid"
    path.write_text(SHORT_TEXTGRID)
    assert read_timed_words(path, 4.0) == [
        Word("hello", 1, 2),
        Word("<unk>", 2, 3),
        Word("new", 3, 3.5),
        Word("york", 3.5, 4),
    ]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.6, 0.75, 0.9, 0.97])
def test_a_textgrid_cut_anywhere_is_refused(tmp_path, share):
    path = tmp_path / "cut.TextGrid"
    path.write_text(SHORT_TEXTGRID[: int(share * len(SHORT_TEXTGRID))])
    with pytest.raises(UserError, match=r"cut\.TextGrid"):
        read_timed_words(path, 4.0)


def test_json_round_trips(tmp_path):
    with_confidence = [Word("a", 0.1, 0.30000000000000004, 0.9), *WORDS]
    write_words(tmp_path / "words.json", with_confidence)
    assert read_timed_words(tmp_path / "words.json", 4.0) == with_confidence


@pytest.mark.parametrize(
    "tree",
    [
        [{"word": "I", "start": 0.25, "end": 0.5}, {"text": "don't", "start": 0.5, "end": 1}],
        {"words": [{"label": "I", "begin": 0.25, "end": 0.5}, [0.5, 1.0, "don't"]]},
        {"tiers": {"words": {"entries": [[0, 0.2, "<eps>"], [0.25, 0.5, "I"], [0.5, 1, "don't"]]}}},
        {
            "segments": [
                {"words": [{"word": " I", "start": 0.25, "end": 0.5}]},
                {"words": [{"word": " don't", "start": 0.5, "end": 1.0}]},
            ]
        },
    ],
    ids=["list", "words", "mfa", "whisper"],
)  # fmt: skip
def test_kinds_of_json(tmp_path, tree):
    path = tmp_path / "words.json"
    path.write_text(json.dumps(tree))
    assert read_timed_words(path, 4.0) == WORDS[:2]


def test_tsv_with_header_punctuation_and_shared_intervals(tmp_path):
    path = tmp_path / "words.tsv"
    path.write_text("start\tend\ttext\n0.25\t0.5\tI,\n0.5\t1\tdon't know!\n1\t2\t...\n")
    assert read_timed_words(path, 4.0) == [
        Word("I", 0.25, 0.5),
        Word("don't", 0.5, 0.75),
        Word("know", 0.75, 1.0),
    ]


def test_ctm_takes_the_utterance_of_its_name(tmp_path):
    path = tmp_path / "take1.ctm"
    path.write_text(
        ";; made by hand\ntake1 1 0.25 0.25 I 0.75\ntake1 1 0.5 0.5 <unk>\ntake2 1 0.1 0.1 no\n"
    )
    assert read_timed_words(path, 4.0) == [Word("I", 0.25, 0.5, 0.75), Word("<unk>", 0.5, 1.0)]


BAD = {
    "missing.tsv": (None, "do not exist"),
    "empty.TextGrid": ("", "is empty"),
    "empty.json": ("", "is empty"),
    "malformed.TextGrid": ("not a grid\n" * 5, "not a valid TextGrid"),
    "tier.TextGrid": (SHORT_TEXTGRID.replace('"words"', '"Speaker"'), "tiers are: Speaker, phones"),
    "late.TextGrid": (
        SHORT_TEXTGRID.replace("3\n4\n", "3\n9\n"),
        "after the audio of 4.000 s",
    ),
    "malformed.json": ('[{"word": "a",', "line 1"),
    "strange.json": ('{"speech": 3}', "no form of timed words that is known"),
    "untimed.json": ('[{"word": "a"}]', "none of its 1 words has a time"),
    "strange_times.json": (
        '[{"word": "a", "start": "b", "end": 1}]',
        "word 1 'a' needs a text and",
    ),
    "segments.json": ('{"segments": [{"text": "a"}]}', "none of its 1 words has a time"),
    "negative.json": ('[{"word": "a", "start": -1, "end": 1}]', "before the audio"),
    "malformed.tsv": ("0.1\t0.2\ta\nx\ty\tz\n", "line 2"),
    "backwards.tsv": ("2\t1\ta\n", "before it starts"),
    "unsorted.tsv": ("2\t3\ta\n0\t1\tb\n", "sort the words"),
    "malformed.ctm": ("a 1 0.1\n", "line 1"),
    "several.ctm": ("a 1 0 1 x\nb 1 0 1 x\n", "2 utterances"),
    "words.docx": ("?", "known are TextGrid"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_sentence(tmp_path, name):
    content, message = BAD[name]
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message) as refusal:
        read_timed_words(path, 4.0)
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_text_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "latin.tsv"
    path.write_bytes("0\t1\tcafé\n".encode("latin-1"))
    with pytest.raises(UserError, match="UTF-8"):
        read_timed_words(path, 4.0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"words": []}'),
        ("a.json", "[]"),
        ("a.json", '{"segments": []}'),
        ("a.tsv", "start\tend\ttext\n"),
        ("a.ctm", ";; nobody speaks\n"),
        (
            "a.TextGrid",
            SHORT_TEXTGRID.replace('"hello"', '""')
            .replace('"spn"', '""')
            .replace("new york", "sil"),
        ),
    ],
)
def test_who_only_listens_has_no_words(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert read_timed_words(tmp_path / name, 2.0) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1"])
def test_textgrids_in_the_encodings_that_praat_writes(tmp_path, encoding):
    path = tmp_path / "a.TextGrid"
    path.write_bytes(SHORT_TEXTGRID.replace("hello", "héllo").encode(encoding))
    assert [word.text for word in read_timed_words(path, 4.0)] == ["héllo", "<unk>", "new", "york"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.tsv", "0.5\t1\thé\n"), ("a.ctm", "a 1 0.5 0.5 hé\n"), ("a.json", '[[0.5, 1, "hé"]]')],
)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_files_in_the_encodings_that_windows_writes(tmp_path, name, content, encoding):
    (tmp_path / name).write_bytes(content.encode(encoding))
    assert read_timed_words(tmp_path / name, 4.0) == [Word("hé", 0.5, 1.0)]


@pytest.mark.parametrize(
    "name", ["words", "word", "Words", " WORDS ", "ORT-MAU", "ORT", "anna - words", "Words_2"]
)
def test_names_that_the_tier_of_words_has(tmp_path, name):
    path = tmp_path / "a.TextGrid"
    path.write_text(SHORT_TEXTGRID.replace('"words"', f'"{name}"'))
    assert len(read_timed_words(path, 4.0)) == 4


@pytest.mark.parametrize("name", ["swords", "KAN-MAU", "wording", "transcript"])
def test_names_that_it_does_not_have(tmp_path, name):
    path = tmp_path / "a.TextGrid"
    path.write_text(SHORT_TEXTGRID.replace('"words"', f'"{name}"'))
    with pytest.raises(UserError, match=f"its tiers are: {name}, phones"):
        read_timed_words(path, 4.0)


def two_speakers(second_label):
    second = f'"IntervalTier"\n"ben - words"\n0\n4\n1\n0\n4\n"{second_label}"\n'
    return SHORT_TEXTGRID.replace('"words"', '"anna - words"').replace("\n2\n", "\n3\n", 1) + second


def test_of_two_speakers_the_one_who_speaks_is_taken(tmp_path):
    path = tmp_path / "a.TextGrid"
    path.write_text(two_speakers(""))
    assert len(read_timed_words(path, 4.0)) == 4
    path.write_text(two_speakers("hi"))
    with pytest.raises(UserError, match="words in 2 tiers: anna - words, ben - words; name"):
        read_timed_words(path, 4.0)


def test_a_textgrid_whose_sizes_are_wrong_is_refused(tmp_path):
    path = tmp_path / "a.TextGrid"
    for text, cause in (
        (SHORT_TEXTGRID + '4\n5\n"more"\n', "announces fewer entries"),
        (SHORT_TEXTGRID.replace('"words"\n0\n4\n4', '"words"\n0\n4\n5'), "entry 5 of 5 is"),
        (SHORT_TEXTGRID.replace("\n2\n", "\n3\n", 1), "is cut short in tier 3 of 3"),
        (SHORT_TEXTGRID.replace("\n2\n", "\n2.5\n", 1), "its head is malformed"),
        (SHORT_TEXTGRID.replace("<exists>", ""), "its head is malformed"),
        ("ooBinaryFile\x08TextGrid", "binary file of Praat"),
        (SHORT_TEXTGRID.replace('"TextGrid"', '"Sound 2"'), "does not begin as one"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=cause):
            read_timed_words(path, 4.0)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("12_textgrid_overlap_by_epsilon/talk", 13),
        ("12_textgrid_overlap_by_epsilon/zero_length", 14),
        ("13_textgrid_other_layouts/bom", 13),
        ("13_textgrid_other_layouts/elan", 13),
        ("13_textgrid_other_layouts/indented", 13),
        ("13_textgrid_other_layouts/item1_without_item", 13),
        ("w03_speaker_tier", 3),
        ("w04_two_speakers", 3),
        ("w05_mau", 3),
        ("w07_epsilon_overlap", 2),
    ],
)
def test_textgrids_that_other_programs_wrote(name, count):
    words = read_timed_words(real("cases", f"{name}.TextGrid"), 6.0)
    assert len(words) == count
    assert words[0].text == "hello"


def test_all_tiers_are_those_that_praatio_reads():
    textgrid = pytest.importorskip("praatio.textgrid", reason="praatio is not installed")
    for path in sorted(real("avataros", "alignments_more").glob("*.TextGrid"))[::40]:
        theirs = textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
        found = read_tiers(path)
        assert [tier.name for tier in found] == list(theirs.tierNames)
        for tier in found:
            entries = theirs.getTier(tier.name).entries
            assert [tuple(part) for part in tier.intervals or ()] == [
                tuple(part) for part in entries
            ]
