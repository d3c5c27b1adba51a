"""What is asked for, and what each seed holds out."""

from pathlib import Path

import pytest

from llavataros.ablation.parts import Part, choose_parts, divide, share_stages
from llavataros.ablation.runs import plan_runs
from llavataros.ablation.variants import VARIANTS, check_overrides, read_variants
from llavataros_jax.config.file import load_config
from llavataros_jax.errors import UserError
from tests.ablation.manifests import manifest_of

BUNDLED = [
    *(("ada_1", "ada_1"), ("ada_2", "ada_2"), ("ada_3", "ada_3"), ("ada_4", "ada_4")),
    *(("ben_1", "ben_1"), ("ben_2", "ben_2"), ("ben_3", "ben_3"), ("ben_4", "ben_4")),
    *((f"talk_{n}_{who}", f"talk_{n}") for n in (1, 2, 3) for who in ("ada", "ben")),
]


def test_variants_come_in_the_order_of_the_table() -> None:
    assert [v.name for v in read_variants("plus, text,neither")] == ["neither", "text", "plus"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("text,sound", "'sound', which is no variant; there are neither, text, audio, plus, cross"),
        (" , ", "names no variant"),
        ("text,plus,text", "names text twice"),
    ],
)
def test_a_wrong_list_of_variants_is_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_variants(text)


@pytest.mark.parametrize("override", ["training.seed=3", "model.variant=text", "--training.run=x"])
def test_options_that_the_ablation_sets_are_refused(override: str) -> None:
    check_overrides(["training.steps=3"])
    with pytest.raises(UserError, match="set by the ablation itself"):
        check_overrides([override])


def test_every_variant_is_a_config_that_can_be_trained() -> None:
    for variant in VARIANTS.values():
        config = load_config("tiny", variant.overrides)
        assert variant.words == (config.model.variant != "audio" and config.loss.drop_words < 1)
        assert variant.sound == (config.model.variant != "text")


def test_few_held_out_clips_are_joined_by_the_others_in_turn(tmp_path: Path) -> None:
    manifest = manifest_of(BUNDLED, held_out={"ada_4", "ben_4"})
    count = choose_parts(manifest, None)
    parts = divide(manifest, count, own=Path("records/demo"), out=tmp_path)
    assert parts[0] == Part(Path("records/demo"), ('data.records="records/demo"',))
    held_out = [load_config("tiny", part.overrides).data.holdout_takes for part in parts[1:]]
    assert held_out == [
        ("ada_1", "ben_1", "talk_1"),
        ("ada_2", "ben_2", "talk_2"),
        ("ada_3", "ben_3", "talk_3"),
    ]
    assert len({part.records for part in parts}) == 4


def test_many_held_out_clips_are_enough() -> None:
    clips = [(f"clip{n}", f"clip{n}") for n in range(40)]
    assert choose_parts(manifest_of(clips, held_out={f"clip{n}" for n in range(8)}), None) == 1
    assert choose_parts(manifest_of(clips, held_out={f"clip{n}" for n in range(7)}), None) == 4
    assert choose_parts(manifest_of(clips, held_out={"clip1"}), 3) == 3
    assert choose_parts(manifest_of(BUNDLED, held_out={"ada_4", "ben_4"}), 1) == 1


def test_parts_that_cannot_be_made_are_refused() -> None:
    manifest = manifest_of(BUNDLED, held_out={"ada_4", "ben_4"})
    with pytest.raises(UserError, match="--parts is 0, but must be 1 or more"):
        choose_parts(manifest, 0)
    with pytest.raises(UserError, match=r"--parts 11 needs 10 takes .* but there are 9"):
        choose_parts(manifest, 11)
    ends = manifest_of([("a", "a"), ("b", "b")], held_out=set(), tails={"a", "b"})
    assert choose_parts(ends, None) == 1
    with pytest.raises(UserError, match="the end of each take"):
        choose_parts(ends, 2)


def test_parts_share_the_stages_of_clips(tmp_path: Path) -> None:
    parts = [Part(tmp_path / name, ()) for name in ("own", "second")]
    (tmp_path / "own" / ".cache").mkdir(parents=True)
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / ".cache").symlink_to(tmp_path / "moved")
    for _ in range(2):
        share_stages(parts, ".cache")
    (tmp_path / "own" / ".cache" / "kept").touch()
    assert (tmp_path / "second" / ".cache" / "kept").exists()


def test_seeds_hold_out_parts_in_turn(tmp_path: Path) -> None:
    parts = (Part(Path("a"), ("data.records=a",)), Part(Path("b"), ("data.records=b",)))
    runs = plan_runs(
        read_variants("text,audio"),
        3,
        parts,
        config="tiny",
        overrides=["model.heads=4"],
        out=tmp_path,
    )
    assert [(run.name, str(run.part.records)) for run in runs] == [
        *(("text_1", "a"), ("audio_1", "a"), ("text_2", "b"), ("audio_2", "b")),
        *(("text_3", "a"), ("audio_3", "a")),
    ]
    config = load_config(runs[3].options[1], runs[3].options[2:])
    assert (config.model.variant, config.training.seed, config.model.heads) == ("audio", 2, 4)
    assert config.data.records == "b"
    assert config.training.validate_every == 0
    assert Path(config.training.run) == tmp_path / "audio_2"
