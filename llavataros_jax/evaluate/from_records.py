"""Clips of records, each beside what a run or files say of it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.recordings import find_recording
from llavataros_jax.data.segments import interlocutor_of, speech_of, without_words, words_of
from llavataros_jax.errors import UserError
from llavataros_jax.evaluate.neighbours import neighbours
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.inference.animate import side_by_side
from llavataros_jax.inference.recording import Recording
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.trajectories import of_motion
from llavataros_jax.trained import TrainedRun

# From a clip's name and arrays to the motions that a system makes of it.
Predict = Callable[[str, Mapping[str, Any]], tuple[Motion, ...]]


class RecordClips:
    """The clips of a split, with the motions that a system makes of them."""

    def __init__(
        self, reader: ClipReader, recordings: Path, predict: Predict, *, system: str
    ) -> None:
        """Takes the clips of `reader`, whose sound lies in the folder `recordings`.

        Raises:
            UserError: When the split is empty.
        """
        if not len(reader):
            raise UserError(f"records {reader.records} have no clip of the split {reader.split}")
        self.system, self.split = system, reader.split
        self.reader, self._recordings, self._predict = reader, recordings, predict
        self._speakers = [reader.manifest.speakers[clip.speaker] for clip in reader.clips]
        self._codec = reader.manifest.pose_codec()

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, clip: int) -> Performance:
        entry, arrays = self.reader.clips[clip], self.reader[clip]
        real = self._codec.decode(arrays["pose"], self.reader.manifest.fps, entry.speaker)
        others = [self._spoken(number) for number in neighbours(self._speakers, clip)]
        return Performance(
            clip=entry.name,
            speaker=self._speakers[clip],
            real=of_motion(real),
            predicted=tuple(of_motion(motion) for motion in self._predict(entry.name, arrays)),
            spoken=self._spoken(clip),
            other=others[0] if others else None,
            foils=tuple(others[1:]),
        )

    def _spoken(self, clip: int) -> Spoken:
        entry, fps = self.reader.clips[clip], self.reader.manifest.fps
        return Spoken(
            find_recording(self._recordings, entry.recording, option="--recordings"),
            start_seconds=entry.start_frame / fps,
            seconds=entry.num_frames / fps,
            words=tuple(words_of(self.reader[clip])),
        )


def animated_by(
    run: TrainedRun,
    *,
    hide_words: bool = False,
    samples: int = 1,
    reader: ClipReader | None = None,
) -> Predict:
    """Returns what animates clips by a run, once for each of the seeds 0, 1, … up to `samples`.

    Args:
        run: The run.
        hide_words: Whether it animates from sound alone.
        samples: Motions of each clip.
        reader: Where a clip's followers are, which are animated along with it where the device has
            room for several; without it each clip is animated by itself.
    """
    numbers = {} if reader is None else {clip.name: n for n, clip in enumerate(reader.clips)}
    clips = max(1, side_by_side() // samples)
    ready: dict[str, tuple[Motion, ...]] = {}

    def heard(arrays: Mapping[str, Any]) -> Recording:
        main, other = speech_of(arrays), interlocutor_of(arrays)
        if hide_words:
            main, other = without_words(main), other and without_words(other)
        return main, other

    def predict(name: str, arrays: Mapping[str, Any]) -> tuple[Motion, ...]:
        if name not in ready:
            ready.clear()
            group = {name: heard(arrays)}
            if reader is not None:
                after = range(numbers[name] + 1, min(numbers[name] + clips, len(reader)))
                group |= {reader.clips[n].name: heard(reader[n]) for n in after}
            motions = run.animate_many(
                [recording for recording in group.values() for _ in range(samples)],
                seeds=[*range(samples)] * len(group),
            )
            for place, other in enumerate(group):
                ready[other] = tuple(motions[place * samples : (place + 1) * samples])
        return ready.pop(name)

    return predict
