"""One small file in each form, after what the tools document, read back to the same words."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from data_prep.words.forms.document import open_document
from data_prep.words.forms.table import FORMS, known_form
from data_prep.words.timed_files import read_timed_text, read_timed_words
from data_prep.words.word import Word
from llavataros_jax.errors import UserError

SECONDS = 2.0
WORDS = [("hello", 0.1, 0.5), ("big", 0.6, 0.9), ("world", 1.0, 1.4)]


def rows(
    *names: str,
    scale: float = 1,
    kind: Callable[[float], Any] = float,
    text: Callable[[str], str] = str,
) -> list[dict[str, Any]]:
    """Returns the words as objects with these keys."""
    return [
        dict(zip(names, (text(word), kind(start * scale), kind(end * scale)), strict=True))
        for word, start, end in WORDS
    ]


def milliseconds(value):
    return round(value)


WHISPER_WORDS = rows("word", "start", "end", text=lambda word: f" {word}")
AWS = [
    {
        "type": "pronunciation",
        "start_time": str(start),
        "end_time": str(end),
        "alternatives": [{"confidence": "0.9", "content": word}],
    }
    for word, start, end in WORDS
]
GOOGLE = [
    {"word": word, "startTime": f"{start:.3f}s", "endTime": f"{end:.3f}s"}
    for word, start, end in WORDS
]
GOOGLE_PARTS = [
    {
        "word": word,
        "start_time": {"seconds": str(int(start)), "nanos": round(start % 1 * 1e9)},
        "end_time": {"seconds": str(int(end)), "nanos": round(end % 1 * 1e9)},
    }
    for word, start, end in WORDS
]
TICKS = [
    {"Word": word, "Offset": round(start * 1e7), "Duration": round((end - start) * 1e7)}
    for word, start, end in WORDS
]
CHARACTERS = [
    (character, start + place * (end - start) / len(word), (end - start) / len(word))
    for word, start, end in WORDS
    for place, character in enumerate(word)
]
SPACED = [
    piece
    for place, piece in enumerate(CHARACTERS)
    for piece in ([(" ", piece[1] - 0.05, 0.05)] if place in (5, 8) else []) + [piece]
]
ELEVENLABS = {
    "characters": [piece[0] for piece in SPACED],
    "character_start_times_seconds": [piece[1] for piece in SPACED],
    "character_end_times_seconds": [piece[1] + piece[2] for piece in SPACED],
}

JSON = {
    "plain list": rows("word", "start", "end"),
    "plain milliseconds": rows("text", "start", "end", scale=1000, kind=milliseconds),
    "plain texts as times": rows("word", "start", "end", kind=str),
    "plain start_ms": rows("word", "start_ms", "end_ms", scale=1000, kind=milliseconds),
    "triples": [[word, start, end] for word, start, end in WORDS],
    "columns": {"words": {"words": [w for w, _, _ in WORDS], "start": [a for _, a, _ in WORDS],
                          "end": [b for _, _, b in WORDS]}},
    "whisper": {"text": "", "segments": [{"start": 0, "end": 2, "words": WHISPER_WORDS}]},
    "whisper-timestamped": {"segments": [{"text": "", "words": rows("text", "start", "end")}]},
    "whisperx word_segments": {"segments": [], "word_segments": WHISPER_WORDS},
    "stable-ts lists": [WHISPER_WORDS[:2], WHISPER_WORDS[2:]],
    "openai verbose_json": {
        "task": "transcribe", "duration": 2.0, "text": "hello big world",
        "words": rows("word", "start", "end"),
        "segments": [{"id": 0, "start": 0.1, "end": 1.4, "text": " hello big world"}],
    },
    "podcast": {"version": "1.0.0", "segments": [
        {"speaker": "anna", "startTime": start, "endTime": end, "body": word}
        for word, start, end in WORDS
    ]},
    "whisper.cpp": {"transcription": [
        {"timestamps": {"from": "00:00:00,100", "to": "00:00:01,400"},
         "offsets": {"from": round(1000 * start), "to": round(1000 * end)}, "text": f" {word}"}
        for word, start, end in WORDS
    ]},
    "whisper.cpp tokens": {"transcription": [{"offsets": {"from": 0, "to": 1400}, "text": "x",
        "tokens": [
            {"text": "[_BEG_]", "offsets": {"from": 0, "to": 0}},
            {"text": " hel", "offsets": {"from": 100, "to": 300}},
            {"text": "lo", "offsets": {"from": 300, "to": 500}},
            {"text": " big", "offsets": {"from": 600, "to": 900}},
            {"text": " world", "offsets": {"from": 1000, "to": 1400}},
        ]}]},
    "hugging face": {"text": "", "chunks": [
        {"text": f" {word}", "timestamp": [start, end]} for word, start, end in WORDS
    ]},
    "vosk": {"result": [{"conf": 1.0, **row} for row in rows("word", "start", "end")], "text": ""},
    "vosk alternatives": {"alternatives": [{"confidence": 1, "text": "",
                                            "result": rows("word", "start", "end")}]},
    "vosk-transcriber": {"schemaVersion": "2.0", "monologues": [
        {"speaker": {"id": "unknown"}, "start": 0.1, "end": 1.4,
         "terms": [{"confidence": 1.0, "type": "WORD", **r} for r in rows("text", "start", "end")]}
    ]},
    "gentle": {"transcript": "", "words": [
        {"case": "success", "alignedWord": "x", **row} for row in rows("word", "start", "end")
    ]},
    "deepgram": {"results": {"channels": [{"alternatives": [
        {"transcript": "", "words": rows("word", "start", "end")}
    ]}]}},
    "deepgram live": [
        {"channel": {"alternatives": [{"words": rows("word", "start", "end")[:1]}]},
         "is_final": False},
        {"channel": {"alternatives": [{"words": rows("word", "start", "end")}]}, "is_final": True},
    ],
    "aws": {"jobName": "x", "results": {"transcripts": [{"transcript": ""}], "items": AWS}},
    "google": {"results": [{"alternatives": [{"transcript": "", "words": GOOGLE}]}]},
    "google operation": {"name": "1", "response": {"results": [
        {"alternatives": [{"words": GOOGLE_PARTS}]}]}},
    "google v2 batch": {"results": {"gs://a": {"transcript": {"results": [
        {"alternatives": [{"words": [
            {"word": w["word"], "startOffset": w["startTime"], "endOffset": w["endTime"]}
            for w in GOOGLE]}]}]}}}},
    "azure library": {"RecognitionStatus": "Success", "Offset": 1000000, "Duration": 13000000,
                      "NBest": [{"Confidence": 0.9, "Display": "", "Words": TICKS}]},
    "azure batch": {"source": "", "recognizedPhrases": [{"channel": 0, "nBest": [{"words": [
        {"word": w["Word"], "offset": f"PT{w['Offset'] / 1e7:g}S",
         "duration": f"PT{w['Duration'] / 1e7:g}S", "offsetInTicks": float(w["Offset"]),
         "durationInTicks": float(w["Duration"])} for w in TICKS]}]}]},
    "azure batch durations": {"recognizedPhrases": [{"nBest": [{"words": [
        {"word": w["Word"], "offset": f"PT{w['Offset'] / 1e7:g}S",
         "duration": f"PT{w['Duration'] / 1e7:g}S"} for w in TICKS]}]}]},
    "azure fast": {"durationMilliseconds": 2000, "combinedPhrases": [{"text": ""}], "phrases": [
        {"offsetMilliseconds": 100, "durationMilliseconds": 1300, "text": "", "words": [
            {"text": w["Word"], "offsetMilliseconds": w["Offset"] // 10000,
             "durationMilliseconds": w["Duration"] // 10000} for w in TICKS]}]},
    "edge-tts": [
        {"type": "WordBoundary", "offset": w["Offset"], "duration": w["Duration"],
         "text": w["Word"]} for w in TICKS
    ],
    "azure boundaries": [
        {"Text": w["Word"], "AudioOffset": w["Offset"], "Duration": w["Duration"],
         "BoundaryType": "Word"} for w in TICKS
    ],
    "elevenlabs": ELEVENLABS,
    "elevenlabs wrapped": {"audio_base64": "", "alignment": ELEVENLABS,
                           "normalized_alignment": ELEVENLABS},
    "elevenlabs normalized": {"alignment": None, "normalized_alignment": ELEVENLABS},
    "elevenlabs socket": {"alignment": {
        "chars": [piece[0] for piece in SPACED],
        "charStartTimesMs": [round(1000 * piece[1]) for piece in SPACED],
        "charDurationsMs": [round(1000 * piece[2]) for piece in SPACED]}},
    "elevenlabs scribe": {"language_code": "eng", "text": "", "words": [
        part
        for row in rows("text", "start", "end")
        for part in ({**row, "type": "word", "speaker_id": "s"},
                     {"text": " ", "start": row["end"], "end": row["end"], "type": "spacing"})
    ]},
    "assemblyai": {"id": "x", "language_model": "a", "audio_duration": 2, "words": rows(
        "text", "start", "end", scale=1000, kind=milliseconds)},
    "rev": {"monologues": [{"speaker": 0, "elements": [
        part
        for row in rows("value", "ts", "end_ts")
        for part in ({"type": "text", "confidence": 0.9, **row}, {"type": "punct", "value": " "})
    ]}]},
    "speechmatics": {"format": "2.9", "results": [
        {"type": "word", "start_time": start, "end_time": end,
         "alternatives": [{"content": word, "confidence": 1.0}]} for word, start, end in WORDS
    ]},
    "watson": {"result_index": 0, "results": [{"final": True, "alternatives": [
        {"transcript": "", "timestamps": [[w, a, b] for w, a, b in WORDS]}]}]},
    "mfa": {"start": 0, "end": 2, "tiers": {
        "words": {"type": "interval", "entries": [[a, b, w] for w, a, b in WORDS]},
        "phones": {"type": "interval", "entries": [[0.1, 0.5, "x"]]}}},
    "aeneas": {"fragments": [
        {"begin": f"{a:.3f}", "end": f"{b:.3f}", "id": "f", "lines": [w]} for w, a, b in WORDS
    ]},
}  # fmt: skip


def lines(pattern, separator="\n"):
    return separator.join(
        pattern.format(
            w=w, a=a, b=b, d=b - a, A=f"{a:.3f}".replace(".", ","), B=f"{b:.3f}".replace(".", ","),
            ta=round(a * 1e7), tb=round(b * 1e7), ma=round(a * 1e3), mb=round(b * 1e3),
        )
        for w, a, b in WORDS
    ) + "\n"  # fmt: skip


TEXT = {
    "json lines.json": "\n".join(
        json.dumps({"result": [row]}) for row in rows("word", "start", "end")
    ),
    "json lines under a wrong name.txt": json.dumps(rows("word", "start", "end")),
    "pretty printed.json": "".join(
        json.dumps({"result": [row], "text": ""}, indent=2) for row in rows("word", "start", "end")
    ) + '{"partial": ""}',
    "srt.srt": lines("1\n00:00:0{A} --> 00:00:0{B}\n{w}\n"),
    "srt without empty lines.srt": lines("1\n00:00:0{A} --> 00:00:0{B}\n{w}"),
    "srt with tags.txt": lines(
        "7\n00:00:0{a:.3f} --> 00:00:0{b:.3f} X1:0\n{{\\an8}}<i>- {w}</i> [laughs]\n"
    ),
    "vtt.vtt": "WEBVTT - a\n\nNOTE x\n\nSTYLE\n::cue {}\n\n"
    + lines("id\n00:0{a:.3f} --> 00:0{b:.3f} align:start\n<v Anna>{w}</v>\n"),
    "vtt by the word.vtt": "WEBVTT\n\n00:00.100 --> 00:01.400\nhello<00:00.500><c> </c>"
    "<00:00.600><c>big</c><00:00.900><c> </c><00:01.000><c>world</c>\n",
    "whisper underlines.srt": "".join(
        f"{n}\n00:00:0{a:.3f} --> 00:00:0{b:.3f}\n"
        + " ".join(f"<u>{w}</u>" if w == word else w for w, _, _ in WORDS)
        + "\n\n"
        for n, (word, a, b) in enumerate(WORDS, 1)
    ),
    "sbv.sbv": lines("0:00:0{a:.3f},0:00:0{b:.3f}\n{w}\n"),
    "karaoke.ass": "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start, End, Style, Name, "
    "MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:00.10,0:00:01.40,D,,0,0,0,,"
    "{\\k20}hel{\\k20}lo{\\k10} {\\k30}big{\\k10} {\\kf40}world\n",
    "cues.ass": "[Script Info]\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, "
    "MarginR, MarginV, Effect, Text\n"
    + lines("Dialogue: 0,0:00:0{a:.2f},0:00:0{b:.2f},D,,0,0,0,,{{\\i1}}{w}"),
    "lyrics.lrc": "[ar:x]\n[00:00.10]<00:00.10>hello<00:00.50> <00:00.60>big<00:00.90> "
    "<00:01.00>world<00:01.40>\n",
    "audacity.txt": lines("{a:.6f}\t{b:.6f}\t{w}"),
    "audacity with frequencies.txt": lines("{a:.6f}\t{b:.6f}\t{w}\n\\\t100.0\t200.0"),
    "audacity with commas.txt": lines("{A}\t{B}\t{w}"),
    "labels in ticks.lab": lines("{ta} {tb} {w}"),
    "genea.tsv": lines("{a}\t{b}\t{w}"),
    "whisper.tsv": "start\tend\ttext\n" + lines("{ma}\t{mb}\t{w}"),
    "order.csv": "word,start,end\n" + lines("{w},{a},{b}"),
    "other order.csv": "Begin,Confidence,End,Label\n" + lines("{a},0.9,{b},{w}"),
    "semicolons.csv": "start;end;word\n" + lines("{A};{B};{w}"),
    "quoted.csv": '"Start","End","Text"\n' + lines('"{a}","{b}","{w}"'),
    "milliseconds.csv": "start_ms,end_ms,word\n" + lines("{ma},{mb},{w}"),
    "clock.csv": "word,start,end\n" + lines("{w},00:00:0{a:.3f},00:00:0{b:.3f}"),
    "duration.csv": "onset,duration,word\n" + lines("{a},{d},{w}"),
    "no header.csv": lines("{a},{b},{w}"),
    "no header either.csv": lines("{w},{a},{b}"),
    "no header at all.csv": lines("{A};{B};{w}"),
    "columns.tsv": "word\tbegin\tend\n" + lines("{w}\t{a}\t{b}"),
    "mfa.csv": "Begin,End,Label,Type,Speaker\n"
    + lines("{a},{b},{w},words,anna\n{a},{b},x,phones,anna"),
    "elan.txt": "Begin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\tanna\n"
    + lines("00:00:0{a:.3f}\t00:00:0{b:.3f}\t{w}"),
    "nist.ctm": lines("nist 1 {a} {d} {w} 0.9"),
    "nist under another name.txt": lines("take_1 A {a} {d} {w}"),
    "nist.stm": ";; made by hand\n" + lines("nist 1 anna {a} {b} <o,f0,female> {w}"),
}  # fmt: skip


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


CUE = "1\n00:00:00,100 --> 00:00:01,900\nHello <b>big</b> world, how are you?\n"


def test_a_caption_of_many_words_is_a_cue(tmp_path):
    found, _ = read(tmp_path, CUE, name="a.srt")
    assert [word.text for word in found.words] == ["Hello", "big", "world,", "how", "are", "you?"]
    (cue,) = found.cues
    assert (cue.first, cue.stop, cue.start_seconds, cue.end_seconds) == (0, 6, 0.1, 1.9)
    assert found.words[0].start_seconds == 0.1
    assert found.words[-1].end_seconds == 1.9


PHRASE = "Hello big world, how are you?"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"segments": [{"start": 0.1, "end": 1.9, "text": f" {PHRASE}"}]}, "a.json"),
        ("0.1\t1.9\tHello big world how are you\n", "a.txt"),
        ("start\tend\ttext\n100\t1900\tHello big world, how are you?\n", "a.tsv"),
        ({"chunks": [{"timestamp": [0.1, 1.9], "text": PHRASE}]}, "a.json"),
        ("[00:00.10]Hello big world, how are you?\n[00:01.90]\n", "a.lrc"),
        ("a 1 anna 0.1 1.9 <o> Hello big world how are you\n", "a.stm"),
    ],
)  # fmt: skip
def test_phrases_of_other_forms_are_cues(tmp_path, content, name):
    found, _ = read(tmp_path, content, name=name)
    assert len(found.words) == 6
    (cue,) = found.cues
    assert (cue.start_seconds, cue.end_seconds) == (0.1, 1.9)


def test_cues_that_overlap_are_cut_and_sounds_are_not_words(tmp_path):
    text = (
        "1\n00:00:00,000 --> 00:00:01,500\nANNA: one two three four\n\n"
        "2\n00:00:01,000 --> 00:00:01,800\nfive six seven eight\n\n"
        "3\n00:00:01,800 --> 00:00:02,400\n[Music] ♪\n\n"
        "4\n00:00:01,850 --> 00:00:02,400\n(laughs) nine ten eleven twelve\n"
    )
    found, _ = read(tmp_path, text, name="a.srt")
    assert len(found.words) == 12
    assert [(cue.start_seconds, cue.end_seconds) for cue in found.cues] == [
        (0, 1.0), (1.0, 1.8), (1.85, 2.0)
    ]  # fmt: skip


def test_captions_of_another_recording_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"ends at 61\.900 s, after the audio of 2\.000 s"):
        read(tmp_path, CUE.replace("00:00:01,900", "00:01:01,900"), name="a.srt")
    with pytest.raises(UserError, match=r"after the audio of 2\.000 s"):
        read(tmp_path, [{"word": "a", "start": 100.1, "end": 100.5}])
    with pytest.raises(
        UserError, match=r"line 2 is '00:00:00;100 --> 00:00:01;900', not two times"
    ):
        read(tmp_path, CUE.replace(",", ";", 2).replace("01,900", "01;900"), name="a.srt")


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
