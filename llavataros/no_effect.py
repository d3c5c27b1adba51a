"""What the user gave an animation and what changes nothing: it is said, not swallowed."""

import argparse

from llavataros_jax.sound.voice import has_energy
from llavataros_jax.trained import TrainedRun

# Options of the section `film` that change the motion too.
_OF_MOTION = ("film.smooth", "film.smooth_window", "film.size", "film.wordless_size")
_OF_MOTION = (*_OF_MOTION, "film.expressiveness", "film.idle")


def options_without_effect(
    given: argparse.Namespace, run: TrainedRun, *, has_words: bool = True
) -> list[str]:
    """Returns a sentence for everything on the command line that this run does not use.

    `has_words` says whether a word of the recording is known.
    """
    model, film, flow = run.config.model, run.config.film, run.config.flow
    words = given.words or given.transcript
    changed = [override.split("=")[0] for override in given.overrides]
    of_words = [key for key in changed if key.startswith("words.")]
    of_film = [key for key in changed if key.startswith("film.") and key not in _OF_MOTION]
    of_samples = ["--seed"] if given.seed is not None else []
    of_samples += ["--samples"] if given.samples > 1 else []
    hears_other = model.cross_blocks > 0
    told = (
        (
            given.interlocutor_audio and not hears_other,
            "the interlocutor has no effect, because this run has no cross blocks "
            "(model.cross_blocks=0)",
        ),
        (
            words and model.variant == "audio",
            f"{words} only captions the film, because this run hears sound alone "
            "(model.variant=audio)",
        ),
        (
            model.variant == "text",
            "the sound of the recording has no effect, because this run reads words alone "
            "(model.variant=text)",
        ),
        (
            given.speaker and len(run.manifest.speakers) == 1,
            f"--speaker {given.speaker} has no effect, because this run knows one speaker only",
        ),
        (
            given.no_smoothing and not film.smooth,
            "--no-smoothing has no effect, because film.smooth=false",
        ),
        (
            of_words and (given.words or given.features),
            f"{', '.join(of_words)} has no effect, because words come from "
            f"{given.words or given.features}",
        ),
        (
            film.idle and not has_words and not has_energy(run.config.audio),
            f"film.idle={film.idle:g} has no effect, because nothing tells where it is silent: no "
            f"word is known, and features of audio.kind={run.config.audio.kind} have no loudness",
        ),
        (
            run.is_sampled and flow.guidance != 1 and flow.drop_speech == 0,
            f"flow.guidance={flow.guidance:g} leads away from nothing that this run knows, because "
            "it never had to do without speech (flow.drop_speech=0)",
        ),
        (
            of_samples and run.is_sampled and flow.temperature == 0,
            f"{' and '.join(of_samples)} has no effect, because all samples are the same at "
            "flow.temperature=0",
        ),
        (of_film and given.no_film, f"{', '.join(of_film)} has no effect with --no-film"),
        (
            given.features and (given.interlocutor_words or given.interlocutor_transcript),
            "the interlocutor's words have no effect, because features are given",
        ),
    )
    return [sentence for holds, sentence in told if holds]
