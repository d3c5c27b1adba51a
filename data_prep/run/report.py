"""What preparation tells at its end."""

from collections import defaultdict

from data_prep.run.pipeline import Preparation
from llavataros_jax.listing import listed

_MOST_NAMES = 4


def report(preparation: Preparation) -> str:
    """Returns a short table of splits and speakers, and what is remarkable."""
    manifest = preparation.manifest
    rows = [("split", "speaker", "clips", "minutes", "words", "words/min")]
    for split in ("train", "validation"):
        for row, speaker in enumerate(manifest.speakers):
            clips = [clip for clip in manifest.recorded_of(split) if clip.speaker == row]
            if not clips:
                continue
            minutes = sum(clip.seconds for clip in clips) / 60
            words = sum(clip.num_words for clip in clips)
            counts = (str(len(clips)), f"{minutes:.2f}", str(words), f"{words / minutes:.0f}")
            rows.append((split, speaker, *counts))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    words = sum(clip.num_words for clip in preparation.clips)
    unknown = sum(clip.num_unknown for clip in preparation.clips)
    copies = [clip for clip in manifest.clips if clip.copy_of]
    if copies:
        minutes = sum(clip.seconds for clip in copies) / 60
        lines.append(f"and {len(copies)} changed copies of training clips, {minutes:.2f} minutes")
    conversations = sum(
        clip.interlocutor_speaker >= 0 for clip in manifest.clips if not clip.copy_of
    )
    lines.append(
        f"{len(preparation.clips)} clips, {conversations} records with an interlocutor; "
        f"{unknown} of {words} words out of vocabulary; "
        f"{len(preparation.failures)} failed, {len(preparation.skipped)} skipped"
    )
    lines += _notes(preparation)
    if not manifest.clips_of("validation"):
        lines.append("nothing is held out for validation")
    made = ", ".join(f"{stage} {count}" for stage, count in sorted(preparation.made.items()))
    lines.append(f"computed: {made}" if made else "every stage was cached")
    verb = "wrote" if preparation.is_new else "nothing to write, as before in"
    lines.append(f"{verb} {preparation.folder}")
    return "\n".join(lines)


def _notes(preparation: Preparation) -> list[str]:
    """Lists each note once, with the clips that have it."""
    clips_of: dict[str, dict[str, None]] = defaultdict(dict)
    for clip in preparation.manifest.clips:
        for note in () if clip.copy_of else clip.notes:
            clips_of[note][clip.name.removesuffix("+tail")] = None
    return [f"note: {note}: {listed(names, _MOST_NAMES)}" for note, names in clips_of.items()]
