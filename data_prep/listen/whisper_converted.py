"""Whisper by faster-whisper, on CTranslate2: no PyTorch, eight bits on a CPU, half on a GPU."""

import multiprocessing
import os
import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from data_prep.listen.whisper_model import LEAST_PAUSE_SECONDS, Segment
from data_prep.listen.whisper_weights import SIZES, converted_folder, kept_weights
from data_prep.sound.voice_activity import Spans
from data_prep.words.word import Word
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import SPEECH_RATE

_SEED = 0


class ConvertedWhisper:
    """A `WhisperModel` of faster-whisper."""

    def __init__(self, weights: str, device: str) -> None:
        from faster_whisper.tokenizer import _LANGUAGE_CODES

        folder = converted_folder(weights) or kept_weights(weights) or _download(weights)
        try:
            self._model = _open(folder, device)
        except UserError:
            raise
        except Exception as problem:  # CTranslate2 raises many kinds
            said = " ".join(str(problem).splitlines()[:1])[:200]
            raise UserError(
                f"words.whisper={weights} cannot be loaded on {device} ({type(problem).__name__}: "
                f"{said}); give the folder of a Whisper model for CTranslate2"
            ) from problem
        self.is_multilingual: bool = self._model.model.is_multilingual
        self.languages: Collection[str] = _LANGUAGE_CODES

    def hear(
        self, samples: Float32[np.ndarray, " n"], spans: Spans, language: str | None
    ) -> tuple[list[Segment], str]:
        """See `WhisperModel`."""
        import ctranslate2

        ctranslate2.set_random_seed(_SEED)  # it draws at random where it is not sure
        found, about = self._model.transcribe(
            samples,
            language=language,
            word_timestamps=True,
            clip_timestamps=[edge for span in spans for edge in span],
            condition_on_previous_text=False,  # or one invented sentence leads to the next
            hallucination_silence_threshold=LEAST_PAUSE_SECONDS,
        )
        segments = [
            Segment(
                tuple(
                    Word(word.word, float(word.start), float(word.end), float(word.probability))
                    for word in segment.words or []
                ),
                float(segment.compression_ratio),
            )
            for segment in found
        ]
        return segments, about.language


def _open(folder: Path, device: str):
    """Opens a model where the config wants it: with `auto`, on a GPU if that works."""
    import ctranslate2

    if device == "auto":
        if ctranslate2.get_cuda_device_count():
            try:
                return _on_gpu(folder, _own_gpu(ctranslate2.get_cuda_device_count()))
            except (RuntimeError, ValueError):  # a driver without cuBLAS: it is found out in use
                pass
        return _on_cpu(folder)
    if device == "cpu":
        return _on_cpu(folder)
    if not device.startswith("cuda"):
        raise UserError(f"words.device={device} is not for faster-whisper; give cpu, cuda or auto")
    number = re.search(r"\d+$", device)
    return _on_gpu(folder, int(number[0]) if number else 0)


def _on_cpu(folder: Path):
    from faster_whisper import WhisperModel

    alone = multiprocessing.parent_process() is None
    threads = len(os.sched_getaffinity(0)) if alone else 1
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)


def _on_gpu(folder: Path, number: int):
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cuda", device_index=number, compute_type="float16")
    silence = np.zeros(SPEECH_RATE, np.float32)
    list(model.transcribe(silence, language="en")[0])
    return model


def _own_gpu(count: int) -> int:
    """Returns the GPU of this process: the next for each."""
    number = re.search(r"(\d+)$", multiprocessing.current_process().name)
    return int(number[1]) % count if number else 0


def _download(size: str) -> Path:
    from faster_whisper import download_model

    try:
        return Path(download_model(size))
    except Exception as problem:  # of the network, the disk or the hub
        raise UserError(
            f"words.whisper={size} is not on this machine and cannot be downloaded "
            f"({type(problem).__name__}); where there is a network run `hf download {SIZES[size]} "
            f"--local-dir {size}`, and give that folder as words.whisper"
        ) from problem
