"""The tokenizer that belongs to a language model."""

from pathlib import Path
from typing import Any

from data_prep.vectors.sentencepiece_tokenizer import sentencepiece_tokenizer
from llavataros_jax.errors import UserError

_TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"),
    *("spiece.model", "sentencepiece.bpe.model"),
)


def open_tokenizer(name: str, options: dict[str, Any]) -> Any:
    """Loads the tokenizer of a folder, or of a name on the hub at the revision in `options`.

    Raises:
        UserError: When there is none, or none that tells where its sub-tokens lie.
    """
    from transformers import AutoTokenizer

    folder = Path(name)
    if folder.is_dir():
        found = [file for file in _TOKENIZER_FILES if (folder / file).is_file()]
        if not found:  # transformers would make one that knows nothing
            raise UserError(
                f"text.model={name} has no tokenizer (such as tokenizer.json); copy it from where "
                "the model is from"
            )
        if found == ["tokenizer.model"]:
            return sentencepiece_tokenizer(folder / "tokenizer.model")
    tokenizer = from_pretrained(AutoTokenizer, name, **options)
    if not tokenizer.is_fast:
        raise UserError(
            f"text.model={name} has no fast tokenizer, without which its sub-tokens cannot be "
            "traced to words; bring a copy with tokenizer.json, or choose another model"
        )
    return tokenizer


def from_pretrained(kind: Any, name: str, **options: Any) -> Any:
    """Loads from this machine alone if all is there, so that no network is waited for."""
    try:
        return kind.from_pretrained(name, local_files_only=True, **options)
    except OSError:
        if Path(name).is_dir():
            raise
    return kind.from_pretrained(name, **options)


def frame_of(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Finds what the tokenizer puts before and after every text."""
    encoded = tokenizer("a", return_special_tokens_mask=True)
    tokens, mask = encoded["input_ids"], encoded["special_tokens_mask"]
    body = [place for place, is_special in enumerate(mask) if not is_special]
    first, last = (body[0], body[-1]) if body else (len(tokens), len(tokens))
    return tuple(tokens[:first]), tuple(tokens[last + 1 :])
