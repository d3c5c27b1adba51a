"""Speech: words are where the sound is, and stress can be heard."""

import numpy as np
import pytest

from data_prep.corpus.hours.delivery import SAMPLE_RATE, Delivery, MismatchError, deliver
from data_prep.corpus.hours.grammar import grammar
from data_prep.corpus.hours.heard import level_decibels, pitch_hertz
from data_prep.corpus.hours.script import Sentence, Token, draw_sentence
from data_prep.corpus.hours.voices import VOICES, Tone, draw_tone
from data_prep.corpus.speech import Synthesiser, Voice

pytest.importorskip("espeakng_loader")


@pytest.fixture(scope="module")
def synthesiser() -> Synthesiser:
    return Synthesiser()


def plain(line: str, accents: dict[int, float] | None = None) -> Sentence:
    tokens = [
        Token(word, word.strip(",.?!").lower(), None, (accents or {}).get(index, 1.0))
        for index, word in enumerate(line.split())
    ]
    return Sentence("statement", tuple(tokens))


def tone(name: str = "en-us+m3") -> Tone:
    return Tone(Voice(name, 150, 40, 50), size=1.0, liveliness=1.0)


def say(synthesiser: Synthesiser, sentence: Sentence, how: Tone, seed: int = 0) -> Delivery:
    synthesiser.set_voice(how.voice)
    return deliver(synthesiser, sentence, how, np.random.default_rng(seed))


def test_every_speaker_can_speak_with_every_variant(synthesiser):
    for family in VOICES.values():
        for variant in family.variants:
            said = say(synthesiser, plain("Hello, this is a voice."), tone(variant))
            assert 0.8 < said.seconds < 5
            assert np.abs(said.samples).max() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", VOICES)
def test_words_are_where_the_sound_is(synthesiser, name):
    chance = np.random.default_rng(1)
    how = draw_tone(name, chance)
    synthesiser.set_voice(how.voice)
    said = 0
    for _ in range(15):
        sentence = draw_sentence(grammar(), chance)
        try:
            spoken = deliver(synthesiser, sentence, how, chance)
        except MismatchError:
            continue
        said += 1
        times = [t for w in spoken.words for t in (w.start_seconds, w.end_seconds)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= spoken.seconds
        assert all(w.start_seconds <= w.stress_seconds <= w.end_seconds for w in spoken.words)
        inside = np.zeros(len(spoken.samples), dtype=bool)
        for word in spoken.words:
            begin, end = word.start_seconds, word.end_seconds
            inside[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
        power = spoken.samples**2
        assert power[inside].sum() > 0.99 * power.sum()
        usual = np.sqrt(power[inside].mean())
        for word in spoken.words:
            level = level_decibels(
                spoken.samples, SAMPLE_RATE, word.stress_seconds, word.end_seconds
            )
            assert level > 20 * np.log10(usual) - 25
    assert said >= 12


def test_stress_raises_loudness_and_pitch_of_its_word_alone(synthesiser):
    line = "My neighbour painted the kitchen yellow."
    usual = say(synthesiser, plain(line), tone())
    stressed = say(synthesiser, plain(line, {2: 2.5}), tone())
    for index in (1, 2, 4):
        levels, pitches = [], []
        for spoken in (usual, stressed):
            span = (spoken.words[index].stress_seconds, spoken.words[index].end_seconds)
            levels.append(level_decibels(spoken.samples, SAMPLE_RATE, *span))
            pitches.append(pitch_hertz(spoken.samples, SAMPLE_RATE, *span, usual_hertz=110.0))
        louder, higher = levels[1] - levels[0], 12 * np.log2(pitches[1] / pitches[0])
        if index == 2:
            assert louder > 2.5
            assert higher > 1.5
        else:
            assert abs(louder) < 1.5
            assert abs(higher) < 1.0


def test_pauses_are_silent_and_after_the_comma(synthesiser):
    line = "Yesterday, we walked along the river."
    lengths = []
    for seed in range(8):
        spoken = say(synthesiser, plain(line), tone(), seed)
        gap = (spoken.words[0].end_seconds, spoken.words[1].start_seconds)
        begin, end = (round(t * SAMPLE_RATE) for t in gap)
        assert np.abs(spoken.samples[begin + 400 : end - 400]).max() < 0.01
        lengths.append(gap[1] - gap[0])
    assert min(lengths) > 0.12
    assert max(lengths) > min(lengths) + 0.1


def test_merged_and_contracted_words_have_times_of_their_own(synthesiser):
    spoken = say(synthesiser, plain("I don't know the end of the garden's wall."), tone())
    assert len(spoken.words) == 9
    lengths = [word.end_seconds - word.start_seconds for word in spoken.words]
    assert min(lengths) > 0.03


def test_a_larger_head_has_lower_formants_at_the_same_tempo(synthesiser):
    def middle(size: float) -> tuple[float, float]:
        words_per_minute = round(150 * size)
        how = Tone(Voice("en-us+m3", words_per_minute, 40, 50), size=size, liveliness=1.0)
        spoken = say(synthesiser, plain("My neighbour painted the kitchen yellow."), how)
        power = np.abs(np.fft.rfft(spoken.samples)) ** 2
        hertz = np.fft.rfftfreq(len(spoken.samples), 1 / SAMPLE_RATE)
        return float(np.sum(power * hertz) / np.sum(power)), spoken.seconds

    (usual, long), (larger, also_long) = middle(1.0), middle(1.12)
    assert larger < 0.97 * usual
    assert also_long == pytest.approx(long, rel=0.06)


def test_clips_of_a_speaker_sound_different_but_alike():
    for name in VOICES:
        tones = [draw_tone(name, np.random.default_rng(seed)) for seed in range(30)]
        pitches = [how.voice.pitch for how in tones]
        assert len({how.voice.name for how in tones}) >= 3
        assert 3 < np.std(pitches) < 12
        assert np.ptp([how.size for how in tones]) > 0.05
