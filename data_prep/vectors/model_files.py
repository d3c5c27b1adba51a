"""Where a language model lies, what it holds, and what to say when it cannot be had."""

import contextlib
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from data_prep.machine.fingerprint import models_hash
from llavataros_jax.config import TextConfig
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

INSTEAD = (
    "use a model that is free to all, such as text.model=TinyLlama/TinyLlama_v1.1 with "
    "text.size=2048, or text.kind=wordllama with text.size=256 and without text.model, which needs "
    "no download"
)

_READ_SUFFIXES = {".json", ".safetensors", ".bin", ".model", ".txt"}


@dataclass(frozen=True)
class ModelFiles:
    """A language model that is on this machine at least by its `config.json`.

    Attributes:
        name: Folder, or name on the hub.
        revision: Commit of the hub's repository; None for a folder.
        identity: Tells it from every other model, wherever it lies.
    """

    name: str
    revision: str | None
    identity: str


def find_model(name: str) -> ModelFiles:
    """Finds a folder, or a name of the hub in its cache on this machine, else on the hub.

    Raises:
        UserError: When there is none, it is gated, or the hub cannot be reached.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return ModelFiles(str(folder), None, _folder_identity(folder))
    if name.startswith(("/", ".", "~")) or name.count("/") > 1 or folder.exists():
        raise UserError(
            f"text.model={name} is no folder; name the folder with the model's config.json, or "
            "a model of the Hugging Face hub as owner/name"
        )
    return _find_on_hub(name)


def check_model(config: TextConfig) -> None:
    """Refuses options that do not fit the model, by its `config.json` alone.

    Raises:
        UserError: When the extra is not installed, the model cannot be had or an option is wrong.
    """
    _require_extra()
    from transformers import AutoConfig

    files = find_model(config.model or "")
    try:
        description: Any = AutoConfig.from_pretrained(files.name, revision=files.revision or "main")
    except (OSError, ValueError) as problem:
        refuse_model(files.name, problem)
    if description.is_encoder_decoder:
        raise UserError(
            f"text.model={config.model} is an encoder with a decoder ({description.model_type}), "
            "but a causal or masked language model is needed, such as one of LLaMA or BERT"
        )
    description = description.get_text_config()
    check_size(config, description.hidden_size)
    blocks = description.num_hidden_layers
    if config.layer is not None and not 0 <= config.layer <= blocks:
        raise UserError(
            f"text.layer={config.layer} does not exist in text.model={config.model}; it has blocks "
            f"1 to {blocks}, and 0 for its embeddings"
        )


def check_size(config: TextConfig, width: int) -> None:
    """Refuses a `text.size` that is not the model's width."""
    if config.size != width:
        raise UserError(
            f"text.size={config.size}, but the states of text.model={config.model} have {width} "
            f"numbers; set text.size={width}"
        )


def refuse_model(name: str, problem: BaseException) -> NoReturn:
    """Says why a model cannot be had and what to use instead."""
    kinds, cause = set(), problem
    while cause is not None:
        kinds |= {kind.__name__ for kind in type(cause).__mro__}
        cause = cause.__cause__ or cause.__context__
    if "GatedRepoError" in kinds:
        reason = (
            "is gated and this machine has no access to it: accept its licence on its Hugging "
            f"Face page and run `hf auth login`, or {INSTEAD}"
        )
    elif "RepositoryNotFoundError" in kinds or "HFValidationError" in kinds:
        reason = (
            "does not exist on the Hugging Face hub, or is private and needs `hf auth login`; "
            f"correct the name, or {INSTEAD}"
        )
    elif kinds & {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectError", "HTTPError"}:
        reason = (
            "is not on this machine and the Hugging Face hub cannot be reached; name the folder "
            "of a copy, connect to the network, or set text.kind=wordllama with text.size=256 "
            "and without text.model"
        )
    else:
        first = (str(problem).strip().splitlines() or [""])[0].rstrip(".")
        reason = (
            f"cannot be loaded ({type(problem).__name__}: {first}); get a whole copy of it, or "
            f"{INSTEAD}"
        )
    raise UserError(f"text.model={name} {reason}") from problem


def _require_extra() -> None:
    purpose = "text.kind=language_model, unlike text.kind=wordllama,"
    require_packages(purpose, "torch", "transformers", extra="text")


@functools.cache
def _find_on_hub(name: str) -> ModelFiles:
    _require_extra()
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    path = None
    with contextlib.suppress(LocalEntryNotFoundError, HFValidationError):
        path = hf_hub_download(name, "config.json", local_files_only=True)
    if path is None:
        try:
            path = hf_hub_download(name, "config.json")
        except Exception as problem:  # of many kinds, all about the hub or the name
            refuse_model(name, problem)
    revision = Path(path).parent.name
    return ModelFiles(name, revision, f"{name}@{revision}")


def _folder_identity(folder: Path) -> str:
    paths = (path for path in folder.iterdir() if path.suffix in _READ_SUFFIXES)
    if not (folder / "config.json").is_file():
        raise UserError(
            f"text.model={folder} has no config.json, so it is no language model; name the folder "
            "that `save_pretrained` or a download of the model wrote"
        )
    return models_hash(path for path in paths if path.is_file())
