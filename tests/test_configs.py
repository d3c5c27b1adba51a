"""Every config that comes along: it loads, round-trips, and its header says what to expect."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from llavataros_jax.config import Config
from llavataros_jax.config.file import config_to_yaml, load_config
from llavataros_jax.errors import UserError
from llavataros_jax.model import build
from llavataros_jax.model.frontend import Sizes

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_loads_and_its_header_is_complete(path: Path, tmp_path: Path) -> None:
    config = load_config(path)
    again = tmp_path / "again.yaml"
    again.write_text(config_to_yaml(config))
    assert load_config(again) == config
    header = path.read_text().split("\n\ndata:")[0]
    for expected in (f"--config configs/{path.name}", "Hardware:", "Time", "Expected"):
        assert expected in header, f"{path} does not say {expected}"


@pytest.mark.parametrize(
    ("name", "pose", "parameters"),
    [
        ("tiny", 66, 7_618),
        ("demo", 66, 308_914),
        ("avataros", 66, 488_274),
        ("own", 66, 3_536_978),
        # 83 joints and 17 speakers of GENEA 2023 (spec section 2.8).
        ("genea23_uea", 501, 83_462_781),
        ("llanimation_text", 501, 86_563_453),
        ("llanimation_audio", 501, 83_155_581),
        ("llanimation_plus", 501, 87_349_885),
        ("llanimation_cross", 501, 93_661_821),
    ],
)
@pytest.mark.slow
def test_its_network_has_the_size_that_is_said(name: str, pose: int, parameters: int) -> None:
    path = next(path for path in CONFIGS if path.stem == name)
    config = load_config(path)
    audio = 768 if config.audio.kind == "pase" else 3 * (config.audio.mels + 4)
    sizes = Sizes(audio, config.text.size, pose, speakers=17 if pose == 501 else 2)
    # A sampled head comes on top; its size depends on how many components the motion has.
    trunk = dataclasses.replace(
        config.model, head="regression", cross_blocks=max(0, config.model.cross_blocks)
    )
    assert build(trunk, sizes).parameter_count() == parameters
    if pose == 501:
        assert f"{parameters:,} parameters" in path.read_text().replace("\n#", "")


def test_the_ancestors_config_turns_every_switch() -> None:
    config = load_config(next(path for path in CONFIGS if path.stem == "genea23_uea"))
    model, loss = config.model, config.loss
    assert (model.cross_memory, model.memory_reset) == ("main_encoder", "zeros")
    assert (config.words.frame_rule, config.motion.scaler) == ("pointer", "minmax")
    assert not model.standardise_features
    assert not model.word_bit
    assert not loss.geometric_gradient
    weights = [getattr(loss, term) for term in ("rotation", "position", "root_position")]
    weights += [loss.velocity, loss.root_velocity, loss.acceleration, loss.kinetic]
    assert weights == [1, 0.01, 0.01, 0.5, 0.5, 0.5, 0.2]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_only_configs_for_gpus_narrow_their_products_and_say_so(path: Path) -> None:
    # A CPU gains nothing by it; the published code is float32.
    is_large = path.stem == "genea23_uea" or path.stem.startswith("llanimation_")
    model = load_config(path).model
    assert {model.compute_dtype, model.activation_dtype} == {"bfloat16" if is_large else "float32"}
    back = "model.compute_dtype=float32 model.activation_dtype=float32"
    assert (back in path.read_text().split("\n\ndata:")[0]) == is_large


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("optimizer: {learning_rate: 1e-4}\nparallel: {distributed: off}\n")
    config = load_config(path, ["training.lanes=7", "data.holdout_takes=a, b"])
    assert config.optimizer.learning_rate == 1e-4
    assert config.parallel.distributed == "off"
    assert config.training.lanes == 7
    assert config.data.holdout_takes == ("a", "b")
    assert yaml.safe_load("x: 1e-4")["x"] == "1e-4", "the trap is gone, so may this test"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.d_modle=3", "did you mean model.d_model?"),
        ("learning_rate=3", "not of the form"),
        ("training.learning_rate=3", "did you mean optimizer.learning_rate?"),
        ("model.heads=many", "model.heads must be a whole number, not 'many'"),
        ("model.heads=2.5", "a whole number"),
        ("model.variant=plu", "one of text, audio, plus, cross"),
        ("training.steps=.nan", "a whole number"),
        ("optimizer.learning_rate=.inf", "a number"),
        ("model.norm=true", "one of post, pre"),
        ("data.holdout=tail", "data.holdout_takes needs data.holdout=takes"),
        ("model.attention_kernel=cudnn", "needs model.compute_dtype=bfloat16"),
        ("model.span_frames=99", "raise memory_frames"),
        ("optimizer.warmup_steps=999999", "shorten the warm-up"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(override: str, expected: str) -> None:
    with pytest.raises(UserError) as refusal:
        load_config(CONFIGS[-1], [override])
    assert expected in str(refusal.value)


def test_files_that_are_no_config_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml does not exist"):
        load_config(tmp_path / "none.yaml")
    for text, expected in (("a: [", "not valid YAML in line"), ("- 3", "must be a mapping")):
        path = tmp_path / "bad.yaml"
        path.write_text(text)
        with pytest.raises(UserError, match=expected):
            load_config(path)


def test_defaults_are_a_config() -> None:
    assert Config().model.d_model == 1024
