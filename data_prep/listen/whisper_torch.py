"""Whisper by OpenAI's own program, on PyTorch."""

import importlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from data_prep.listen.whisper_model import LEAST_PAUSE_SECONDS, Segment
from data_prep.machine.gpus import torch_device
from data_prep.sound.voice_activity import Spans
from data_prep.words.word import Word
from llavataros_jax.errors import UserError

_SEED = 0


class TorchWhisper:
    """A `WhisperModel` of openai-whisper.

    Attributes:
        model: The network itself, for those who look inside it.
    """

    def __init__(self, weights: str, device: str) -> None:
        whisper: Any = importlib.import_module("whisper")  # not the file of that name beside
        from whisper.tokenizer import LANGUAGES  # pyright: ignore[reportMissingImports]

        if device == "auto":
            device = torch_device()
        try:
            self.model: Any = whisper.load_model(weights, device=device)
        except Exception as problem:  # torch raises many kinds for a file that is no checkpoint
            said = str(problem).splitlines()[:1]
            if not Path(weights).is_file():
                raise UserError(
                    f"words.whisper={weights} cannot be downloaded ({type(problem).__name__}); "
                    "give the path of a .pt file instead"
                ) from problem
            raise UserError(
                f"words.whisper={weights} cannot be loaded on {device} ({type(problem).__name__}: "
                f"{' '.join(said)[:200]}); give the .pt file of an openai-whisper model"
            ) from problem
        self.is_multilingual: bool = self.model.is_multilingual
        self.languages: Collection[str] = LANGUAGES

    def hear(
        self, samples: Float32[np.ndarray, " n"], spans: Spans, language: str | None
    ) -> tuple[list[Segment], str]:
        """See `WhisperModel`."""
        try:
            import torch  # pyright: ignore[reportMissingImports]

            torch.manual_seed(_SEED)  # it draws at random where it is not sure
        except ImportError:
            pass
        # Samples instead of a path: with a path, Whisper calls an ffmpeg that may not be there.
        result = self.model.transcribe(
            samples,
            language=language,
            word_timestamps=True,
            fp16=str(self.model.device) != "cpu",
            clip_timestamps=[edge for span in spans for edge in span],
            condition_on_previous_text=False,  # or one invented sentence leads to the next
            hallucination_silence_threshold=LEAST_PAUSE_SECONDS,
            verbose=None,
        )
        segments = [
            Segment(
                tuple(_word(entry) for entry in segment.get("words", [])),
                float(segment.get("compression_ratio", 0)),
            )
            for segment in result["segments"]
        ]
        return segments, str(result["language"])


def _word(entry: dict[str, Any]) -> Word:
    return Word(
        str(entry["word"]),
        float(entry["start"]),
        float(entry["end"]),
        float(entry.get("probability", 1.0)),
    )
