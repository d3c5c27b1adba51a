"""How the channels of a recording become one, when some are dead or cancel each other."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

SILENT_PEAK = 1e-4  # −80 dB of full scale
# Channels that have nothing in common mix to 1/C of their power; this share of that is left where
# they are one another's negative.
_CANCELLED = 0.2
_AS_LOUD = 0.9


@dataclass(frozen=True)
class Mix:
    """Which channels are heard: the mean of these.

    Attributes:
        channels: Their numbers.
        note: What is done, as a clause; empty for one channel.
    """

    channels: tuple[int, ...]
    note: str = ""

    def __call__(self, block: Float32[np.ndarray, "n channels"]) -> Float32[np.ndarray, " n"]:
        """Mixes a block down."""
        if len(self.channels) == 1:
            return np.ascontiguousarray(block[:, self.channels[0]])
        # Column by column: a mean over so short an axis takes ten times as long.
        total = block[:, self.channels[0]].copy()
        for channel in self.channels[1:]:
            total += block[:, channel]
        total *= 1 / len(self.channels)
        return total


@dataclass(frozen=True)
class Levels:
    """What is known of a recording once all of it was read.

    Attributes:
        num_samples: Samples of each channel.
        peaks: Largest magnitude of each channel.
        powers: Mean square of each channel.
        mixed_power: Mean square of the mean of all channels.
    """

    num_samples: int
    peaks: tuple[float, ...]
    powers: tuple[float, ...]
    mixed_power: float


def measure(blocks: Iterable[Float32[np.ndarray, "n channels"]], channels: int) -> Levels:
    """Measures all blocks of a recording."""
    num_samples, mixed, mean_of_all = 0, 0.0, Mix(tuple(range(channels)))
    peaks, powers = np.zeros(channels), np.zeros(channels)
    for block in blocks:
        if not len(block):
            continue
        num_samples += len(block)
        rows = np.ascontiguousarray(block.T)
        peaks = np.maximum(peaks, np.maximum(rows.max(axis=1), -rows.min(axis=1)))
        powers += np.einsum("cn,cn->c", rows, rows)
        mean = mean_of_all(block)
        mixed += float(np.einsum("n,n->", mean, mean))
    count = max(1, num_samples)
    return Levels(
        num_samples, tuple(peaks.tolist()), tuple((powers / count).tolist()), mixed / count
    )


def choose_mix(levels: Levels) -> Mix:
    """Chooses what is heard: the mean of the channels with sound, or the loudest if they cancel."""
    count = len(levels.peaks)
    if count == 1:
        return Mix((0,))
    live = [channel for channel, peak in enumerate(levels.peaks) if peak > SILENT_PEAK]
    kind = "stereo" if count == 2 else f"{count} channels"
    if not live or len(live) == count:
        mean_power = sum(levels.powers) / count
        if live and levels.mixed_power < _CANCELLED * mean_power / count:
            loudest = int(np.argmax(np.array(levels.powers) > _AS_LOUD * max(levels.powers)))
            return Mix(
                (loudest,),
                f"{kind} whose sides cancel each other, so {_name(loudest, count)} alone is heard",
            )
        return Mix(tuple(range(count)), f"{kind} mixed down to mono")
    if len(live) == 1:
        return Mix(
            (live[0],),
            f"{kind}, of which {_name(live[0], count)} alone has sound and is heard",
        )
    return Mix(tuple(live), f"{kind} mixed down to mono, but for {count - len(live)} without sound")


def _name(channel: int, count: int) -> str:
    return ("the left", "the right")[channel] if count == 2 else f"channel {channel + 1}"
