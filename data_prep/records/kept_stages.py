"""The kept results of stages, cut to the frames of a record."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Int32

from data_prep.clips.cache import Arrays, load_stage
from data_prep.clips.prepared_clip import PreparedClip, motion_from_arrays
from data_prep.clips.speech import words_from_arrays
from data_prep.records.plan import PlannedRecord
from data_prep.words.word import Word, frame_index
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.rest_pose import with_rest_pose_of


class KeptStages:
    """Reads what the stages kept, one clip at a time."""

    def __init__(
        self,
        folder: Path,
        fps: int,
        *,
        frame_rule: Literal["interval", "pointer"] = "interval",
    ) -> None:
        self._folder = folder
        self._fps = fps
        self._frame_rule: Literal["interval", "pointer"] = frame_rule

    def motion(self, record: PlannedRecord) -> Motion:
        """Returns the record's motion."""
        motion = motion_from_arrays(self.load(record.main, "motion"))
        if record.rest_pose is not None:
            motion = with_rest_pose_of(motion, record.rest_pose)
        return motion.cut(record.cut.start_frame, record.cut.stop_frame)

    def speech(
        self, record: PlannedRecord, person: PreparedClip
    ) -> tuple[list[Word], dict[str, Any]]:
        """Returns the words that reach into the record, and the person's features on its frames."""
        start, stop, fps = record.cut.start_frame, record.cut.stop_frame, self._fps
        words = words_from_arrays(self.load(person, "words")) if person.num_words else []
        rows = [
            row
            for row, word in enumerate(words)
            if word.start_seconds < stop / fps and word.end_seconds > start / fps
        ]
        # One more entry at the end serves row -1, silence.
        place = np.full(len(words) + 1, -1, np.int32)
        place[rows] = np.arange(len(rows))
        return [words[row] for row in rows], {
            "audio": self.load(person, "audio")["features"][start:stop],
            "words": self.load(person, "text")["vectors"][rows],
            "word_index": place[self._index(words, stop)[start:]],
        }

    def _index(self, words: list[Word], num_frames: int) -> Int32[np.ndarray, " N"]:
        return frame_index(words, num_frames, self._fps, rule=self._frame_rule)

    def load(self, person: PreparedClip, stage: str) -> Arrays:
        """Returns what a stage keeps of a person's whole clip.

        Raises:
            UserError: When it has gone.
        """
        arrays = load_stage(self._folder, stage, person.key(stage))
        if arrays is None:
            raise UserError(
                f"the stage {stage} of clip {person.clip.name} went from {self._folder} while "
                "records were written; run the same command again"
            )
        return arrays
