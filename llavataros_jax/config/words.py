"""Words and their times."""

import re
from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require


@dataclass(frozen=True)
class WordsConfig:
    """How words get their times when the user brings no timed file.

    Attributes:
        aligner: What times a transcript; `auto` takes the best that is installed.
        transcriber: What writes the words when there is no transcript either: `auto` takes
            `whisper` if there are weights, else `pocketsphinx` for English, else `none`, with which
            there are no words.
        whisper: Whisper's weights: a size such as `base.en`, which is downloaded, the folder of a
            CTranslate2 model, or a `.pt` file.
        device: Where Whisper runs: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:1`.
        language: Language of the speech, such as `en`; `auto` lets Whisper find out.
        mfa: The program of the Montreal Forced Aligner; a path when it has its own environment.
        mfa_dictionary: Its pronunciation dictionary, a file or a name; by the language when absent.
        mfa_acoustic: Its acoustic model, a file or a name; by the language when not given.
        mfa_jobs: Its processes; 0 means one for each core.
        tier: The tier of a file of timed words that has several, or the speaker whose words it is.
        frame_rule: Which word is active on a frame: by its `interval` (spec section 1.3), or by the
            ancestor's `pointer`, which words that are too short or overlap delay.
    """

    aligner: Literal["auto", "mfa", "pocketsphinx", "whisper"] = "auto"
    transcriber: Literal["auto", "whisper", "pocketsphinx", "none"] = "auto"
    whisper: str | None = None
    device: str = "auto"
    language: str = "en"
    mfa: str = "mfa"
    mfa_dictionary: str | None = None
    mfa_acoustic: str | None = None
    mfa_jobs: int = 0
    tier: str | None = None
    frame_rule: Literal["interval", "pointer"] = "interval"

    def __post_init__(self) -> None:
        for name in ("language", "mfa"):
            require(bool(getattr(self, name).strip()), f"words.{name} must not be empty", self)
        require(
            re.fullmatch(r"auto|cpu|(cuda|mps|xpu)(:\d+)?", self.device) is not None,
            "words.device must be auto, cpu, cuda or one such as cuda:1",
            self,
        )
        require(self.mfa_jobs >= 0, "words.mfa_jobs must not be negative", self)
