"""Microphones and loudspeakers, by sounddevice, which needs PortAudio."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float32

from llavataros.live.speech import Form, Part
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

_BLOCK_SECONDS = 0.02
_LOOK_SECONDS = 0.25


def sound_system() -> ModuleType:
    """Returns sounddevice.

    Raises:
        UserError: When it or PortAudio is missing.
    """
    require_packages("sound devices", "sounddevice", extra="live")
    try:
        import sounddevice
    except OSError as problem:
        raise UserError(
            f"microphones and loudspeakers cannot be used ({problem}); install PortAudio, as with "
            "apt install libportaudio2"
        ) from None
    return sounddevice


def device_lines() -> list[str]:
    """Returns a line for each microphone: its number, name and rate.

    Raises:
        UserError: When there is none.
    """
    system = sound_system()
    found = [
        f"{number}  {device['name']}  ({device['default_samplerate']:g} Hz)"
        for number, device in enumerate(system.query_devices())
        if device["max_input_channels"] > 0
    ]
    if not found:
        raise UserError(
            "no microphone was found; connect one, or name a recording instead of --microphone"
        )
    return found


class Microphone:
    """A microphone as speech without words.

    Attributes:
        name: What the system calls it.
        sample_rate: Samples a second.
        form: `none`: words are not known.
    """

    form: Form = "none"

    def __init__(self, device: str | None = None) -> None:
        """Finds it.

        Args:
            device: Its number or a part of its name; the system's choice by default.

        Raises:
            UserError: When there is none or no such.
        """
        self._system = sound_system()
        self._device: int | str | None = int(device) if device and device.isdecimal() else device
        found = device_lines()
        try:
            known: Any = self._system.query_devices(self._device, "input")
        except (ValueError, self._system.PortAudioError) as problem:
            what = f"--microphone {device}" if device else "the system's microphone"
            raise UserError(
                f"{what} cannot be used ({_sentence(problem)}); there are {'; '.join(found)}"
            ) from None
        self.name, self.sample_rate = str(known["name"]), round(known["default_samplerate"])
        self._heard: queue.SimpleQueue[Float32[np.ndarray, " n"]] = queue.SimpleQueue()
        self._stop = threading.Event()

    def parts(self) -> Iterator[Part]:
        """Yields what is heard until `stop`.

        Raises:
            UserError: When the microphone cannot be opened.
        """
        try:
            stream = self._system.InputStream(
                device=self._device,
                channels=1,
                samplerate=self.sample_rate,
                blocksize=round(_BLOCK_SECONDS * self.sample_rate),
                dtype="float32",
                callback=self._hear,
            )
        except self._system.PortAudioError as problem:
            raise UserError(
                f"microphone {self.name!r} cannot be opened ({_sentence(problem)}); close what "
                "uses it, or name another of --list-devices"
            ) from None
        with stream:
            while not self._stop.is_set():
                try:
                    yield Part(self._heard.get(timeout=_LOOK_SECONDS))
                except queue.Empty:
                    continue

    def stop(self) -> None:
        """Ends `parts`."""
        self._stop.set()

    def _hear(self, samples: Float32[np.ndarray, "n 1"], *_: Any) -> None:
        # A driver that has nothing may hand over whatever lay there; a copy, in any case.
        self._heard.put(np.nan_to_num(samples[:, 0], posinf=0.0, neginf=0.0))


class Loudspeaker:
    """Plays sound beside the motion, from the moment that it is started."""

    def __init__(
        self, sample_rate: int, samples: Callable[[], Iterable[Float32[np.ndarray, " n"]]]
    ) -> None:
        """Opens it.

        Args:
            sample_rate: Samples a second.
            samples: Yields what is played.

        Raises:
            UserError: When there is no loudspeaker.
        """
        system = sound_system()
        try:
            self._stream = system.OutputStream(samplerate=sample_rate, channels=1, dtype="float32")
        except (ValueError, system.PortAudioError) as problem:
            raise UserError(
                f"--play-sound: no loudspeaker can be used ({_sentence(problem)}); leave the "
                "option out"
            ) from None
        self._samples = samples
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)

    def start(self) -> None:
        """Begins to play."""
        self._stream.start()
        self._thread.start()

    def close(self) -> None:
        """Stops."""
        self._stop.set()
        self._stream.abort()
        self._stream.close()

    def _play(self) -> None:
        for samples in self._samples():
            if self._stop.is_set():
                return
            self._stream.write(np.ascontiguousarray(samples[:, None]))


def _sentence(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0].rstrip(".") if str(problem).strip() else "no reason"
