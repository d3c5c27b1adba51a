import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from data_prep.run.pipeline import prepare
from tests.data_prep.recordings import small_config, write_clip
from tests.data_prep.run.test_pipeline import silent


def sent_back(
    work: Callable[[Any], Any], items: Sequence[Any], *, workers: int, label: str
) -> Iterator[tuple[int, Any]]:
    """Works as another process does: of everything there comes a copy."""
    for number, item in enumerate(items):
        yield number, pickle.loads(pickle.dumps(work(item)))


def test_a_skeleton_is_held_once_however_many_clips_come_back(tmp_path: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_clip(tmp_path / "in", name, seed=seed)
    one, two = prepare(small_config(tmp_path), say=silent, run=sent_back).clips
    assert one.skeleton is not None
    assert one.skeleton is two.skeleton
    assert one.clip.name != two.clip.name
