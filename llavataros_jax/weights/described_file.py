"""Safetensors files that describe themselves by one JSON text: what they are, and how to read them.

One text alone, because safetensors writes several in an order that changes from run to run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llavataros_jax.errors import UserError
from llavataros_jax.weights.safetensors_file import read_tensors, read_texts, write_tensors

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Kind:
    """A kind of such files.

    Attributes:
        name: In messages, such as `embedding`.
        key: Of the text.
        version: Of the format; files of another one are refused.
        made_by: Command that makes one.
    """

    name: str
    key: str
    version: int
    made_by: str


def check_name(path: Path, kind: Kind) -> None:
    """Refuses names that do not end in `.safetensors`.

    Raises:
        UserError: When it does not.
    """
    if path.suffix != SUFFIX:
        raise UserError(f"the {kind.name} is written to a {SUFFIX} file, not to {path}; rename it")


def write_described(
    path: Path, kind: Kind, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]
) -> None:
    """Writes arrays and what is told about them atomically; the same give the same bytes.

    Raises:
        UserError: When the name does not end in `.safetensors`.
    """
    check_name(path, kind)
    whole = {**about, "format_version": kind.version}
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_tensors(path, arrays, about={kind.key: text})


def read_described(path: Path, kind: Kind) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads arrays and what is told about them.

    Raises:
        UserError: When the file is missing, damaged, or of another kind or version.
    """
    arrays, texts = read_tensors(path), read_texts(path)
    if kind.key not in texts:
        raise UserError(
            f"{path} is a safetensors file, but no {kind.name}; make one with {kind.made_by}"
        )
    try:
        about = json.loads(texts[kind.key])
        version = about["format_version"]
    except (ValueError, KeyError, TypeError) as problem:
        raise misdescribed(path, kind, problem) from problem
    if version != kind.version:
        raise UserError(
            f"{kind.name} {path} has format {version}, but this program reads {kind.version}; fit "
            "it again"
        )
    return arrays, about


def misdescribed(path: Path, kind: Kind, problem: Exception) -> UserError:
    """Returns the refusal of a file that tells of itself what cannot be."""
    return UserError(
        f"{kind.name} {path} does not describe itself as it should ({type(problem).__name__}: "
        f"{problem}); copy it again or fit it again"
    )
