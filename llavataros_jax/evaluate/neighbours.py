"""Which other clips lend a clip their speech."""

from collections.abc import Sequence

FOILS = 4


def neighbours(speakers: Sequence[str], clip: int) -> list[int]:
    """Returns the clips of the same speaker that follow one, round the end: at most 1 + `FOILS`."""
    same = [number for number, speaker in enumerate(speakers) if speaker == speakers[clip]]
    place = same.index(clip)
    return [*same[place + 1 :], *same[:place]][: 1 + FOILS]
