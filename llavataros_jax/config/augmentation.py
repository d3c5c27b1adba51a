"""Changed copies of training clips, by which little data becomes more."""

from dataclasses import dataclass

from llavataros_jax.config.require import require

MOST_COPIES = 1000


@dataclass(frozen=True)
class AugmentationConfig:
    """What preparation adds to the training clips; held-out clips are never copied or changed.

    Of each copy, everything is drawn anew from the ranges below, always the same for the same
    seed, clip and number of the copy.

    Attributes:
        copies: Changed copies of each training clip, and of each mirror image, beside it.
        mirror: Adds the mirror image of each training clip, as a speaker of its own.
        time_warp: Largest change of speed: a copy runs at 1 - x to 1 + x times the speed, its
            motion, sound, words and interlocutor together; the pitch of voices stays.
        amplitude: Largest change of size: movement about its own slow course is multiplied by
            1 - x to 1 + x.
        gain_decibels: Sound becomes so much louder or softer at most.
        filter_decibels: Its low and its high tones become so much louder or softer at most.
        noise_decibels: Smallest ratio of sound to added noise, pink or white, which is up to 20
            more; null adds none.
        pitch_semitones: Voices become so much higher or lower at most.
        seed: Number from which all of it is drawn.
    """

    copies: int = 0
    mirror: bool = False
    time_warp: float = 0.1
    amplitude: float = 0.1
    gain_decibels: float = 6.0
    filter_decibels: float = 6.0
    noise_decibels: float | None = 20.0
    pitch_semitones: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        def check(name: str, most: float, *, is_less: bool = False) -> None:
            value = getattr(self, name)
            fits = 0 <= value < most if is_less else 0 <= value <= most
            range_ = f"at least 0 and less than {most:g}" if is_less else f"from 0 to {most:g}"
            require(fits, f"augmentation.{name} must be {range_}", self)

        check("copies", MOST_COPIES)
        check("time_warp", 0.5, is_less=True)
        check("amplitude", 1, is_less=True)
        check("gain_decibels", 40)
        check("filter_decibels", 24)
        check("pitch_semitones", 6)
        check("seed", 2**63, is_less=True)
        if self.noise_decibels is not None:
            check("noise_decibels", 100)
