"""What a study consists of: for the page's script, and for the record of who made it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_prep.machine.fingerprint import content_hash
from llavataros.study.clips import Clip
from llavataros.study.design import Comparison, Film
from llavataros.study.films import Shot
from llavataros.study.page import QUESTIONS, TASKS


def contents(
    given: argparse.Namespace,
    consent: list[str],
    comparisons: Sequence[Comparison],
    files: dict[Film, str],
) -> dict[str, Any]:
    """Returns what the page's script reads."""
    study = {
        "kind": given.kind,
        "title": given.title,
        "task": TASKS[given.kind],
        "question": given.question or QUESTIONS[given.kind],
        "consent": consent,
        "trials": given.trials,
        "ratio": [given.width, given.height],
        "embedded": given.single_file,
        "comparisons": [
            {
                "clip": each.films[0].clip,
                "attention": each.attention,
                "films": [
                    {"system": film.system, "speech": film.speech, "file": files[film]}
                    for film in each.films
                ],
            }
            for each in comparisons
        ],
    }
    # By what is compared and asked: another page for the same films is the same study.
    identity = {key: study[key] for key in ("kind", "question", "comparisons")}
    return {"study": content_hash(identity)[:10], **study}


def record(
    given: argparse.Namespace,
    study: dict,
    clips: Sequence[Clip],
    shots: dict[Film, Shot],
    files: dict[Film, str],
    hashes: dict[Path, str],
) -> dict[str, Any]:
    """Returns what the maker of the study wants to know later."""
    settings = {key: value for key, value in vars(given).items() if key != "work"}
    return {
        **{key: study[key] for key in ("study", "kind", "question", "comparisons")},
        "settings": settings,
        "seconds": {clip.name: round(clip.seconds, 3) for clip in clips},
        "films": {
            files[film]: {
                "system": film.system,
                "clip": film.clip,
                "speech": film.speech,
                "motion": str(shot.motion),
                "motion_blake2b": hashes[shot.motion],
                "audio": str(shot.audio),
                "audio_blake2b": hashes[shot.audio],
            }
            for film, shot in shots.items()
        },
    }
