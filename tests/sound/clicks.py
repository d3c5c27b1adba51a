"""A hum with one click at a known place, as a file of any container that ffmpeg makes."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
from jaxtyping import Float

PROGRAM = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
SECONDS, CLICK_SECONDS = 2.0, 0.7
PICTURES = ("-f", "lavfi", "-i", "testsrc=s=64x64:r=25:d=3")


def click(rate: int) -> Float[np.ndarray, " n"]:
    """Returns the samples; the click is 2 ms long and its middle is where it should be."""
    times = np.arange(round(SECONDS * rate)) / rate
    near = np.abs(times - CLICK_SECONDS) < 0.001
    window = np.where(near, 0.5 + 0.5 * np.cos(np.pi * (times - CLICK_SECONDS) / 0.001), 0)
    hum = 0.02 * np.sin(2 * np.pi * 200 * times)
    return hum + 0.9 * window * np.cos(2 * np.pi * 1500 * (times - CLICK_SECONDS))


def click_seconds(samples: Float[np.ndarray, " n"], rate: int) -> float:
    """Finds the middle of the click."""
    power = samples.astype(np.float64) ** 4
    begin = max(0, int(power.argmax()) - rate // 50)
    near = power[begin : begin + rate // 25]
    return (begin + float(np.average(np.arange(len(near)), weights=near))) / rate


def make(
    path: Path, *options: str, rate: int, channels: int = 1, late: float | None = None
) -> Path:
    """Writes the click by ffmpeg; beside pictures and so many seconds late if `late` is given."""
    source = path.with_name("source.wav")
    samples = np.repeat(click(rate)[:, None], channels, axis=1)
    scipy.io.wavfile.write(source, rate, (32767 * samples).astype(np.int16))
    command = [PROGRAM, "-y", "-v", "error"]
    command += PICTURES if late is not None else ()
    command += ["-itsoffset", f"{late or 0:.3f}", "-i", str(source)]
    command += ["-map", "0:v", "-map", "1:a"] if late is not None else []
    subprocess.run([*command, *options, str(path)], check=True, capture_output=True)
    source.unlink()
    return path
