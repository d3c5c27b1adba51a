"""Pictures of runs and clips."""

import json
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from llavataros_jax.errors import UserError
from llavataros_jax.rendering.plots import (
    mel_decibels,
    plot_losses,
    plot_speech,
    read_curves,
)


def _log(path, rows, tail=""):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + tail)
    return path


ROWS = [
    {"step": 10, "train/loss": 3.0, "train/loss/rotation": 2.0},
    {"step": 20, "train/loss": 2.0, "validation/loss": 2.5, "validation/baseline/mean_pose": 4.0},
    {"step": 30, "train/loss": float("nan"), "note": "text", "flag": True},
    {"step": 20, "train/loss": 1.5},
]


def test_curves_are_read_by_step_and_later_lines_count(tmp_path):
    curves = read_curves(_log(tmp_path / "log.jsonl", ROWS, tail='{"step": 40, "tra'))
    assert set(curves) == {
        "train/loss",
        "train/loss/rotation",
        "validation/loss",
        "validation/baseline/mean_pose",
    }
    steps, values = curves["train/loss"]
    np.testing.assert_array_equal(steps, [10, 20])
    np.testing.assert_array_equal(values, [3.0, 1.5])


def _image(path):
    from matplotlib.image import imread

    return imread(path)


def test_losses_are_drawn_with_baselines(tmp_path, monkeypatch):
    drawn = {}

    def keep(figure, path):
        drawn["lines"] = [line for axis in figure.axes for line in axis.lines]

    monkeypatch.setattr("llavataros_jax.rendering.plots.save_picture", keep)
    plot_losses(tmp_path / "loss.png", _log(tmp_path / "log.jsonl", ROWS))
    lines = {line.get_label(): line for line in drawn["lines"]}
    assert set(lines) == {"training", "validation", "mean pose", "rotation"}
    np.testing.assert_array_equal(lines["training"].get_ydata(), [3.0, 1.5])
    np.testing.assert_array_equal(lines["mean pose"].get_ydata(), [4.0, 4.0])
    assert lines["mean pose"].get_linestyle() == "--"


def test_losses_become_a_picture(tmp_path):
    path = tmp_path / "new" / "loss.png"
    plot_losses(path, _log(tmp_path / "log.jsonl", ROWS[:1]))
    assert _image(path).std() > 0.01
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"step": 1}\n', "no line has"),
        ('nonsense\n{"step": 1, "train/loss": 1}\n', "line 1 is not"),
        ('{"loss": 1}\n{"step": 1, "train/loss": 1}\n', "line 1 is not"),
        ("[1]\n{}\n", "line 1 is not"),
        ("", "no line has"),
    ],
)
def test_bad_logs_are_refused(tmp_path, text, message):
    log = tmp_path / "log.jsonl"
    log.write_text(text)
    with pytest.raises(UserError, match=message):
        plot_losses(tmp_path / "loss.png", log)
    with pytest.raises(UserError, match="no such log"):
        plot_losses(tmp_path / "loss.png", tmp_path / "gone.jsonl")
    assert list(tmp_path.iterdir()) == [log]


def test_unknown_ending_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"loss\.mov"):
        plot_losses(tmp_path / "loss.mov", _log(tmp_path / "log.jsonl", ROWS))


@pytest.mark.parametrize("sample_rate", [16000, 22050])
def test_spectrogram_is_of_triangles_even_in_mel(sample_rate):
    from scipy.signal import get_window

    samples = np.random.default_rng(0).normal(size=sample_rate)
    samples[: sample_rate // 2] *= 0.1
    hop = round(sample_rate / 100)
    # The definition, written out: a periodic Hann window centred on every tenth of a second.
    window = get_window("hann", 4 * hop)
    padded = np.pad(samples, 2 * hop)
    columns = [padded[k * hop : (k + 4) * hop] * window for k in range(20, 80)]
    power = np.abs(np.fft.rfft(columns, axis=1)) ** 2
    frequencies = np.fft.rfftfreq(4 * hop, 1 / sample_rate)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + sample_rate / 1400), 66) / 2595) - 1)
    rise = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    mel = np.maximum(0, np.minimum(rise, fall))
    expected = 10 * np.log10(mel @ power.T)
    ours = mel_decibels(samples, sample_rate=sample_rate)[:, 20:80]
    full = expected.max(axis=1) > -50
    difference = (ours - expected)[full]
    np.testing.assert_allclose(difference, difference[0, 0], atol=1e-6)


def test_speech_is_drawn_with_words_and_beats(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    arguments = {
        "sample_rate": 16000,
        "words": [("hello", 0.2, 0.5), ("$world", 0.5, 0.9), ("outside", 5.0, 6.0)],
        "beats_seconds": np.array([0.25, 0.55, 7.0]),
        "wrist_speeds": {"left": rng.random(30), "right": rng.random(30)},
        "real_wrist_speeds": {"left": rng.random(30)},
        "fps": 30.0,
    }
    path = tmp_path / "speech.png"
    plot_speech(path, rng.normal(size=16000), **arguments)
    assert _image(path).std() > 0.01
    drawn = {}
    monkeypatch.setattr(
        "llavataros_jax.rendering.plots.save_picture",
        lambda figure, _: drawn.update(axes=figure.axes),
    )
    plot_speech(path, rng.normal(size=16000), **arguments)
    above, below = drawn["axes"]
    texts = {text.get_text(): text.get_position()[0] for text in above.texts}
    assert texts == {"hello": pytest.approx(0.35), "$world": pytest.approx(0.7)}
    beats = [line.get_xdata()[0] for line in below.lines if list(line.get_ydata()) == [0, 1]]
    np.testing.assert_allclose(beats, [0.25, 0.55])


def test_silent_speech_and_short_motion_are_drawn(tmp_path):
    plot_speech(
        tmp_path / "speech.png",
        np.zeros(100),
        sample_rate=16000,
        words=(),
        beats_seconds=np.zeros(0),
        wrist_speeds={"left": np.zeros(1)},
        fps=30.0,
    )
    assert (tmp_path / "speech.png").is_file()


def test_empty_span_is_refused(tmp_path):
    with pytest.raises(UserError, match="start_seconds=4"):
        plot_speech(
            tmp_path / "speech.png",
            np.zeros(100),
            sample_rate=16000,
            words=(),
            beats_seconds=np.zeros(0),
            wrist_speeds={"left": np.zeros(30)},
            fps=30.0,
            start_seconds=4.0,
        )


@pytest.mark.parametrize(
    ("missing", "message"),
    [("matplotlib", "drawing plots needs matplotlib"), ("librosa", "spectrogram needs librosa")],
)
def test_a_missing_library_is_named(tmp_path, monkeypatch, missing, message):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UserError, match=f"{message}; install with: "):
        plot_speech(
            tmp_path / "a.png",
            np.ones(16000),
            sample_rate=16000,
            words=[],
            beats_seconds=np.zeros(0),
            wrist_speeds={"left": np.ones(30)},
            fps=30.0,
        )
