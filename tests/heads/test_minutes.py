"""A few minutes of records."""

import dataclasses
from pathlib import Path

import pytest

from llavataros.heads.minutes import takes_of_minutes, write_minutes
from llavataros_jax.data.manifest import Manifest, load_manifest
from llavataros_jax.errors import UserError
from tests.ablation.manifests import manifest_of


@pytest.fixture
def manifest() -> Manifest:
    """Returns twenty takes of half a minute, one held out, each of the others with a copy."""
    names = [f"take_{number}" for number in range(20)]
    found = manifest_of([(name, name) for name in names], held_out={"take_0"})
    clips = [dataclasses.replace(clip, num_frames=900) for clip in found.clips]
    copies = [
        dataclasses.replace(clip, name=f"{clip.name}_copy", copy_of=clip.name)
        for clip in clips
        if clip.split == "train"
    ]
    return dataclasses.replace(found, clips=(*clips, *copies))


def test_few_minutes_are_part_of_more(manifest: Manifest) -> None:
    chosen = [takes_of_minutes(manifest, minutes) for minutes in (0.1, 1, 4, 9.5)]
    assert [len(takes) for takes in chosen] == [1, 2, 8, 19]
    assert chosen[0] < chosen[1] < chosen[2] < chosen[3]
    assert "take_0" not in chosen[3]


def test_held_out_clips_and_copies_stay(manifest: Manifest, tmp_path: Path) -> None:
    records = tmp_path / "records"
    manifest.save(records)
    (records / "shard").write_bytes(b"poses")
    for _ in range(2):
        write_minutes(manifest, records, tmp_path / "few", 1)
    few = load_manifest(tmp_path / "few")
    assert [clip.name for clip in few.clips_of("validation")] == ["take_0"]
    train = few.clips_of("train")
    assert len(train) == 4
    assert {clip.take for clip in train} == takes_of_minutes(manifest, 1)
    assert (tmp_path / "few" / "shard").read_bytes() == b"poses"


@pytest.mark.parametrize("minutes", [0, 9.6])
def test_minutes_that_are_not_there_are_refused(manifest: Manifest, minutes) -> None:
    with pytest.raises(UserError, match=r"the training clips of these records are 9.5 minutes"):
        takes_of_minutes(manifest, minutes)
