"""The columns of every table: a system, the recorded motion, and what knows less than they do."""

from collections.abc import Callable

from llavataros_jax.evaluation import anchors
from llavataros_jax.evaluation.columns import Column, Kind, take_of
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance, Take
from llavataros_jax.motion.trajectories import Trajectories

ATTENUATION = 0.8

Takes = tuple[Take, ...]


def _predicted(performance: Performance) -> Takes:
    if not performance.predicted:
        return ()
    return (take_of(performance, others=performance.predicted[1:]),)


def _real(performance: Performance) -> Takes:
    return (take_of(performance, motion=performance.real),)


def _halves(performance: Performance) -> Takes:
    real = performance.real
    half = real.num_frames // 2
    if not half:
        return ()
    first, second = real.cut(0, half), real.cut(half, 2 * half)
    return (take_of(performance, motion=first, real=second, spoken=None, foils=()),)


def _against(
    motion_of: Callable[[Performance], Takes],
    speeches_of: Callable[[Performance], tuple[Spoken, ...]],
) -> Callable[[Performance], Takes]:
    """Returns what takes a column's motion with other speech."""

    def takes(performance: Performance) -> Takes:
        return tuple(
            Take(
                take.clip,
                take.speaker,
                take.motion,
                take.real,
                spoken,
                foils=tuple(foil for foil in take.foils if not _same(foil, spoken)),
            )
            for take in motion_of(performance)
            for spoken in speeches_of(performance)
        )

    return takes


def _mismatched(performance: Performance) -> tuple[Spoken, ...]:
    return (performance.other,) if performance.other else ()


def _shifted(performance: Performance) -> tuple[Spoken, ...]:
    spoken = performance.spoken
    return anchors.shifted_speech(spoken, performance.clip) if spoken else ()


def _same(first: Spoken, second: Spoken) -> bool:
    place = (first.recording, first.start_seconds)
    return place == (second.recording, second.start_seconds)


def _moved(
    change: Callable[[Performance], Trajectories | None],
) -> Callable[[Performance], Takes]:
    """Returns what takes another motion with the right speech."""

    def takes(performance: Performance) -> Takes:
        motion = change(performance)
        return () if motion is None else (take_of(performance, motion=motion),)

    return takes


def _attenuated(performance: Performance) -> Trajectories | None:
    real = performance.real
    return anchors.brought_to(real, ATTENUATION * anchors.amplitude_metres(real))


def _gain(performance: Performance) -> Trajectories | None:
    if not performance.predicted:
        return None
    amplitude = anchors.amplitude_metres(performance.real)
    return anchors.brought_to(performance.predicted[0], amplitude)


def _column(
    key: str, title: str, kind: Kind, takes: Callable[[Performance], Takes], says: str
) -> Column:
    return Column(key, title, says, kind, takes)


COLUMNS: tuple[Column, ...] = (
    _column("predicted", "predicted", "system", _predicted, "The system's motion."),
    _column("real", "real", "real", _real, "The recorded motion: what a system should come to."),
    _column(
        *("halves", "real halves", "halves", _halves),
        "The first half of every recorded clip beside the second: how near two parts of the same "
        "motion come to each other, of half as many frames.",
    ),
    _column(
        *("predicted_mismatched", "mismatched", "speech", _against(_predicted, _mismatched)),
        "The system's motion with the speech of another clip of the same speaker: where it is no "
        "worse than its own, the system or the measure does not hear.",
    ),
    _column(
        *("predicted_shifted", "shifted", "speech", _against(_predicted, _shifted)),
        "The system's motion with its own speech pushed 5 times along the clip, by 2 s or a "
        "quarter of it at least: rhythm and number of beats stay, their places are wrong.",
    ),
    _column(
        *("real_mismatched", "real mismatched", "speech", _against(_real, _mismatched)),
        "The recorded motion with the speech of another clip of the same speaker: a measure that "
        "cannot tell it from the right speech is not to be read.",
    ),
    _column(
        *("real_shifted", "real shifted", "speech", _against(_real, _shifted)),
        "The recorded motion with its own speech pushed 5 times along the clip.",
    ),
    _column(
        *("mean_pose", "mean pose", "motion", _moved(lambda p: anchors.held_mean(p.real))),
        "The mean pose of every recorded clip, held: best by distance, and nobody's gesture.",
    ),
    _column(
        *("still_pose", "still pose", "motion", _moved(lambda p: anchors.held_still(p.real))),
        "The recorded frame that is nearest to the clip's mean, held.",
    ),
    _column(
        *("noise", "noise", "motion", _moved(lambda p: anchors.noisy(p.real, p.clip))),
        "The recorded motion with white noise of 0.02 rad on each rotation, or, where only "
        "positions are known, of 0.02 m on each place: it jitters.",
    ),
    _column(
        "attenuated",
        f"× {ATTENUATION:g}",
        "motion",
        _moved(_attenuated),
        f"The recorded motion, nearer to its mean so that its hands have {ATTENUATION:g} of their "
        "amplitude: too small, else right.",
    ),
    _column(
        *("gain", "gain", "motion", _moved(_gain)),
        "The system's motion with the gain about its mean that gives the hands of every clip the "
        "recorded amplitude: what a volume control makes of it.",
    ),
    _column(
        *("arm_held", "arm held", "motion", _moved(lambda p: anchors.arm_held(p.real))),
        "The recorded motion with its right arm held still.",
    ),
)
