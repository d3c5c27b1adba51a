"""What `llavataros estimate` tells, against closed forms, the trainer's own arrays and JAX."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros.estimate import fit
from llavataros.estimate.__main__ import main
from llavataros.estimate.ceiling import measured_flop_per_second
from llavataros.estimate.memory import abstract_state, batch_of, bytes_by_part
from llavataros.estimate.numbers import products_of
from llavataros.estimate.residuals import kept_in
from llavataros.estimate.seed_table import SeedAssumptions, as_published, put_right
from llavataros.estimate.workload import Length, open_workload
from llavataros_jax.batch import Batch
from llavataros_jax.config import Config
from llavataros_jax.config.file import config_to_yaml, with_overrides
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.network import build_model
from llavataros_jax.training.devices import DEVICES, find_device, peak_flop_per_second
from tests.estimate.test_flops import FLOW, SMALL_SIZES, gradient_of, network
from tests.training.records import toy_config, write_records


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory):
    """Writes toy records, and a config whose training averages and clips."""
    folder = tmp_path_factory.mktemp("estimate")
    manifest = write_records(folder / "records")
    config = toy_config(folder / "records", folder / "run", optimizer={"ema_decay": 0.9})
    (folder / "toy.yaml").write_text(config_to_yaml(config))
    return folder / "toy.yaml", config, manifest


@pytest.fixture
def untraced(monkeypatch) -> None:
    """Leaves out what takes a second each time: the step is not traced for what it keeps."""
    monkeypatch.setattr("llavataros.estimate.memory.kept_by_part", lambda *_: {"attention": 5})


def estimated(capsys, *arguments: str) -> dict:
    """Returns the numbers that the command prints as JSON."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_published_size_is_that_of_the_paper(capsys, untraced) -> None:
    told = estimated(capsys, "llanimation_plus", "model.compute_dtype=bfloat16", "--gpu", "h200")
    assert told["parameters"]["total"] == 87_349_885
    parts = [count for part, count in told["parameters"].items() if part != "total"]
    assert sum(parts) == 87_349_885
    assert told["flop"]["forward_per_frame"] == pytest.approx(218e6, rel=0.01)
    assert told["run"]["frames_per_step"] == 2880
    (row,) = (row for row in told["devices"] if row["is_configured"])
    # The output layer stays float32: three passes of 2 × 2880 × 1024 × 501 FLOP. So does the table
    # of 17 speakers, for two people, forward and its own gradient.
    full = 3 * 2 * 2880 * 1024 * 501 + 2 * 2 * 2 * 32 * 17 * 8
    seconds = ((told["flop"]["per_step"] - full) / 989.4e12 + full / 67e12) / 0.4
    assert row["seconds_per_step"] == pytest.approx(seconds)
    assert row["hours"] == pytest.approx(seconds * 884_000 / 3600)
    assert row["input_bytes_per_second"] == pytest.approx(told["bytes"]["batch"] / seconds)


def test_the_text_is_narrow_and_says_what_is_assumed(capsys, untraced) -> None:
    assert main(["own", "--hours", "20", "--price", "4", "--products"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 100
    assert "83 joints of GENEA 2023" in text
    assert "training.steps=20000" in text
    assert "BTD,DF->BTF" in text
    assert "cost" in text
    assert all(device.name in text for device in DEVICES.values())


def test_records_tell_sizes_hours_and_words(toy, capsys, untraced) -> None:
    path, config, manifest = toy
    told = estimated(capsys, str(path), "--epochs", "10")
    assert not told["assumed"]
    # 75, 50, 90 and 61 frames are 16 segments of 20 frames: two steps of eight lanes.
    assert told["run"]["steps"] == 20
    assert told["run"]["hours_of_recordings"] == pytest.approx(276 / 30 / 3600)
    assert told["parameters"]["total"] == build_model(config, manifest).parameter_count()


def test_bytes_are_those_that_the_trainer_passes(toy, untraced) -> None:
    _, config, manifest = toy
    model = build_model(config, manifest)
    reader = ClipReader(config.data.records, "train")
    source = LaneSource(reader, lanes=8, segment_frames=20, seed=1, random_phase=True)
    read, mine = source[0], batch_of(config, model, source.max_words)
    assert isinstance(read, Batch)
    for wanted, found in zip(jax.tree.leaves(read), jax.tree.leaves(mine), strict=True):
        assert (wanted.shape, wanted.dtype) == (found.shape, found.dtype)
    # XLA's count of what a program with the same arguments is given.
    state = abstract_state(config, model)
    nothing = jax.jit(lambda state, batch: jnp.zeros(()), keep_unused=True)
    given = nothing.lower(state, mine).compile().memory_analysis()
    assert given
    parts = bytes_by_part(open_workload(config, Length()))
    kept = ("parameters", "moments", "average", "carry", "batch")
    assert given.argument_size_in_bytes == sum(parts[part] for part in kept)
    assert parts["gradients"] == parts["parameters"] == parts["average"]


def drawn(abstract):
    """Returns arrays of noise, in which what is no constant does not look like one."""
    random = np.random.default_rng(0)

    def draw(x):
        if jnp.issubdtype(x.dtype, jnp.floating):
            return jnp.asarray(random.standard_normal(x.shape, np.float32), x.dtype)
        return jnp.asarray(random.integers(0, 2, x.shape), x.dtype)

    return jax.tree.map(draw, abstract)


def contents(tree) -> list[bytes]:
    """Returns the bytes of each array that is not one real number throughout."""
    leaves = [x for x in jax.tree.leaves(tree) if isinstance(x, jax.Array)]
    return [np.asarray(x).tobytes() for x in leaves if x.dtype == bool or len(np.unique(x)) > 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "compute_dtype", ["bfloat16", pytest.param("float32", marks=pytest.mark.long)]
)
def test_what_the_backward_pass_needs_is_what_jax_keeps_in_memory(compute_dtype: str) -> None:
    small = dict(d_model=32, heads=2, d_head=16, d_inner=64, segment_frames=32, memory_frames=32)
    model = network(
        SMALL_SIZES, flow=FLOW, dropout=0.1, norm="pre", compute_dtype=compute_dtype, **small
    )
    function, arguments = gradient_of(model)
    counted = kept_in(jax.make_jaxpr(function)(*arguments).jaxpr)
    assert set(counted) == {
        *("attention", "feed-forward", "norms and streams", "flow head", "front end"),
        "others",  # the test's own loss
    }
    params, *rest = drawn(arguments)
    loss = getattr(function, "__wrapped__")  # noqa: B009

    @jax.jit
    def backward(params, *rest):
        return jax.vjp(lambda params: loss(params, *rest), params, has_aux=True)[1]

    # A program returns copies of what it is given and keeps anyway.
    given = set(contents((params, rest)))
    theirs = sum(len(x) for x in contents(backward(params, *rest)) if x not in given)
    assert sum(counted.values()) == pytest.approx(theirs, rel=0.005)


def test_the_seed_readmes_table_is_reproduced_and_put_right(capsys) -> None:
    theirs = as_published(SeedAssumptions())
    assert theirs.frames == 5_400_000
    found = (theirs.training_flop, theirs.whisper_flop, theirs.llama_flop, theirs.total_flop)
    assert [round(flop / 1e12) for flop in found] == [17_160_000, 562_500, 2_812_500, 20_535_000]
    assert theirs.hours == pytest.approx(57.04, abs=0.005)
    right = put_right(SeedAssumptions(), utilisation=0.4)
    assert right.training_flop == 3 * 2 * 50e6 * 8192 * 660 * 1300
    assert main(["--seed-table"]) == 0
    text = capsys.readouterr().out
    assert "195 times less" in text
    assert "687 times less" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["demo", "--gpu", "h300"], "--gpu h300 is not known; there are h100"),
        (["demo", "--hours", "-3"], "--hours is -3, but must be above 0"),
        (["demo", "--steps", "0"], "--steps is 0"),
        (["demo", "--utilisation", "140"], "--utilisation is 140"),
        (["demo", "--price", "-1"], "--price is -1"),
        (["demo", "--epochs", "3", "--steps", "3"], "leave one of them out"),
        (["own", "data.records=nowhere"], "no records nowhere; give --hours"),
        (["own", "data.records=nowhere", "--epochs", "3"], "no records nowhere; give --hours"),
        (["own", "data.records=nowhere", "--hours", "1", "--joints", "0"], "--joints is 0"),
        (["none.yaml"], "none.yaml does not exist"),
        ([], "give a config"),
        (["demo", "--seed-table"], "leave out the config"),
    ],
)
def test_a_wrong_question_is_told_in_a_sentence(arguments, expected: str, capsys) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert expected in said


def test_devices_are_known_by_the_names_that_jax_gives_them() -> None:
    assert find_device("NVIDIA H100 80GB HBM3") is DEVICES["h100"]
    assert find_device("NVIDIA H100 PCIe") is None
    kinds = ["NVIDIA H200"] * 2
    assert peak_flop_per_second(kinds, "bfloat16") == 2 * 989.4e12
    assert peak_flop_per_second([*kinds, "cpu"], "bfloat16") is None


@pytest.mark.parametrize("options", fit.OPTIONS)
def test_what_may_be_advised_is_an_option(options: tuple[str, ...]) -> None:
    assert with_overrides(Config(), options) != Config()


def test_what_does_not_fit_is_told_what_would_make_it_fit(monkeypatch, toy) -> None:
    workload = open_workload(toy[1], Length())
    needs = {"float32": 100, "bfloat16": 90}

    def bytes_by_part(workload):
        config = workload.config
        size = needs[config.model.compute_dtype] // config.parallel.fsdp
        size -= {"none": 0, "products": 20, "blocks": 60}[config.model.remat]
        return {"parameters": int(1e9) * size, "update_traffic": 7}

    monkeypatch.setattr(fit, "bytes_by_part", bytes_by_part)
    # A network takes a while to build, and is not looked at.
    monkeypatch.setattr(
        fit, "of_config", lambda workload, config: dataclasses.replace(workload, config=config)
    )

    def told(memory_bytes: float) -> str:
        return " ".join(fit.lines_of_fit(workload, "H100", memory_bytes))

    assert told(140e9) == "It fits on H100: 100 GB of 140 GB, 40 GB left."
    assert "40 GB of 120 GB" not in told(120e9)
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" in told(120e9)
    assert told(85e9) == (
        "It does not fit on H100: 100 GB of 85 GB, 15 GB too much. It would with "
        "model.remat=products (80 GB), or with parallel.fsdp=2 (50 GB) on each device."
    )
    assert "model.remat=blocks (40 GB), or with parallel.fsdp=4 (25 GB)" in told(45e9)
    assert told(1e9).endswith("lower training.lanes or take a smaller network.")


def test_segments_of_a_step_are_work_and_the_sum_of_their_gradients_is_memory(
    toy, untraced
) -> None:
    one, two = (
        open_workload(with_overrides(toy[1], [f"training.accumulate_segments={k}"]), Length())
        for k in (1, 2)
    )
    flop = [sum(product.flop for product in products_of(each)) for each in (one, two)]
    assert flop[1] == 2 * flop[0]
    assert two.frames_per_step == 2 * one.frames_per_step
    parts = [bytes_by_part(each) for each in (one, two)]
    assert parts[1]["gradients"] == 2 * parts[0]["gradients"]
    assert parts[1]["batch"] == 2 * parts[0]["batch"]


def test_of_gradients_in_a_loop_one_at_a_time_is_kept() -> None:
    def loss(weights, inputs):
        return jnp.sin(jnp.einsum("AB,BC->AC", inputs, weights)).sum()

    def added(weights, inputs):
        def add(so_far, inputs):
            return so_far + jax.grad(loss)(weights, inputs), None

        return jax.lax.scan(add, jnp.zeros_like(weights), inputs)[0]

    program = jax.make_jaxpr(added)(jnp.ones((6, 5)), jnp.ones((3, 4, 6)))
    # The cosine of four times five products, and nothing else.
    assert kept_in(program.jaxpr) == {"others": 4 * 4 * 5}


def test_devices_that_share_a_copy_hold_a_part_of_it_and_of_the_lanes(
    toy, untraced, capsys
) -> None:
    whole = bytes_by_part(open_workload(toy[1], Length()))
    half = bytes_by_part(open_workload(with_overrides(toy[1], ["parallel.fsdp=2"]), Length()))
    assert half["batch"] == whole["batch"] / 2
    assert half["moments"] == pytest.approx(whole["moments"] / 2, rel=0.01)
    assert main([str(toy[0]), "parallel.fsdp=2"]) == 0
    assert "Memory of each of 2 devices" in capsys.readouterr().out


@pytest.mark.slow
def test_a_product_is_measured_on_this_machine() -> None:
    # Any computer of this century, and none that is in one.
    assert 1e8 < measured_flop_per_second("float32") < 1e16


def test_paths_of_configs_are_taken_too(toy, capsys, untraced) -> None:
    path = Path(toy[0])
    assert main([str(path), "--gpu", "v100", "model.d_inner=64"]) == 0
    assert "float16 alone" in capsys.readouterr().out
