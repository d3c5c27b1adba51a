"""A neural voice beside espeak-ng's: a Piper voice, run by onnxruntime.

espeak-ng gives the phonemes, with their stress; the network (VITS: Kim et al. 2021) says how many
frames each lasts, so the times of words are known exactly. That number is inside the graph and no
output of it, so it is made one: a message of Protocol Buffers is added to by writing more of it
behind its end.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data_prep.corpus.hours.delivery import (
    Delivery,
    MismatchError,
    finish,
    groups_by_token,
    lift_of,
    token_ends,
    word_times,
)
from data_prep.corpus.hours.script import Sentence, Token
from data_prep.corpus.hours.voices import Tone
from data_prep.corpus.speech import Synthesiser
from llavataros_jax.errors import UserError

_DURATIONS = "/Ceil_output_0"
_HOP_SAMPLES = 256
# What the voice does at a length scale of 1.
_WORDS_PER_MINUTE = 165
_BEGIN, _END, _PAD = "^", "$", "_"
_PAUSES = ",.?!"

Phonemes = list[tuple[float, str]]


def find_voice(path: Path) -> Path:
    """Returns the `.onnx` of a Piper voice, given it or a folder that has one.

    Raises:
        UserError: When there is none, or several, or its `.onnx.json` is missing.
    """
    found = sorted(path.rglob("*.onnx")) if path.is_dir() else [path]
    if len(found) != 1 or not found[0].is_file():
        raise UserError(
            f"--piper {path}: {len(found) if path.is_dir() else 'no'} .onnx is there; name the "
            "one of a Piper voice"
        )
    if not _settings_path(found[0]).is_file():
        raise UserError(
            f"--piper {found[0]} has no {_settings_path(found[0]).name} beside it; put it there"
        )
    return found[0]


def _settings_path(model: Path) -> Path:
    return model.with_name(model.name + ".json")


class NeuralVoice:
    """A Piper voice of one speaker; what it says depends on all that it said before.

    Raises:
        UserError: When onnxruntime is missing or the files are not a Piper voice's.
    """

    def __init__(self, model: Path, seed: int) -> None:
        try:
            import onnxruntime
        except ImportError as missing:
            raise UserError("--piper needs onnxruntime: pip install onnxruntime") from missing
        try:
            settings = json.loads(_settings_path(model).read_text(encoding="utf-8"))
            self._numbers: dict[str, list[int]] = settings["phoneme_id_map"]
            self._rate = int(settings["audio"]["sample_rate"])
            inference = settings["inference"]
            self._noise = (float(inference["noise_scale"]), float(inference["noise_w"]))
            self.espeak_voice = str(settings["espeak"]["voice"])
        except (ValueError, KeyError, TypeError) as problem:
            raise UserError(
                f"--piper {model}: its .json lacks what a Piper voice says ({problem}); "
                "download the voice again"
            ) from problem
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        onnxruntime.set_seed(seed)
        try:
            self._session = onnxruntime.InferenceSession(
                _with_output(model.read_bytes(), _DURATIONS),
                options,
                providers=["CPUExecutionProvider"],
            )
        except Exception as problem:  # onnxruntime's exceptions have no common base
            raise UserError(
                f"--piper {model} cannot be run as a Piper voice ({str(problem)[:120]}); "
                "give another voice"
            ) from problem

    def deliver(
        self,
        synthesiser: Synthesiser,
        sentence: Sentence,
        tone: Tone,
        chance: np.random.Generator,
    ) -> Delivery:
        """Says a sentence; the synthesiser has the voice `espeak_voice` already.

        Raises:
            MismatchError: When words cannot be told apart in what was said.
        """
        events = synthesiser.say(sentence.line).events
        spoken = groups_by_token(events, token_ends(sentence.tokens), sentence.tokens)
        scale = float(np.clip(_WORDS_PER_MINUTE / tone.voice.words_per_minute, 0.75, 1.5))
        samples, groups = self._say(spoken, sentence.tokens, scale)
        words = word_times(groups)
        return finish(sentence, samples, self._rate, words, tone, lift_of(sentence, tone), chance)

    def _say(
        self, spoken: Sequence[Phonemes], tokens: Sequence[Token], scale: float
    ) -> tuple[Float[np.ndarray, " n"], list[Phonemes]]:
        rows = [(-1, "", number) for number in self._numbers[_BEGIN] + self._numbers[_PAD]]
        for index, token in enumerate(tokens):
            for label, number in self._phonemes(spoken[index], token, index + 1 < len(tokens)):
                rows.append((index, label, number))
                rows += [(-1, "", pad) for pad in self._numbers[_PAD]]
        rows += [(-1, "", number) for number in self._numbers[_END]]
        numbers = np.array([[number for *_, number in rows]], np.int64)
        noise, noise_of_durations = self._noise
        sound, frames = self._session.run(
            ["output", _DURATIONS],
            {
                "input": numbers,
                "input_lengths": np.array([numbers.shape[1]], np.int64),
                "scales": np.array([noise, scale, noise_of_durations], np.float32),
            },
        )
        samples = np.asarray(sound, np.float64).reshape(-1)
        begins = np.concatenate(([0.0], np.cumsum(np.asarray(frames).reshape(-1)))) * _HOP_SAMPLES
        if round(float(begins[-1])) != len(samples):
            raise MismatchError
        groups: list[Phonemes] = [[] for _ in tokens]
        for (index, label, _), begin in zip(rows, begins[:-1] / self._rate, strict=True):
            if index >= 0:
                groups[index].append((float(begin), label))
        if any(not any(label for _, label in group) for group in groups):
            raise MismatchError
        groups[-1].append((float(begins[-1]) / self._rate, ""))
        return samples, groups

    def _phonemes(
        self, phonemes: Phonemes, token: Token, has_next: bool
    ) -> Iterator[tuple[str, int]]:
        """Yields letters of IPA with their numbers; those of a pause have an empty label."""
        for _, name in phonemes:
            stress = ""
            for letter in name:
                # A stress mark belongs to the vowel after it.
                stress = letter if letter in "ˈˌ" else stress
                for number in self._numbers.get(letter, ()):
                    yield (stress + letter if letter not in "ˈˌ" else letter), number
        if token.written[-1] in _PAUSES:
            yield from (("", number) for number in self._numbers[token.written[-1]])
        if has_next:
            yield from (("", number) for number in self._numbers[" "])


def _with_output(model: bytes, name: str) -> bytes:
    """Makes a tensor of an ONNX graph one of its outputs: `ModelProto.graph.output.name`."""
    message = name.encode()
    for field in (1, 12, 7):
        message = bytes([field << 3 | 2, len(message)]) + message
    return model + message
