"""Messages of services against the same words in files, whole and in pieces."""

import itertools
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_prep.arriving.service import ServiceWords, words_of_message
from data_prep.words.timed_files import read_timed_words
from llavataros_jax.errors import UserError
from tests.data_prep.words.samples_json import JSON, WORDS
from tests.data_prep.words.test_forms import assert_is_same

SENTENCE = "Hi, you there! "
STARTS = [0.1 * place for place in range(len(SENTENCE))]


def characters(begin: int, stop: int, *, offset: float = 0.0) -> dict:
    """Returns a message of ElevenLabs' stream, with times from the beginning of its sound."""
    return {
        "audio": "UklGRg==",
        "isFinal": None,
        "alignment": {
            "chars": list(SENTENCE[begin:stop]),
            "charStartTimesMs": [round(1000 * (s - offset)) for s in STARTS[begin:stop]],
            "charDurationsMs": [100] * (stop - begin),
        },
    }


@pytest.mark.parametrize("name", JSON)
def test_a_message_of_any_form_has_the_words_that_a_file_of_it_has(name):
    assert_is_same(words_of_message(JSON[name]))
    assert_is_same(words_of_message(json.dumps(JSON[name])))
    later = words_of_message({"event": "x", "data": {"inner": JSON[name]}}, 2.5)
    assert [(w.text, round(w.start_seconds - 2.5, 6)) for w in later] == [
        (text, start) for text, start, _ in WORDS
    ]


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, len(SENTENCE)), max_size=6), is_told=st.booleans())
def test_characters_may_be_cut_anywhere(cuts, is_told):
    service, found = ServiceWords(), []
    places = [0, *sorted(cuts), len(SENTENCE.rstrip())]
    for begin, stop in itertools.pairwise(places):
        stop = min(stop, len(SENTENCE.rstrip()))
        offset = STARTS[begin] if begin < len(STARTS) else 0.0
        message = characters(begin, stop, offset=offset)
        found += service.read(message, offset) if is_told else service.read(message)
    found += service.finish()
    assert [word.text for word in found] == ["Hi,", "you", "there!"]
    times = [(round(word.start_seconds, 6), round(word.end_seconds, 6)) for word in found]
    assert times == [(0.0, 0.3), (0.4, 0.7), (0.8, 1.4)]
    assert service.known_until_seconds == pytest.approx(1.4)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (  # Cartesia
            {
                "type": "timestamps",
                "context_id": "x",
                "done": False,
                "word_timestamps": {"words": ["Hi", "you"], "start": [0, 0.5], "end": [0.4, 0.9]},
            },
            [("Hi", 0.0, 0.4), ("you", 0.5, 0.9)],
        ),
        (  # Azure's library for Python
            {"audio_offset": 5e5, "duration": 3e6, "text": "Hi", "boundary_type": "Word"},
            [("Hi", 0.05, 0.35)],
        ),
        (  # Azure's WebSocket, as edge-tts gets it
            {
                "Metadata": [
                    {
                        "Type": "WordBoundary",
                        "Data": {"Offset": 5e5, "Duration": 3e6, "text": {"Text": "Hi"}},
                    }
                ]
            },
            [("Hi", 0.05, 0.35)],
        ),
        ({"type": "word", "text": "Hi", "start": 0.1, "end": 0.2}, [("Hi", 0.1, 0.2)]),
        (
            {"segments": [{"text": "a aaaaaa", "start": 0, "end": 1}]},
            [("a", 0, 0.27848), ("aaaaaa", 0.27848, 1)],
        ),
    ],
)  # fmt: skip
def test_messages_of_services_as_they_document_them(message, expected):
    found = words_of_message(message)
    assert [(w.text, round(w.start_seconds, 5), round(w.end_seconds, 5)) for w in found] == expected


def test_a_word_without_an_end_is_known_until_its_start(tmp_path):
    marks = [
        {"time": 100, "type": "word", "start": 0, "end": 3, "value": "big"},
        {"time": 400, "type": "word", "start": 4, "end": 9, "value": "world"},
    ]
    service = ServiceWords()
    first = service.read(marks[0])
    assert service.known_until_seconds == 0.1
    assert first[0].end_seconds == pytest.approx(0.1 + 0.15 + 0.07 * 3)
    both = words_of_message("\n".join(map(json.dumps, marks)))
    path = tmp_path / "a.json"
    path.write_text("\n".join(map(json.dumps, marks)))
    assert both == read_timed_words(path, 2.0)
    assert both[0].end_seconds == 0.4


@pytest.mark.parametrize(
    "message",
    [
        {"audio": "", "isFinal": True, "alignment": None},
        {"type": "chunk", "data": "AAAA", "done": False},
        {"type": "Metadata", "models": ["x"], "info": {"a": 1}},
        {"type": "done"},
    ],
)
def test_messages_without_words_give_none(message):
    assert words_of_message(message) == []


def deep():
    tree: dict = {}
    for _ in range(5000):
        tree = {"a": tree}
    return tree


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("hello", "is no JSON"),
        ('{"word": ', "not valid JSON"),
        ({"foo": [1, 2]}, "no form that is known; known are .*Deepgram"),
        ({"words": [{"word": "a"}]}, "1 words and no time of any"),
        ({"words": ["a"]}, "word 1 is 'a'"),
        (deep(), "nothing that JSON can hold"),
        ({"word": {1, 2}}, "nothing that JSON can hold"),
    ],
)
def test_what_is_no_message_is_refused_in_one_sentence(message, sentence):
    with pytest.raises(UserError, match=sentence):
        words_of_message(message)
    with pytest.raises(UserError, match="offset of a message is nan"):
        words_of_message({}, float("nan"))


_VALUES = st.recursive(
    st.none() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["words", "word", "start", "end", "alignment", "chars", "text",
                         "charStartTimesMs", "results", "time", "type", "value", "offset"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(message=_VALUES.filter(lambda value: isinstance(value, dict | list)))
@example(message=[{"time": 0, "value": "", "type": []}])  # what cannot be looked up in a set
def test_any_json_gives_words_or_is_refused(message):
    try:
        words = words_of_message(message)
    except UserError:
        return
    for word in words:
        assert word.text
        assert isinstance(word.start_seconds, float)
