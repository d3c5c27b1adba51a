"""How often motion that was not learnt from prefers its own speech."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.alignment.material import AlignmentClip, parts, recordings
from llavataros_jax.alignment.preference import preferences, preferred_share, share_interval

# From a clip to the embeddings of its windows of motion and of speech.
Embed = Callable[[AlignmentClip], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Accuracy:
    """How often natural motion that was not learnt from preferred its own speech.

    Attributes:
        share: Of all comparisons; 0.5 is chance; `None` when there was nothing to compare.
        interval: Of 95 %, by bootstrap over clips, or parts of 10 s of long ones.
        comparisons: How many.
        clips: Clips or parts that have any.
    """

    share: float | None = None
    interval: tuple[float, float] | None = None
    comparisons: int = 0
    clips: int = 0

    @property
    def excludes_chance(self) -> bool:
        """Says whether the whole interval lies above a half: only then may scores be shown."""
        return self.interval is not None and self.interval[0] > 0.5


UNKNOWN = Accuracy()


@dataclass(frozen=True)
class CurvePoint:
    """What a model was worth that learnt from so many seconds of the data set."""

    seconds: float
    accuracy: Accuracy


def accuracy(embed: Embed, clips: Sequence[AlignmentClip], *, seed: int = 0) -> Accuracy:
    """Lets the motion of clips choose between their own speech and all other of the speaker's.

    Of clips in which the same is said, such as a take and its mirror image, the first counts alone:
    the others say nothing that is new.
    """
    firsts = [
        clip for number, clip in zip(recordings(clips), clips, strict=True) if clip is clips[number]
    ]
    pieces = [piece for clip in firsts for piece in parts(clip)]
    wins, counts = judge(embed, pieces)
    return Accuracy(
        preferred_share(wins, counts),
        share_interval(wins, counts, seed=seed),
        int(counts.sum()),
        int(np.count_nonzero(counts)),
    )


def judge(
    embed: Embed, clips: Sequence[AlignmentClip]
) -> tuple[Float[np.ndarray, " clips"], Float[np.ndarray, " clips"]]:
    """Returns for each clip how many comparisons its own speech won, and of how many.

    Rivals are the other clips of the speaker, but those in which the same is said.
    """
    embedded = [embed(clip) for clip in clips]
    numbers = recordings(clips)
    results = []
    for mine, clip in enumerate(clips):
        rivals = [
            embedded[other][1]
            for other, rival in enumerate(clips)
            if numbers[other] != numbers[mine]
            and (rival.source, rival.speaker) == (clip.source, clip.speaker)
        ]
        results.append(preferences(*embedded[mine], rivals))
    wins, counts = np.array(results, np.float64).reshape(-1, 2).T
    return wins, counts
