"""Clips that have little to measure get an answer from every protocol, not an error."""

import importlib

import numpy as np
import pytest

from llavataros_jax.evaluation.protocol import Protocol, ProtocolOptions
from llavataros_jax.evaluation.protocols.genea_joints import GENEA_2020, GENEA_FULL_BODY
from llavataros_jax.evaluation.take import Performance, matched
from llavataros_jax.evaluation.tally import Tally
from llavataros_jax.motion.motion import motion_from_local
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import of_motion
from tests.evaluation.protocols.bodies import body

OTHERS = {"genea": GENEA_FULL_BODY, "genea2020": GENEA_2020}
NAMES = ("emage", "rag", "leaderboard", "genea2026", *OTHERS)


def opened(name: str, *, quirks: bool = True) -> Protocol:
    module = importlib.import_module(f"llavataros_jax.evaluation.protocols.{name}")
    return module.protocol(ProtocolOptions(quirks=quirks))


def moving(name: str, num_frames: int, *, still: bool = False, seed: int = 0):
    """Moves a body that fits the protocol, with rotations."""
    if name not in OTHERS:
        return body(num_frames, seed=seed, amplitude=0.0 if still else 0.4)
    names, random = OTHERS[name], np.random.default_rng(seed)
    parents = (-1, *range(len(names) - 1))
    skeleton = Skeleton(names, parents, random.normal(0, 0.1, (len(names), 3)))
    turns = np.cumsum(random.normal(0, 0.0 if still else 0.05, (num_frames, len(names), 4)), axis=0)
    turns[..., 3] += 5
    turns /= np.linalg.norm(turns, axis=-1, keepdims=True)
    root = np.zeros((num_frames, 3))
    return of_motion(motion_from_local(turns, skeleton.offsets, root, fps=30.0, skeleton=skeleton))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("num_frames", "still"), [(1, False), (2, False), (31, False), (400, False), (400, True)]
)
def test_short_still_and_identical_motion(name, num_frames, still):
    protocol = opened(name)
    tally = Tally(protocol.measures, protocol.columns)
    for clip in range(2):
        motion = moving(name, num_frames, still=still, seed=clip)
        tally.add(matched(protocol.prepare(Performance(str(clip), "x", motion, (motion, motion)))))
    for key, columns in tally.cells(resamples=20).items():
        for column, cell in columns.items():
            assert np.isfinite(cell.value) or num_frames < 400 or still, (key, column)
            assert np.isfinite(cell.value) or np.isnan(cell.value), (key, column)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("quirks", [True, False])
def test_a_table_says_what_it_is(name, quirks):
    protocol = opened(name, quirks=quirks)
    assert protocol.name == name
    assert protocol.version == 1
    assert protocol.settings["quirks"] == ("reproduced" if quirks else "corrected")
    assert "github.com" in protocol.settings["reference"]
    assert len({measure.key for measure in protocol.measures}) == len(protocol.measures)
    for text in (protocol.says, protocol.joints, *protocol.lacks):
        assert text
    for measure in protocol.measures:
        assert "github.com" in measure.source
        assert measure.says.endswith(".")
