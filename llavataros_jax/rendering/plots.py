"""Pictures of a run and of a clip: loss curves, and speech above the speed of the wrists."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError
from llavataros_jax.motion.beats import speed_minima
from llavataros_jax.packages import require_packages
from llavataros_jax.sound.first_import import load_librosa

TRAIN, VALIDATION = "#46969a", "#d88a60"
INK, FAINT = "#464e60", "#a9afba"
BASELINES = {
    "validation/baseline/mean_pose": ("mean pose", "--"),
    "validation/baseline/still_pose": ("still pose", ":"),
}
HANDS = {"left": "#46969a", "right": "#d88a60"}
MELS = 64
STEPS_PER_SECOND = 100
SUFFIXES = (".png", ".pdf", ".svg", ".jpg", ".jpeg")


def plot_losses(path: Path, log: Path) -> None:
    """Draws the loss curves of a run's `log.jsonl`, with the baselines as dashed lines.

    Each line of the log is an object with a `step` and any of `train/loss`, `train/loss/NAME`,
    `validation/loss`, `validation/baseline/mean_pose` and `validation/baseline/still_pose`; a last
    line that was cut by a crash is left out. Terms of the training loss are drawn beside the whole.

    Raises:
        UserError: The log is missing, holds no losses, or a line is not JSON; or the picture's
            ending is unknown.
    """
    check_picture(Path(path))
    curves = read_curves(Path(log))
    terms = {
        name.removeprefix("train/loss/"): curve
        for name, curve in curves.items()
        if name.startswith("train/loss/")
    }
    if not any(name in curves for name in ("train/loss", "validation/loss")):
        raise UserError(f"{log}: no line has train/loss or validation/loss, so there is no curve")
    figure, axes = subplots(1, 2 if terms else 1, size=(11.0 if terms else 6.5, 4.0))
    whole = axes[0]
    for name, colour, label in (
        ("train/loss", TRAIN, "training"),
        ("validation/loss", VALIDATION, "validation"),
    ):
        if name in curves:
            steps, values = curves[name]
            marker = "o" if len(steps) < 40 else ""
            whole.plot(steps, values, color=colour, label=label, marker=marker, markersize=3)
            if name == "validation/loss":
                best = int(np.argmin(values))
                note = f"{values[best]:.3g}"
                place = {"xytext": (0, -12), "textcoords": "offset points", "ha": "center"}
                whole.annotate(note, (steps[best], values[best]), color=colour, fontsize=8, **place)
    for name, (label, style) in BASELINES.items():
        if name in curves:
            value = float(curves[name][1][-1])
            whole.axhline(value, color=INK, linestyle=style, linewidth=1, label=label)
    whole.set_title("loss", fontsize=10)
    if terms:
        for name, (steps, values) in sorted(terms.items()):
            axes[1].plot(steps, values, linewidth=1.1, label=name.replace("_", " "))
        axes[1].set_title("terms of the training loss", fontsize=10)
    for axis in axes:
        axis.set_xlabel("step")
        _log_scale_if_wide(axis)
        axis.legend(frameon=False, fontsize=8)
    save_picture(figure, Path(path))


def read_curves(log: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Reads every finite number of a JSONL log by name: steps in rising order and values.

    A resumed run may log a step twice; the later line counts.

    Raises:
        UserError: The file is missing, or a line before the last one is not a JSON object.
    """
    if not log.is_file():
        raise UserError(f"{log}: there is no such log; training writes it as log.jsonl in its run")
    found: dict[str, dict[int, float]] = {}
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            step = int(row["step"])
        except (ValueError, KeyError, TypeError) as problem:
            if number == len(lines):
                break
            raise UserError(
                f"{log}: line {number} is not a JSON object with a step; remove that line"
            ) from problem
        for name, value in row.items():
            number_like = isinstance(value, int | float) and not isinstance(value, bool)
            if name != "step" and number_like and np.isfinite(value):
                found.setdefault(name, {})[step] = float(value)
    return {
        name: (np.array(sorted(curve)), np.array([curve[step] for step in sorted(curve)]))
        for name, curve in found.items()
    }


def plot_speech(
    path: Path,
    samples: Float[np.ndarray, " samples"],
    *,
    sample_rate: int,
    words: Sequence[tuple[str, float, float]],
    beats_seconds: Float[np.ndarray, " beats"],
    wrist_speeds: Mapping[str, Float[np.ndarray, " T"]],
    fps: float,
    real_wrist_speeds: Mapping[str, Float[np.ndarray, " T"]] | None = None,
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
) -> None:
    """Draws speech above the speed of the wrists, after Fig. 2 of LLAniMAtion.

    Above: the log-mel spectrogram with every word at its time and the beats of the audio as lines,
    which go on through the plot below: the speed of both hands, its minima (the beats of the
    motion) marked, and the real motion's speed, if there is one, as thin lines.

    Args:
        path: Picture to write.
        samples: Mono sound.
        sample_rate: Hertz.
        words: Text, start and end in seconds.
        beats_seconds: Times of the audio's beats.
        wrist_speeds: Metres per second on every frame, by `left` and `right`.
        fps: Frames per second of the speeds.
        real_wrist_speeds: The same of the recorded motion.
        start_seconds: Where the picture begins; about 8 seconds can be read well.
        stop_seconds: Where it ends; the end of the motion when not given.

    Raises:
        UserError: There is nothing to draw between start and stop, or a library is missing.
    """
    check_picture(Path(path))
    total = max((len(speed) for speed in wrist_speeds.values()), default=0) / fps
    stop = min(total, np.inf if stop_seconds is None else stop_seconds)
    if not stop > start_seconds >= 0:
        raise UserError(
            f"no motion between start_seconds={start_seconds:g} and {stop:g}, so there is nothing "
            "to draw; choose a start within the motion"
        )
    width = float(np.clip(1.5 * (stop - start_seconds), 6, 24))
    figure, (above, below) = subplots(2, 1, size=(width, 5.2), sharex=True)
    part = np.asarray(samples, np.float64)[: int(stop * sample_rate)]
    decibels = mel_decibels(part[int(start_seconds * sample_rate) :], sample_rate=sample_rate)
    half = 0.5 / STEPS_PER_SECOND
    seconds = start_seconds + decibels.shape[1] / STEPS_PER_SECOND
    extent = (start_seconds - half, seconds - half, 0.0, float(MELS))
    above.imshow(decibels, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=-70)
    above.set_ylabel("mel band")
    _write_words(above, words, start_seconds, stop)
    for beat in np.asarray(beats_seconds, float):
        if start_seconds <= beat <= stop:
            above.axvline(beat, color="white", linewidth=0.9, alpha=0.8)
            below.axvline(beat, color=FAINT, linewidth=0.9)
    for side, speed in (real_wrist_speeds or {}).items():
        time = np.arange(len(speed)) / fps
        label = f"{side} wrist, real"
        colour = HANDS.get(side, INK)
        below.plot(time, speed, color=colour, linewidth=0.8, alpha=0.55, ls="--", label=label)
    for side, speed in wrist_speeds.items():
        speed = np.asarray(speed)
        time = np.arange(len(speed)) / fps
        colour = HANDS.get(side, INK)
        below.plot(time, speed, color=colour, linewidth=1.5, label=f"{side} wrist")
        lows = speed_minima(speed, fps=fps)
        below.plot(time[lows], speed[lows], "o", color=colour, markersize=4, mec="white", mew=0.6)
    below.set_ylabel("speed in m/s")
    below.set_xlabel("seconds")
    below.set_xlim(start_seconds, stop)
    shown = [
        np.asarray(speed)[int(start_seconds * fps) : int(np.ceil(stop * fps))]
        for speed in (*wrist_speeds.values(), *(real_wrist_speeds or {}).values())
    ]
    below.set_ylim(0, 1.08 * max(max(float(speed.max(initial=0)) for speed in shown), 1e-3))
    below.legend(frameon=False, fontsize=8, ncols=4, loc="upper right")
    save_picture(figure, Path(path))


def mel_decibels(
    samples: Float[np.ndarray, " samples"], *, sample_rate: int
) -> Float[np.ndarray, "mels steps"]:
    """Computes a log-mel spectrogram in 10 ms steps, decibels below its loudest point, for the eye.

    Windows of 40 ms are centred on the steps; mel bands are triangles after HTK.
    """
    require_packages("drawing a spectrogram", "librosa", extra="prep")
    librosa = load_librosa()
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    hop = max(1, round(sample_rate / STEPS_PER_SECOND))
    size = 4 * hop
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    transform = ShortTimeFFT(hann(size, sym=False), hop, sample_rate)
    steps = max(1, -(-len(samples) // hop))
    power = np.abs(transform.stft(padded, p0=0, p1=steps)) ** 2
    filters = librosa.filters.mel(
        sr=sample_rate, n_fft=size, n_mels=MELS, htk=True, norm=None, dtype=np.float64
    )
    mel = filters @ power
    return 10 * np.log10(np.maximum(mel / max(float(mel.max()), 1e-10), 1e-7))


def _write_words(axis: Any, words: Sequence[tuple[str, float, float]], start: float, stop: float):
    """Writes words above the spectrogram, in two rows, so that neighbours do not collide."""
    shown = [word for word in sorted(words, key=lambda word: word[1]) if start <= word[1] < stop]
    for row, (text, begin, end) in enumerate(shown):
        height = 1.03 + 0.09 * (row % 2)
        middle = (begin + min(end, stop)) / 2
        bar = [begin + 0.01, max(min(end, stop) - 0.01, begin + 0.02)]
        axis.plot(bar, [MELS - 1.5] * 2, color="white", linewidth=1.8, solid_capstyle="butt")
        axis.text(
            middle,
            height,
            text,
            transform=axis.get_xaxis_transform(),
            ha="center",
            fontsize=8,
            color=INK,
            parse_math=False,
        )


def _log_scale_if_wide(axis: Any) -> None:
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axis.lines])
    if len(values) and values.min() > 0 and values.max() / values.min() > 8:
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("{x:g}" if values.max() / values.min() < 30 else "")


def check_picture(path: Path) -> None:
    """Finds out whether a picture can be drawn here, before work ends in one.

    Raises:
        UserError: Its ending is none of a picture's, or a library is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: a picture's name must end in one of {', '.join(SUFFIXES)}")
    require_packages("drawing plots", "matplotlib", extra="viz")


def subplots(rows: int, columns: int, *, size: tuple[float, float], **options: Any):
    """Makes a figure that never touches a display or the state of pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(which="both", colors=INK, labelsize=8)
    return figure, axes


def save_picture(figure: Any, path: Path) -> None:
    """Writes a figure, whole or not at all."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=140)
