"""Whether a table can be believed: what must hold of its anchors, whoever was measured."""

from collections.abc import Iterator, Mapping, Sequence

from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.tally import Cell, difference

Cells = Mapping[str, Mapping[str, Cell]]

FEWEST_CLIPS = 5
_STILL = 1e-6
_AMPLITUDES = {"attenuated": 0.8, "gain": 1.0}
_AMPLITUDE_TOLERANCE = 0.03
_OTHER_SPEECH = {"real_mismatched": "mismatched", "real_shifted": "shifted"}
_TITLES = {"mean_pose": "mean pose", "still_pose": "still pose"}


def check(cells: Cells, clips: int, measures: Sequence[Measure] = ()) -> tuple[str, ...]:
    """Returns what is wrong with a table, a sentence for each; nothing when it is sane.

    Measures are known by their keys: of speed, jerk, amplitude, and Fréchet distances. Those that
    hear are known by what they say of themselves.

    Args:
        cells: By measure and column (`anchor_columns`); what is absent is not checked.
        clips: Number of clips.
        measures: Those of the table.
    """
    return (
        *_few_clips(clips),
        *_poses_move(cells),
        *_noise_passes(cells),
        *_amplitudes_fail(cells),
        *_halves_are_far(cells),
        *(words for measure in measures for words in _deaf(cells, measure)),
        *_alignment_without_speech(cells),
    )


def _few_clips(clips: int) -> Iterator[str]:
    if clips < FEWEST_CLIPS:
        yield (
            f"only {clips} {'clip was' if clips == 1 else 'clips were'} measured, so intervals say "
            f"little; measure {FEWEST_CLIPS} or more"
        )


def _poses_move(cells: Cells) -> Iterator[str]:
    for key in _keys(cells, "speed", "_per_second"):
        for column, title in _TITLES.items():
            value = _value(cells, key, column)
            if value is not None and abs(value) > _STILL:
                yield f"{key} is {value:.3g} of a {title} that is held, where it must be 0"


def _noise_passes(cells: Cells) -> Iterator[str]:
    for key in _keys(cells, "jerk", "_per_second3"):
        noise, real = _value(cells, key, "noise"), _value(cells, key, "real")
        if noise is not None and real is not None and noise <= real:
            yield (
                f"{key} is {real:.3g} of the recorded motion and no more, {noise:.3g}, with noise: "
                "the recording itself jitters"
            )
    yield from _nearer(cells, "fd_k", "noise", "motion with noise")


def _amplitudes_fail(cells: Cells) -> Iterator[str]:
    for key in _keys(cells, "amplitude_ratio"):
        for column, expected in _AMPLITUDES.items():
            value = _value(cells, key, column)
            if value is not None and abs(value - expected) > _AMPLITUDE_TOLERANCE:
                yield (
                    f"{key} is {value:.3g} in the column {column}, where it must be {expected:g} ± "
                    f"{_AMPLITUDE_TOLERANCE:g}: amplitudes cannot be compared here"
                )


def _halves_are_far(cells: Cells) -> Iterator[str]:
    yield from _nearer(cells, "fd_g", "mean_pose", "a held mean pose")
    yield from _nearer(cells, "fgd", "mean_pose", "a held mean pose")


def _nearer(cells: Cells, start: str, column: str, title: str) -> Iterator[str]:
    """Says where an anchor is nearer to the recorded motion than that is to itself."""
    for key in (key for key in cells if key.startswith(start)):
        anchor, halves = _value(cells, key, column), _value(cells, key, "halves")
        if anchor is not None and halves is not None and anchor <= halves:
            yield (
                f"{key} is {anchor:.3g} of {title} and {halves:.3g} between halves of the recorded "
                "motion: these clips are too few or too unlike to read it"
            )


def _deaf(cells: Cells, measure: Measure) -> Iterator[str]:
    """Says where a measure of timing does not tell the right speech from another."""
    columns = cells.get(measure.key, {})
    if not measure.hears or "real" not in columns:
        return
    right, sign = columns["real"], -1 if measure.towards in ("low", "zero") else 1
    deaf, backwards = [], []
    for column, speech in _OTHER_SPEECH.items():
        if column not in columns:
            continue
        apart = difference(right, columns[column])
        low, high = sorted((sign * apart.low, sign * apart.high))
        numbers = f"{columns[column].value:.3g} with {speech} speech"
        if high < 0:
            backwards.append(numbers)
        elif low <= 0 <= high:
            deaf.append(numbers)
    own = f"of the recorded motion {measure.key} is {right.value:.3g} with its own speech and"
    if backwards:
        yield f"{own} better, {', '.join(backwards)}: it prefers the wrong speech, do not read it"
    if deaf:
        yield (
            f"{own} {', '.join(deaf)}: it cannot tell matched from mismatched speech, do not read "
            "it"
        )


def _alignment_without_speech(cells: Cells) -> Iterator[str]:
    for key in (key for key in cells if key.startswith("alignment")):
        cell = cells[key].get("real_mismatched")
        if cell is not None and (cell.low > 0.5 or cell.high < 0.5):
            yield (
                f"{key} is {cell.value:.3g} [{cell.low:.3g}, {cell.high:.3g}] of the recorded "
                "motion with mismatched speech, where chance is 0.5: it knows something else than "
                "what belongs together"
            )


def _keys(cells: Cells, *parts: str) -> list[str]:
    return [key for key in cells if all(part in key for part in parts)]


def _value(cells: Cells, key: str, column: str) -> float | None:
    cell = cells[key].get(column)
    return None if cell is None or cell.value != cell.value else cell.value
