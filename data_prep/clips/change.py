"""What is drawn for a changed copy of a clip, always the same for the same clip and number.

Every number has an address: a hash of the seed, the clip, the number of the copy and what it is
for. So copies do not depend on how many there are, in which order or by how many processes they
are made, and one option that is changed draws nothing else anew.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from data_prep.machine.fingerprint import content_hash
from data_prep.sound.changed_sound import SoundChange
from llavataros_jax.config.augmentation import AugmentationConfig

NOISE_RANGE_DECIBELS = 20.0
_DIGITS = 16  # hexadecimal ones of a hash that make a number


@dataclass(frozen=True)
class Change:
    """How a clip is changed; as it stands, nothing is.

    Attributes:
        is_mirrored: Whether left and right change places.
        speed: How much faster motion, sound and words run.
        amplitude: By how much movement about its slow course is multiplied.
        sound: What becomes of the speaker's sound; None leaves every feature of it as it is.
        interlocutor: What becomes of the interlocutor's.
    """

    is_mirrored: bool = False
    speed: float = 1.0
    amplitude: float = 1.0
    sound: SoundChange | None = None
    interlocutor: SoundChange | None = None

    @property
    def note(self) -> str:
        """What the user should know of a copy."""
        noise = self.sound and self.sound.noise
        sound = self.sound or SoundChange()
        return (
            f"a changed copy: speed {self.speed:.3f}, movement {self.amplitude:.3f}, pitch "
            f"{sound.pitch_semitones:+.2f} semitones, gain {sound.gain_decibels:+.1f} dB, low "
            f"{sound.low_decibels:+.1f} dB, high {sound.high_decibels:+.1f} dB, "
            + (
                f"{noise} noise at -{sound.noise_decibels:.0f} dB"
                if noise != "none"
                else "no noise"
            )
        )

    def of_motion(self, num_frames: int) -> dict[str, Any]:
        """Returns what the motion of the first frames depends on, as JSON can hold it."""
        return {
            "is_mirrored": self.is_mirrored,
            "speed": self.speed,
            "amplitude": self.amplitude,
            "frames": num_frames,
        }

    def of_sound(self, sound: SoundChange, num_frames: int) -> dict[str, Any]:
        """Returns what the sound of the first frames depends on, as JSON can hold it."""
        return {"speed": self.speed, "frames": num_frames, **dataclasses.asdict(sound)}


def draw_change(config: AugmentationConfig, name: str, number: int, *, is_mirrored: bool) -> Change:
    """Draws the change of copy `number` of a clip, counted from 1."""
    address = (config.seed, name, number)
    return Change(
        is_mirrored=is_mirrored,
        speed=1 + config.time_warp * _signed(*address, "speed"),
        amplitude=1 + config.amplitude * _signed(*address, "amplitude"),
        sound=_draw_sound(config, *address, "sound"),
        interlocutor=_draw_sound(config, *address, "interlocutor"),
    )


def _draw_sound(config: AugmentationConfig, *address: object) -> SoundChange:
    least = config.noise_decibels
    seed = int(content_hash([*address, "noise"])[:_DIGITS], 16)
    sound = SoundChange(
        pitch_semitones=config.pitch_semitones * _signed(*address, "pitch"),
        gain_decibels=config.gain_decibels * _signed(*address, "gain"),
        low_decibels=config.filter_decibels * _signed(*address, "low"),
        high_decibels=config.filter_decibels * _signed(*address, "high"),
    )
    if least is None:
        return sound
    return dataclasses.replace(
        sound,
        noise="pink" if _signed(*address, "colour") < 0 else "white",
        noise_decibels=least + NOISE_RANGE_DECIBELS * (1 + _signed(*address, "ratio")) / 2,
        noise_seed=seed,
    )


def _signed(*address: object) -> float:
    """Returns a number in [-1, 1), equally likely everywhere, by its address."""
    drawn = int(content_hash(list(address))[:_DIGITS], 16) / 16**_DIGITS
    return 2 * drawn - 1
