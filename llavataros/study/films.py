"""The films of a study: all of one size, rate and coding, so that nothing but the motion differs.

They show no words and no waveform, by which speech could be matched with the eye, and their names
tell neither system nor speech.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from data_prep.machine.fingerprint import content_hash, file_hash
from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError
from llavataros_jax.motion.reader import MOTION_SUFFIXES, read_motion
from llavataros_jax.rendering.encoder import CODEC, open_encoder
from llavataros_jax.rendering.film import draw_film
from llavataros_jax.rendering.scene import Scene
from llavataros_jax.rendering.soundtrack import open_soundtrack
from llavataros_jax.sound.ffmpeg import ffmpeg_program
from llavataros_jax.sound.reader import read_info

VERSION = 1  # rises when the same files give another film
SUFFIX = ".mp4"
_BACKDROP = "0xECECEC"


@dataclass(frozen=True)
class Shot:
    """A film to be made.

    Attributes:
        motion: Motion file, or a film whose pictures are taken.
        own_audio: Recording that the motion was made for.
        audio: Recording to be heard.
        start_seconds: Where in motion and recording the film begins.
        num_frames: Frames of the film.
        fps: Its frames per second.
        width: Pixels.
        height: Pixels.
    """

    motion: Path
    own_audio: Path
    audio: Path
    start_seconds: float
    num_frames: int
    fps: float
    width: int
    height: int

    @property
    def seconds(self) -> float:
        """Length of the film."""
        return self.num_frames / self.fps

    def name(self, hashes: dict[Path, str]) -> str:
        """Returns the film's file name, which tells what is in it only to who has the files.

        Args:
            hashes: Of files that were read; is added to.
        """
        files = (self.motion, self.own_audio, self.audio)
        for path in files:
            hashes.setdefault(path, file_hash(path))
        shape = (self.start_seconds, self.num_frames, self.fps, self.width, self.height)
        return content_hash([VERSION, *(hashes[path] for path in files), *shape])[:16] + SUFFIX


def write_shot(path: Path, shot: Shot) -> None:
    """Draws a motion, or takes the pictures of a film, under the speech to be heard.

    Raises:
        UserError: A file cannot be read, or ffmpeg fails.
    """
    sound = open_soundtrack(shot.audio, start_seconds=shot.start_seconds, film_seconds=shot.seconds)
    if shot.motion.suffix.lower() not in MOTION_SUFFIXES:
        _recode(path, shot, [*sound.input_options, "-map", "0:v:0", "-map", "1:a:0"])
        return
    seconds = read_info(shot.own_audio).seconds
    motion, _ = read_motion(shot.motion, audio_seconds=seconds)
    first = round(shot.start_seconds * motion.fps)
    motion = motion.cut(first, min(motion.num_frames, first + round(shot.seconds * motion.fps) + 1))
    scene = Scene([motion], shot.fps, shot.num_frames)
    width, height = shot.width, shot.height
    with open_encoder(path, fps=shot.fps, sound=sound, width=width, height=height) as encoder:
        for picture in draw_film(scene, width=width, height=height):
            encoder.write(picture)


def _recode(path: Path, shot: Shot, sound: list[str]) -> None:
    """Fits the pictures of a film into the frame of all others."""
    size = f"{shot.width}:{shot.height}"
    fit = f"scale={size}:force_original_aspect_ratio=decrease"
    pad = f"pad={size}:(ow-iw)/2:(oh-ih)/2:color={_BACKDROP},setsar=1,fps={shot.fps:.10g}"
    command = [ffmpeg_program(), "-y", "-v", "error", "-nostdin"]
    command += ["-ss", f"{shot.start_seconds:.6f}", "-i", f"file:{shot.motion}", *sound]
    command += ["-vf", f"{fit},{pad}", "-frames:v", str(shot.num_frames), "-ar", "48000"]
    with atomic_path(path) as partial:
        done = subprocess.run(
            [*command, *CODEC, str(partial)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise UserError(f"{shot.motion} cannot be put into the study by ffmpeg: {reason}")
