"""A run directory, whole or exported, opened for animation."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float

from llavataros_jax.config import Config
from llavataros_jax.data.manifest import Manifest, load_manifest
from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.errors import UserError
from llavataros_jax.inference.animate import Animator
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.inference.recording import Recording
from llavataros_jax.inference.stream import Streamer
from llavataros_jax.model import Dials
from llavataros_jax.motion.enlargement import enlarge_recording
from llavataros_jax.motion.expressiveness import Expressiveness
from llavataros_jax.motion.idle import quieten_recording
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.smoothing import smooth_recording
from llavataros_jax.network import build_model
from llavataros_jax.sound.voice import recorded_activity
from llavataros_jax.storage.place import Place
from llavataros_jax.training.checkpoint import load_params
from llavataros_jax.training.exported import is_exported, load_exported
from llavataros_jax.training.remote_run import opened_run
from llavataros_jax.training.run import read_config


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """What a run directory gives to whoever animates.

    Attributes:
        config: Its resolved config, features included.
        manifest: Codec, speakers and statistics of its data.
        animator: The network with its parameters.
        checkpoint: Which checkpoint they are from, such as `best/1200`.
    """

    config: Config
    manifest: Manifest
    animator: Animator
    checkpoint: str

    @property
    def is_sampled(self) -> bool:
        """Whether motions are drawn, another for each seed, and not regressed."""
        return self.config.model.head == "flow"

    def animate(
        self,
        main: ClipSpeech,
        interlocutor: ClipSpeech | None = None,
        *,
        smooth: bool = True,
        seed: int = 0,
    ) -> Motion:
        """Returns the motion of whoever says `main`, one frame for each of its frames.

        `seed`, a number of 32 bits, is that of a sampled head, which is drawn from as the section
        `flow` says. `smooth` allows the filter that `film.smooth` asks for; without it motion stays
        raw. Then come the dials: `film.size`, `film.expressiveness` and `film.idle`.
        """
        poses = self.animator(main, interlocutor, seed=seed, dials=self._head_dials())
        return self._body_motion(main, poses, smooth=smooth)

    def animate_many(
        self,
        recordings: Sequence[Recording],
        *,
        seeds: Sequence[int] | None = None,
        smooth: bool = True,
    ) -> list[Motion]:
        """Returns the motion of each recording as `animate` makes it, several at a time.

        How many depends on the device (`Animator.many`); on a CPU it is one after another. Without
        `seeds` each has the seed 0.
        """
        every = self.animator.many(recordings, seeds=seeds, dials=self._head_dials())
        return [
            self._body_motion(main, poses, smooth=smooth)
            for (main, _), poses in zip(recordings, every, strict=True)
        ]

    def streamer(
        self,
        *,
        lanes: int = 1,
        call_frames: int = 1,
        smooth: bool = True,
        alone: bool = False,
        body_dials: bool = True,
        dials: LiveDials | None = None,
    ) -> Streamer:
        """Returns a stream of live speech whose poses are those of `animate` for the same speech.

        Args:
            lanes: Streams side by side.
            call_frames: Frames that a call mostly brings, as for `Streamer`.
            smooth: As for `animate`.
            alone: Whether no interlocutor is ever given.
            body_dials: Whether the dials of the body can be turned.
            dials: Those of calls that bring none; by default `live_dials` of speech with words.
        """
        film, fps = self.config.film, self.manifest.fps
        return Streamer(
            self.animator.model,
            self.animator.params,
            self.animator.codec,
            lanes=lanes,
            call_frames=call_frames,
            smooth_fps=fps if smooth and film.smooth else None,
            smooth_window=film.smooth_window,
            fps=fps,
            audio=self.config.audio,
            dials=self.live_dials(lanes) if dials is None else dials,
            body_dials=body_dials,
            alone=alone,
        )

    def live_dials(self, lanes: int = 1, *, has_words: bool | Sequence[bool] = True) -> LiveDials:
        """Returns the dials of live streams that the options stand for.

        `has_words` tells, for all lanes or for each, whether words of the speech will be known:
        where none will, movements are `film.wordless_size` times as large.
        """
        return LiveDials.of(lanes, self.config.flow, self.config.film, has_words=has_words)

    def _head_dials(self) -> Dials:
        """Returns the dials of the options; a regression has no use for them."""
        return LiveDials.of(1, self.config.flow).of_head

    def _body_motion(
        self, main: ClipSpeech, poses: Float[np.ndarray, "N P"], *, smooth: bool
    ) -> Motion:
        """Smooths what the network predicted, turns the dials and decodes it."""
        film, fps = self.config.film, self.manifest.fps
        if smooth and film.smooth:
            poses = smooth_recording(poses, fps, film.smooth_window)
        dials = self.live_dials(has_words=bool((main.word_index >= 0).any()))
        poses = enlarge_recording(poses, dials.size.item(), fps=fps)
        codec = self.animator.codec
        if film.expressiveness != 1:
            poses = np.asarray(Expressiveness(codec)(poses, film.expressiveness))
        if film.idle:
            poses = quieten_recording(
                poses,
                recorded_activity(main.word_index, main.audio, self.config.audio, fps=fps),
                film.idle,
                fps=fps,
                ahead_frames=self.config.model.lookahead_frames,
            )
        return codec.decode(poses, fps, main.speaker)

    def speaker_id(self, name: str | None) -> int:
        """Returns a speaker's id; without a name the first one that is no mirror image.

        Raises:
            UserError: When the name is unknown.
        """
        speakers = self.manifest.speakers
        if name is None:
            plain = [s for s in speakers if not s.endswith("_mirror")] or speakers
            return speakers.index(plain[0])
        if name not in speakers:
            raise UserError(
                f"speaker {name!r} is unknown to this run; it knows {', '.join(speakers)}"
            )
        return speakers.index(name)


def open_trained(run: Place) -> TrainedRun:
    """Reads config, manifest and the best checkpoint of a run, or the weights of an exported one.

    Raises:
        UserError: When `run` is no run directory, or has no or a damaged checkpoint, or a bucket
            cannot be reached.
    """
    run = opened_run(run)
    config = read_config(run)
    manifest = load_manifest(run)
    model = build_model(config, manifest)
    abstract = jax.eval_shape(model.init, jax.random.key(0))
    load = load_exported if is_exported(run) else load_params
    params, checkpoint = load(run, abstract)
    return TrainedRun(config, manifest, Animator(model, params, manifest.pose_codec()), checkpoint)
