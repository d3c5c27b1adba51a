"""Dictionary and acoustic model of the Montreal Forced Aligner for a language."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.machine.fingerprint import model_hash, models_hash
from data_prep.words.language import language_code
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError

# Names as `mfa model download dictionary` and `mfa model download acoustic` know them.
_MODELS = {
    "bg": ("bulgarian_mfa", "bulgarian_mfa"),
    "cs": ("czech_mfa", "czech_mfa"),
    "de": ("german_mfa", "german_mfa"),
    "en": ("english_us_arpa", "english_us_arpa"),
    "es": ("spanish_spain_mfa", "spanish_mfa"),
    "fr": ("french_mfa", "french_mfa"),
    "hr": ("croatian_mfa", "croatian_mfa"),
    "ja": ("japanese_mfa", "japanese_mfa"),
    "ko": ("korean_mfa", "korean_mfa"),
    "pl": ("polish_mfa", "polish_mfa"),
    "pt": ("portuguese_brazil_mfa", "portuguese_mfa"),
    "ru": ("russian_mfa", "russian_mfa"),
    "sv": ("swedish_mfa", "swedish_mfa"),
    "th": ("thai_mfa", "thai_mfa"),
    "tr": ("turkish_mfa", "turkish_mfa"),
    "uk": ("ukrainian_mfa", "ukrainian_mfa"),
    "zh": ("mandarin_china_mfa", "mandarin_mfa"),
}
_SUFFIXES = {"dictionary": (".dict", ".yaml", ".txt"), "acoustic": (".zip",)}


@dataclass(frozen=True)
class MfaModels:
    """What `mfa align` is given: paths of files, or names that it has downloaded."""

    dictionary: str
    acoustic: str

    def identity(self) -> dict[str, Any]:
        """Returns what decides the results: the bytes of the models, wherever they lie."""
        named = {"dictionary": self.dictionary, "acoustic": self.acoustic}
        return {kind: _hash(kind, value) or value for kind, value in named.items()}

    def missing(self) -> str | None:
        """Says how to get the one that is neither a file nor downloaded."""
        for kind, value in (("dictionary", self.dictionary), ("acoustic", self.acoustic)):
            if _place(kind, value) is None:
                return f"its {kind} {value} is not there: mfa model download {kind} {value}"
        return None


def choose_models(config: WordsConfig) -> MfaModels:
    """Returns what the config names, else what MFA's makers offer for the language.

    Raises:
        UserError: When a file does not exist, or nothing is known for the language.
    """
    for option in ("mfa_dictionary", "mfa_acoustic"):
        value = getattr(config, option)
        is_path = value and (os.sep in value or Path(value).suffix in (".dict", ".zip"))
        if is_path and not Path(value).exists():
            raise UserError(f"words.{option}={value} does not exist; check the path")
    known = _MODELS.get(language_code(config.language), (None, None))
    dictionary, acoustic = config.mfa_dictionary or known[0], config.mfa_acoustic or known[1]
    if dictionary is None or acoustic is None:
        raise UserError(
            f"no MFA dictionary is known for words.language={config.language} (known: "
            f"{', '.join(_MODELS)}); set words.mfa_dictionary and words.mfa_acoustic"
        )
    return MfaModels(dictionary, acoustic)


def _place(kind: str, value: str) -> Path | None:
    """Finds the file or folder of a model that is given by its path or by its name."""
    root = Path(os.environ.get("MFA_ROOT_DIR", "~/Documents/MFA")).expanduser()
    folder = root / "pretrained_models" / kind
    places = (Path(value), *(folder / f"{value}{suffix}" for suffix in _SUFFIXES[kind]))
    return next((place for place in places if place.exists()), None)


def _hash(kind: str, value: str) -> str | None:
    place = _place(kind, value)
    if place is None or place.is_file():
        return place and model_hash(place)
    return models_hash(path for path in place.rglob("*") if path.is_file())
