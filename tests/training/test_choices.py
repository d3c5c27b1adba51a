"""What is chosen from the data, by a rule that is said, and what has no effect on it."""

import dataclasses

import pytest
import yaml

from llavataros_jax import train
from llavataros_jax.config import Config
from llavataros_jax.config.file import config_from_dict, config_to_yaml
from llavataros_jax.data.features import clip_features
from llavataros_jax.data.manifest import ClipEntry, Manifest
from llavataros_jax.training.choices import choose
from tests.training.records import toy_config, write_records


def records(*minutes: float, held_out: float = 1.0, dyadic: int = 0) -> Manifest:
    """Returns the manifest of training clips of so many minutes and a held-out one."""
    lengths = [*(("train", m) for m in minutes), *([("validation", held_out)] if held_out else [])]
    clips = tuple(
        ClipEntry(
            name=f"c{i}", take=f"c{i}", split=split, shard="s", offset=0, recording="",
            start_frame=0, num_frames=round(m * 1800), num_words=1, speaker=0,
            interlocutor_speaker=1 if i < dyadic else -1, seconds=m * 60, content_hash=f"{i}",
        )
        for i, (split, m) in enumerate(lengths)
    )  # fmt: skip
    return Manifest(
        name="toy", fps=30, features=clip_features(pose_size=3, audio_size=1, word_size=1),
        codec={}, speakers=("a", "b"), statistics={}, feature_config={}, clips=clips,
    )  # fmt: skip


def config(steps: int = 0, cross_blocks: int = -1, warmup_steps: int = 0, **sections) -> Config:
    tree = {
        "model": {"cross_blocks": cross_blocks, "segment_frames": 90},
        "training": {"steps": steps, "lanes": 16, "piece_segments": 4, "random_phase": False},
        "optimizer": {"warmup_steps": warmup_steps},
    }
    for section, options in sections.items():
        tree[section] = {**tree.get(section, {}), **options}
    return config_from_dict(tree)


@pytest.mark.parametrize(
    ("minutes", "warmup", "steps", "words"),
    [
        # 600 000 / 1800 frames = 334 epochs; 16 lanes read 20 segments in 2 steps.
        ([1], 0, 668, "334.0 epochs of 2 steps over 1.0 minutes of training clips"),
        ([20] * 4, 0, 3000, "30.0 epochs of 100 steps over 80.0 minutes"),
        ([60] * 40, 0, 20_000, "over 2,400.0 minutes of training clips, the most that is chosen"),
        ([1], 500, 2000, "1,000.0 epochs of 2 steps over 1.0 minutes of training clips, because "
         "optimizer.warmup_steps=500"),
    ],
)  # fmt: skip
def test_steps_come_from_the_length_of_the_recordings(minutes, warmup, steps, words):
    chosen, said = choose(config(cross_blocks=0, warmup_steps=warmup), records(*minutes))
    assert chosen.training.steps == steps
    assert said == [said[0]]
    assert said[0].startswith(f"training.steps={steps}: ")
    assert words in said[0]


def test_a_run_that_is_there_keeps_its_dealing(tmp_path):
    old = config(steps=0, cross_blocks=0, training={"run": str(tmp_path)})
    assert old.training.dealing == "stream"
    tree = yaml.safe_load(config_to_yaml(old))
    del tree["training"]["dealing"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(tree))
    chosen, said = choose(old, records(1))
    assert chosen.training.dealing == "epochs"
    assert chosen.training.steps == 1336, "each of 5 pieces has a lane, which then waits"
    assert said[0] == "training.dealing=epochs, with which this run began, instead of stream"
    assert choose(chosen, records(1)) == (chosen, [])


def test_steps_that_read_several_segments_are_fewer():
    wide = config(cross_blocks=0, training={"accumulate_segments": 4})
    chosen, (said,) = choose(wide, records(*[20] * 4))
    assert chosen.training.steps == 750
    assert "30.0 epochs of 25 steps over 80.0 minutes" in said


def test_minutes_without_copies_are_told():
    manifest = records(10, 20)
    first, second, held_out = manifest.clips
    copied = (first, dataclasses.replace(second, copy_of=first.name), held_out)
    _, (said,) = choose(config(cross_blocks=0), dataclasses.replace(manifest, clips=copied))
    assert "over 30.0 minutes of training clips (10.0 without copies)" in said


def test_few_steps_are_rounded_up_to_the_least():
    wide = config(cross_blocks=0, training={"lanes": 64, "piece_segments": 1})
    chosen, (said,) = choose(wide, records(*[10] * 4))
    assert chosen.training.steps == 400
    assert said.endswith("the least that is chosen")


@pytest.mark.parametrize(("dyadic", "blocks", "words"), [
    (0, 0, "none of 3 records have an interlocutor"),
    (1, 2, "1 of 3 records has an interlocutor"),
    (2, 2, "2 of 3 records have an interlocutor"),
])  # fmt: skip
def test_cross_blocks_come_from_who_is_there(dyadic, blocks, words):
    chosen, said = choose(config(steps=9), records(1, 1, dyadic=dyadic))
    assert chosen.model.cross_blocks == blocks
    assert said == [f"model.cross_blocks={blocks}: {words}"]


def test_what_is_chosen_stays_chosen_and_the_same():
    manifest = records(1, 2, dyadic=1)
    first, said = choose(config(), manifest)
    assert len(said) == 2
    assert choose(first, manifest) == (first, [])
    assert choose(config(), manifest) == (first, said), "a resume chooses the same"
    given = config(steps=7, cross_blocks=1)
    assert choose(given, manifest) == (given, [])


@pytest.mark.parametrize(
    ("changes", "dyadic", "held_out", "words"),
    [
        ({"cross_blocks": 0}, 2, 1, "2 of 3 records have an interlocutor, who has no effect"),
        ({"cross_blocks": 2}, 0, 1, "no record has an interlocutor to attend to"),
        (
            {"cross_blocks": 0, "model": {"variant": "text"},
             "audio": {"kind": "pase", "pase": "x"}},
            0, 1, "audio.kind=pase has no effect, because model.variant=text",
        ),
        (
            {"cross_blocks": 0, "model": {"variant": "audio"},
             "text": {"kind": "language_model", "model": "x"}},
            0, 1, "text.kind=language_model has no effect, because model.variant=audio",
        ),
        ({"cross_blocks": 0}, 0, 0, "validate_every and training.sample_every have no effect"),
        (
            {"cross_blocks": 0, "training": {"sample_every": 99}},
            0, 1, "training.sample_every=99 has no effect, because training ends at step 9",
        ),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_said(changes, dyadic, held_out, words):
    given = config(steps=9, **changes)
    minutes = [1] * (3 - held_out)
    same, (said,) = choose(given, records(*minutes, held_out=held_out, dyadic=dyadic))
    assert same == given
    assert words in said


def test_records_without_training_clips_are_left_to_the_reader():
    empty = dataclasses.replace(records(), clips=())
    chosen, _ = choose(config(), empty)
    assert chosen.training.steps == 400


def test_the_door_says_what_it_chose_and_trains_with_it(tmp_path, monkeypatch, capsys):
    write_records(tmp_path / "records")
    asked = toy_config(
        tmp_path / "records",
        tmp_path / "run",
        model={"cross_blocks": -1},
        training={"steps": 0},
    )
    path = tmp_path / "own.yaml"
    path.write_text(config_to_yaml(asked))
    trained = []

    def fit(config, manifest, *, sampler, profile_steps):
        trained.append(config)
        (tmp_path / "run/checkpoints/latest" / str(config.training.steps)).mkdir(parents=True)
        return tmp_path / "run"

    monkeypatch.setattr(train, "fit", fit)
    assert train.main(["--config", str(path)]) == 0
    (config,) = trained
    assert (config.model.cross_blocks, config.training.steps) == (2, 4348)
    printed = capsys.readouterr().out
    assert "model.cross_blocks=2: 3 of 6 records have an interlocutor\n" in printed
    assert "training.steps=4348: " in printed
    assert "trained 4348 steps" in printed
