"""The same three words in each form of JSON, after what the tools document."""

from collections.abc import Callable
from typing import Any

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
