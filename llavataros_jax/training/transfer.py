"""The parameters of one network as the beginning of another: what is reused, converted and new.

Whatever has the same name and shape is reused. What belongs to records is fitted to the new ones:

* The speaker table keeps the row of every speaker of the same name; others begin as the mean.
* The output layer predicts a normalised pose. For the same joints it is converted, exactly, so that
  the pose in metres stays the same function: with mean m and scale s of each dimension
  W' = W s_old / s_new and b' = (b s_old + m_old - m_new) / s_new. Other joints get a new one.
* The first layer hears standardised sound, and is left alone: another microphone, room or loudness
  moves and scales the features of the same speech, which is what standardising takes away.
  Converted, it would hear a foreign room where the network learned speech.
* Words are the same vectors whoever says them, and statistics of a few hundred are chance, so
  their piece is converted, exactly: W' = W s_new / s_old, and (m_new - m_old) / s_old · W is added
  wherever a word is active, which is what the weights of the word bit do. A network without the
  word bit has no place for that, and its piece is left alone like that of sound.
* A sampled head works on components of the training motion. Other components get new layers at its
  two ends; what is between them is kept.
* Features of another kind or size get new pieces (`feature_kind`).
"""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from llavataros_jax.config import AudioConfig, ModelConfig, TextConfig
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.model import Params
from llavataros_jax.training.conversion import (
    Arrays,
    output_for,
    pieces_for,
    same_pose,
    same_statistics,
    words_for,
)
from llavataros_jax.training.parameters import named_leaves

_TRUNK = (
    *("d_model", "heads", "d_head", "d_inner", "self_blocks", "cross_blocks"),
    *("d_speaker", "norm"),
)
# What changes neither names nor shapes but how parameters are used.
_USE = (
    *("lookahead_frames", "memory_frames", "span_frames", "cross_memory", "memory_reset"),
    *("word_bit", "standardise_features"),
)
# What of a sampled head works on components of poses, which each set of records has its own of.
_FLOW_ENDS = ("flow.enter.", "flow.recall.", "flow.leave.")
_MEANING = {
    "mel": ("sample_rate", "mels"),
    "pase": ("sample_rate", "pase_mode"),
    "hashed": ("size", "ngram_min", "ngram_max"),
    "language_model": ("size", "model", "layer", "context", "context_tokens"),
}


@dataclasses.dataclass(frozen=True)
class Network:
    """What a network is, besides its parameters.

    Attributes:
        model: Its options.
        manifest: The records that it is for.
    """

    model: ModelConfig
    manifest: Manifest


@dataclasses.dataclass(frozen=True)
class Transfer:
    """Parameters to begin with, and what became of those of the source.

    Attributes:
        params: As the new network needs them.
        total: Arrays of the new network.
        new: What is drawn or measured anew, each with the reason in brackets.
        fresh: Arrays behind `new`.
        converted: What was converted so that it computes the same, each with the reason.
        unused: Arrays of the source that the new network has no place for.
        used_otherwise: Options with which the source was trained otherwise, with both values.
    """

    params: Params
    total: int
    new: tuple[str, ...]
    fresh: int
    converted: tuple[str, ...]
    unused: tuple[str, ...]
    used_otherwise: tuple[str, ...]

    def sentences(self, source: str) -> list[str]:
        """Says what is reused of `source`, such as `runs/corpus (best/4000)`."""
        said = [
            f"training.start_from={source}: {self.total - self.fresh} of {self.total} arrays "
            f"reused; new: {', '.join(self.new) or 'nothing'}"
        ]
        if self.converted:
            said.append(f"converted to compute the same as before: {', '.join(self.converted)}")
        if self.unused:
            said.append(
                f"this network has no place for {', '.join(self.unused)} of training.start_from"
            )
        if self.used_otherwise:
            said.append(f"it was trained with {', '.join(self.used_otherwise)}")
        return said


def require_same_trunk(model: ModelConfig, source: ModelConfig, *, start_from: str) -> None:
    """Refuses a source whose blocks do not fit.

    Raises:
        UserError: Naming the options and both values.
    """
    differing = [
        f"model.{name}={getattr(source, name)}, not {getattr(model, name)}"
        for name in _TRUNK
        if getattr(source, name) != getattr(model, name)
    ]
    if differing:
        raise UserError(
            f"training.start_from={start_from} has {'; '.join(differing)}; set the same here or "
            "choose another run to start from"
        )


def transferred(drawn: Params, now: Network, params: Params, source: Network) -> Transfer:
    """Returns the parameters with which a new network begins.

    Args:
        drawn: Fresh parameters of the new network.
        now: The new network; `require_same_trunk` has let it pass.
        params: Parameters of the source.
        source: The network that they are from.
    """
    old: Arrays = {name: np.asarray(leaf) for name, leaf in named_leaves(params)}
    new: Arrays = {name: np.asarray(leaf) for name, leaf in named_leaves(drawn)}
    reasons = {
        name: "other features"
        for feature in ("audio", "words")
        if feature_kind(now, feature) != feature_kind(source, feature)
        for name in pieces_for(new, feature)
    }
    if "cross" in (now.model.variant, source.model.variant) and (
        now.model.variant != source.model.variant
    ):
        joins = (name for name in new if name.startswith("frontend."))
        reasons |= dict.fromkeys(joins, f"model.variant was {source.model.variant}")
    codecs = source.manifest.pose_codec(), now.manifest.pose_codec()
    if not same_pose(*codecs):
        reasons |= dict.fromkeys(("output.kernel", "output.bias"), "another skeleton")
    if now.manifest.pose_basis != source.manifest.pose_basis:
        ends = (name for name in new if name.startswith(_FLOW_ENDS))
        reasons |= dict.fromkeys(ends, "other components of poses")
    for name, leaf in new.items():
        if name not in old:
            reasons.setdefault(name, "not in the source")
        elif old[name].shape != leaf.shape and name != "speakers":
            reasons.setdefault(name, "another size")
    kept = {name: old[name] for name in new if name not in reasons}
    table = _speaker_rows(old["speakers"], source.manifest.speakers, now.manifest.speakers)
    converted = []
    if "output.kernel" in kept and not same_statistics(*codecs):
        kept |= output_for(*codecs, kernel=kept["output.kernel"], bias=kept["output.bias"])
        converted.append("output (other pose statistics)")
    statistics = source.manifest.statistics, now.manifest.statistics
    if now.model.standardise_features and any(
        statistics[0][name] != statistics[1][name] for name in ("words_mean", "words_std")
    ):
        words = words_for(kept, *statistics)
        kept |= words
        converted += ["word input (other word statistics)"] * bool(words)
    result = {**new, **kept, "speakers": table}
    fresh = [f"{piece} ({why})" for piece, why in _told(reasons)]
    strangers = set(now.manifest.speakers) - set(source.manifest.speakers)
    if strangers:
        count = len(now.manifest.speakers)
        fresh.insert(0, f"speaker table ({len(strangers)} new of {count})")
    leaves = [result[name].astype(np.float32) for name in new]
    return Transfer(
        params=jax.tree.unflatten(jax.tree.structure(drawn), leaves),
        total=len(new),
        new=tuple(fresh),
        fresh=len(reasons) + bool(strangers),
        converted=tuple(converted),
        unused=tuple(name for name in old if name not in new),
        used_otherwise=tuple(_differing(now, source)),
    )


def feature_kind(network: Network, feature: str) -> dict[str, Any]:
    """Returns what decides what the numbers of a feature, `audio` or `words`, mean.

    Where weights of PASE+ or of a language model lie says nothing; a model's last name does.
    """
    section, defaults = ("audio", AudioConfig()) if feature == "audio" else ("text", TextConfig())
    made_from = network.manifest.feature_config.get(section, {})
    options = dataclasses.asdict(defaults) | made_from if made_from else {}
    names = _MEANING.get(options.get("kind", ""), ("size",))
    kind: dict[str, Any] = {name: options.get(name) for name in ("kind", *names)}
    if kind.get("model"):
        kind["model"] = Path(kind["model"]).name
    size = network.manifest.feature_size(feature)
    return {**kind, "numbers": size, "standardised": network.model.standardise_features}


def _speaker_rows(
    table: Float[np.ndarray, "S C"], old: tuple[str, ...], new: tuple[str, ...]
) -> Float[np.ndarray, "N C"]:
    mean = table.mean(axis=0, dtype=np.float64)
    return np.stack([table[old.index(name)] if name in old else mean for name in new])


def _differing(now: Network, source: Network) -> list[str]:
    pairs = {
        f"model.{name}": (getattr(source.model, name), getattr(now.model, name)) for name in _USE
    }
    pairs["motion.fps"] = source.manifest.fps, now.manifest.fps
    return [f"{name}={old}, not {new}" for name, (old, new) in pairs.items() if old != new]


def _told(reasons: dict[str, str]) -> list[tuple[str, str]]:
    """Returns the pieces of the network that are new, each once, with the first reason."""
    pieces: dict[str, str] = {}
    for name, why in reasons.items():
        words = {
            ".from_audio.": "sound input",
            ".from_words.": "word input",
            **dict.fromkeys(_FLOW_ENDS, "ends of the flow head"),
        }
        piece = next((told for part, told in words.items() if part in name), name.split(".")[0])
        pieces.setdefault(piece, why)
    return list(pieces.items())
