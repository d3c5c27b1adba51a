"""Word vectors from a language model: the state of each word's last sub-token, in context.

Any causal or masked model of `transformers` serves. Each text, an utterance or a whole transcript,
is divided into sub-tokens once; what exceeds the model's context is read in overlapping windows.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float16, Float32, Int

from data_prep.machine.gpus import torch_device
from data_prep.vectors.model_files import check_model, check_size, find_model, refuse_model
from data_prep.vectors.sub_tokens import last_sub_tokens, lay_out, window_of, windows
from data_prep.vectors.tokenizer import frame_of, from_pretrained, open_tokenizer
from llavataros_jax.config import TextConfig
from llavataros_jax.errors import ExhaustedError, UserError

_LONGEST_CONTEXT = 4096
_LARGEST_FLOAT16 = 65504.0


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A model that is ready to read.

    Attributes:
        tokenizer: Divides text into sub-tokens with character offsets.
        network: The model without a head.
        width: Numbers in a state.
        prefix: Sub-tokens that every text begins with, such as the sign of its beginning.
        suffix: Sub-tokens that every text ends with.
        longest: Sub-tokens of text that it can read at once.
        device: Where it computes, such as `cuda:0`.
    """

    tokenizer: Any
    network: Any
    width: int
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    longest: int
    device: str


@dataclass(frozen=True, eq=False)
class _Passage:
    """Sub-tokens that are read at once, and which of their states go to which words."""

    tokens: list[int]
    places: Int[np.ndarray, " n"]
    words: Int[np.ndarray, " n"]


def word_vectors(
    words: Sequence[str], config: TextConfig, *, starts: Sequence[int] = (0,)
) -> Float16[np.ndarray, "K E"]:
    """Computes one vector for each word; only if a model reads nothing for a word it is zero.

    Args:
        words: What is said, in order.
        config: Which model, and how it is to read.
        starts: First word of each text that is read on its own.

    Raises:
        UserError: When the model cannot be had, has another size or runs out of memory.
    """
    if not words:
        return np.zeros((0, config.size), np.float16)
    model = open_model(config)
    check_size(config, model.width)
    longest = model.longest
    if config.context_tokens:
        longest = min(longest, config.context_tokens - len(model.prefix) - len(model.suffix))
    passages: list[_Passage] = []
    for first, stop in zip(starts, (*starts[1:], len(words)), strict=True):
        passages += _passages(words[first:stop], first, model, longest)
    passages.sort(key=lambda passage: -len(passage.tokens))  # so padding is least
    vectors = np.zeros((len(words), model.width), np.float32)
    for begin in range(0, len(passages), config.batch):
        batch = passages[begin : begin + config.batch]
        found = _states(model, [passage.tokens for passage in batch], config.layer)
        for passage, states in zip(batch, found, strict=True):
            vectors[passage.words] = states[passage.places]
    if not np.abs(vectors).max() <= _LARGEST_FLOAT16:  # NaN too
        raise UserError(
            f"text.layer={config.layer} of text.model={config.model} has values beyond 65504, "
            "which records cannot hold, or that are no numbers; choose another layer or text.dtype"
        )
    return vectors.astype(np.float16)


def open_model(config: TextConfig) -> LanguageModel:
    """Loads a model, on the GPU if there is one; the last one stays loaded.

    Raises:
        UserError: When it cannot be had or loaded.
    """
    check_model(config)
    files = find_model(config.model or "")
    return _open(files.name, files.revision, files.identity, config.dtype)


@functools.lru_cache(maxsize=1)
def _open(name: str, revision: str | None, identity: str, dtype: str) -> LanguageModel:
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    device = torch_device()
    options = {"revision": revision} if revision else {}
    logging.set_verbosity_error()  # it reports an unused head as if something were wrong
    logging.disable_progress_bar()
    try:
        tokenizer = open_tokenizer(name, options)
        network, report = from_pretrained(
            AutoModel, name, dtype=getattr(torch, dtype), output_loading_info=True, **options
        )
        network = network.to(device).eval()
    except UserError:
        raise
    except torch.cuda.OutOfMemoryError as problem:
        raise _out_of_memory(name) from problem
    except Exception as problem:  # transformers, safetensors and the hub raise many kinds
        refuse_model(name, problem)
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    missing += sorted(str(key[0]) for key in report["mismatched_keys"])
    if missing:
        raise UserError(
            f"text.model={name} lacks {len(missing)} of its weights, such as {missing[0]}, or they "
            "have other shapes; its files are of another model or damaged: get a whole copy of it"
        )
    known = network.get_input_embeddings().num_embeddings
    if len(tokenizer) > known:
        raise UserError(
            f"text.model={name} knows {known} sub-tokens, but its tokenizer has {len(tokenizer)}; "
            "they are of two models: get a whole copy of one"
        )
    prefix, suffix = frame_of(tokenizer)
    description = network.config.get_text_config()
    limits = (
        getattr(tokenizer, "model_max_length", None),
        getattr(description, "max_position_embeddings", None),
        _LONGEST_CONTEXT,
    )
    longest = min(limit for limit in limits if limit) - len(prefix) - len(suffix)
    width = description.hidden_size
    return LanguageModel(tokenizer, network, width, prefix, suffix, longest, device)


def _passages(
    words: Sequence[str], first: int, model: LanguageModel, longest: int
) -> Iterator[_Passage]:
    """Divides a text into what the model can read at once."""
    text, spans = lay_out(words)
    encoded = model.tokenizer(
        text,
        add_special_tokens=False,
        return_offsets_mapping=True,
        split_special_tokens=True,  # somebody may say "</s>"
        verbose=False,
    )
    tokens = encoded["input_ids"]
    last = last_sub_tokens(spans, encoded["offset_mapping"])
    rows = np.arange(first, first + len(words))
    if (last < 0).any() and model.prefix:
        # Nothing of these words is read, nor anything before them: the text's beginning it is.
        yield _Passage(
            [*model.prefix, *model.suffix],
            np.full((last < 0).sum(), len(model.prefix) - 1),
            rows[last < 0],
        )
    rows, last = rows[last >= 0], last[last >= 0]
    divided = windows(len(tokens), longest)
    chosen = window_of(last, divided)
    for number, window in enumerate(divided):
        here = chosen == number
        if here.any():
            yield _Passage(
                [*model.prefix, *tokens[window.start : window.stop], *model.suffix],
                last[here] - window.start + len(model.prefix),
                rows[here],
            )


def _states(
    model: LanguageModel, texts: Sequence[Sequence[int]], layer: int | None
) -> Float32[np.ndarray, "B T E"]:
    """Computes the states of texts of sub-tokens, padded at their ends to the longest."""
    import torch

    shape = (len(texts), max(len(text) for text in texts))
    padding = model.tokenizer.pad_token_id
    tokens = np.full(shape, 0 if padding is None else padding)
    mask = np.zeros(shape, np.int64)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = text
        mask[row, : len(text)] = 1
    try:
        with torch.inference_mode():
            result = model.network(
                input_ids=torch.from_numpy(tokens).to(model.device),
                attention_mask=torch.from_numpy(mask).to(model.device),
                output_hidden_states=layer is not None,
            )
            states = result.last_hidden_state if layer is None else result.hidden_states[layer]
            return states.float().cpu().numpy()
    except torch.cuda.OutOfMemoryError as problem:
        raise _out_of_memory(model.network.name_or_path) from problem


def _out_of_memory(name: str) -> ExhaustedError:
    return ExhaustedError(
        f"text.model={name} does not fit into the GPU's memory; set text.dtype=bfloat16, a smaller "
        "text.batch or text.context_tokens, or fewer data.workers, each of which loads it"
    )
