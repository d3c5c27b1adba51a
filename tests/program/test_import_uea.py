"""The ancestor's checkpoint becomes a run; its motion comes out as BVH; checks pass and fail."""

import json
import struct
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import soundfile
from scipy.spatial.transform import Rotation

from llavataros.animate import main as generate
from llavataros.import_uea import main, read_weights
from llavataros_jax.ancestor.weights import from_ancestor
from llavataros_jax.batch import Speech
from llavataros_jax.model import build
from llavataros_jax.trained import open_trained
from tests.ancestor.oracle import ORACLE, needs_oracle, oracle_weights, read_oracle

pytestmark = needs_oracle
JOINTS, POSE = 5, 33
SIZES = ["--audio-size", "12", "--memory-frames", "20", "--segment-frames", "10"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns an imported run."""
    folder = tmp_path_factory.mktemp("uea")
    assert main(import_arguments(folder)) == 0
    return folder / "run"


def import_arguments(folder: Path, **changes: str) -> list[str]:
    np.savez(folder / "weights.npz", **oracle_weights())
    rng = np.random.default_rng(0)
    scaler = {"min_": rng.normal(size=POSE), "scale_": rng.uniform(0.5, 2, POSE)}
    np.savez(folder / "scaler.npz", **scaler)
    header = "HIERARCHY\nROOT world\n{\nOFFSET 0 0 0\nCHANNELS 6 " + " ".join(
        f"{axis}position" for axis in "XYZ"
    )
    header += " Zrotation Xrotation Yrotation\n"
    for joint in range(1, JOINTS):
        header += f"JOINT j{joint}\n{{\nOFFSET {joint} 20.5 -3\n"
        header += "CHANNELS 3 Zrotation Xrotation Yrotation\n"
    header += "End Site\n{\nOFFSET 0 5 0\n}\n" + "}\n" * JOINTS + "MOTION\n"
    (folder / "header.bvh").write_text(header)
    options = {
        "--scaler": str(folder / "scaler.npz"),
        "--skeleton": str(folder / "header.bvh"),
        "--out": str(folder / "run"),
    } | changes
    checkpoint = options.pop("checkpoint", str(folder / "weights.npz"))
    return [checkpoint, *SIZES, *(word for pair in options.items() for word in pair)]


@pytest.mark.slow
def test_its_bvh_is_what_the_ancestor_would_have_written(run: Path, tmp_path: Path) -> None:
    oracle = read_oracle()
    frames, features = 10, {}
    for name in ("audio", "text", "interlocutor_audio", "interlocutor_text"):
        features[name] = oracle[name][0, :frames].astype(np.float16).astype(np.float32)
    np.savez(tmp_path / "features.npz", **features)
    soundfile.write(tmp_path / "speech.wav", np.zeros(frames * 16000 // 30), 16000)
    speakers = [str(oracle[name][0] + 1) for name in ("speaker", "interlocutor_speaker")]
    arguments = ["--checkpoint", str(run), "--audio", str(tmp_path / "speech.wav"), "--no-film"]
    arguments += ["--features", str(tmp_path / "features.npz"), "--out", str(tmp_path / "out")]
    arguments += ["--speaker", speakers[0], "--interlocutor-speaker", speakers[1]]
    assert generate(arguments) == 0

    network = from_ancestor(
        oracle_weights(), audio_size=12, memory_frames=20, segment_frames=frames
    )
    model = build(network.config, network.sizes)
    each = np.arange(frames)[None]
    people = [
        Speech(
            features[f"{who}audio"][None],
            features[f"{who}text"][None],
            each,
            oracle[f"{who}speaker"][:1],
        )
        for who in ("", "interlocutor_")
    ]
    scaled, _ = model.apply(
        jax.device_put(network.params), *people, jnp.ones(1, bool),
        frame_mask=jnp.ones((1, frames), bool),
        memory=model.empty_memory(1),
    )  # fmt: skip
    with np.load(run.parent / "scaler.npz") as scaler:
        pose = (np.asarray(scaled[0], np.float64) - scaler["min_"]) / scaler["scale_"]
    # As the ancestor: rows of the row-vector matrix, Euler angles YXZ reversed and negated.
    sixd = pose[:, 3:].reshape(-1, 6)
    first = sixd[:, :3] / np.linalg.norm(sixd[:, :3], axis=1, keepdims=True)
    second = sixd[:, 3:] - (first * sixd[:, 3:]).sum(1, keepdims=True) * first
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    rows = np.stack([first, second, np.cross(first, second)], axis=1)
    angles = -Rotation.from_matrix(rows).as_euler("YXZ", degrees=True)[:, ::-1]
    expected = np.concatenate([pose[:, :3], angles.reshape(frames, -1)], axis=1)

    head, _, motion = (tmp_path / "out" / "speech.bvh").read_text().partition("MOTION\n")
    assert head.count("JOINT") == JOINTS - 1
    assert "20.5" in head
    written = np.array([line.split() for line in motion.splitlines()[2:]], float)
    np.testing.assert_allclose(written[:, :3], expected[:, :3], atol=1e-4)
    turns = (written[:, 3:] - expected[:, 3:] + 180) % 360 - 180
    assert np.abs(turns).max() < 0.01


def test_a_run_whose_features_are_unknown_here_refuses_in_a_sentence(run, tmp_path, capsys):
    soundfile.write(tmp_path / "speech.wav", np.zeros(16000), 16000)
    arguments = ["--checkpoint", str(run), "--audio", str(tmp_path / "speech.wav"), "--no-film"]
    assert generate([*arguments, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "audio features pase isolated of 12 numbers and text features fasttext of 10" in said
    assert "--features" in said


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ({"audio": (30, 12)}, "text is missing"),
        ({"audio": (30, 12), "text": (30, 9)}, "text has shape (30, 9)"),
        ({"text": (30, 10)}, "audio is missing"),
        ({"audio": (50, 12), "text": (50, 10)}, "has 50 frames of audio"),
    ],
)
@pytest.mark.slow
def test_features_that_do_not_fit_are_refused(run, tmp_path, capsys, shapes, expected):
    np.savez(tmp_path / "f.npz", **{name: np.zeros(shape) for name, shape in shapes.items()})
    soundfile.write(tmp_path / "speech.wav", np.zeros(16000), 16000)
    arguments = ["--checkpoint", str(run), "--audio", str(tmp_path / "speech.wav"), "--no-film"]
    arguments += ["--features", str(tmp_path / "f.npz"), "--out", str(tmp_path / "out")]
    assert generate(arguments) == 2
    assert expected in capsys.readouterr().err


FITTING = {"audio": np.zeros((30, 12)), "text": np.zeros((30, 10))}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (np.zeros((30, 12)), "single array without a name"),
        ({**FITTING, "audio": np.array([{}, None])}, "holds Python objects"),
        ({**FITTING, "audio": np.zeros(())}, "audio has shape () of float64"),
        ({**FITTING, "text": np.full((30, 10), "word")}, "text has shape (30, 10) of <U4"),
        ({**FITTING, "text": np.full((30, 10), np.nan)}, "text has values that are not finite"),
        ({**FITTING, "text": np.full((30, 10), 1e6)}, "text has values up to 1e+06"),
        (None, "f.npz does not exist"),
    ],
)
@pytest.mark.slow
def test_a_file_that_holds_no_features_is_refused_in_a_sentence(
    run, tmp_path, capsys, content, expected
):
    if isinstance(content, dict):
        np.savez(tmp_path / "f.npz", **content)
    elif content is not None:
        with (tmp_path / "f.npz").open("wb") as file:
            np.save(file, content)
    soundfile.write(tmp_path / "speech.wav", np.zeros(16000), 16000)
    arguments = ["--checkpoint", str(run), "--audio", str(tmp_path / "speech.wav"), "--no-film"]
    arguments += ["--features", str(tmp_path / "f.npz"), "--out", str(tmp_path / "out")]
    assert generate(arguments) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1


def test_the_run_says_how_it_computes(run):
    config = open_trained(run).config
    assert (config.model.cross_memory, config.model.memory_reset) == ("main_encoder", "zeros")
    assert (config.motion.scaler, config.words.frame_rule) == ("minmax", "pointer")
    assert not config.loss.geometric_gradient
    assert not config.film.smooth


@pytest.mark.slow
def test_a_check_passes_prints_one_line_and_fails(tmp_path, capsys):
    assert main(["--check", str(ORACLE), "--x64"]) == 0
    line = capsys.readouterr().out.splitlines()
    assert len(line) == 1
    assert "pose" in line[0]
    assert "memory/4" in line[0]
    oracle = read_oracle()
    oracle["memory/2"][1, 3, 7] += 2e-4
    np.savez(tmp_path / "off.npz", **oracle)
    assert main(["--check", str(tmp_path / "off.npz")]) == 1
    assert "memory/2 2.00e-04" in capsys.readouterr().out


@pytest.mark.slow
def test_a_scaler_in_json_that_divides(tmp_path):
    scaler = {"mean_": list(range(POSE)), "scale_": [2.0] * POSE}
    (tmp_path / "scaler.json").write_text(json.dumps(scaler))
    arguments = import_arguments(tmp_path, **{"--scaler": str(tmp_path / "scaler.json")})
    assert main(arguments) == 0
    codec = open_trained(tmp_path / "run").animator.codec
    np.testing.assert_allclose(codec.mean[[0, 5]], [0, 5])
    np.testing.assert_allclose(codec.std[[0, 5]], [0.02, 2])


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--scaler", "scaler.pkl", "pickles are not read here"),
        ("--scaler", "none.npz", "none.npz does not exist"),
        ("--skeleton", "none.bvh", "none.bvh does not exist"),
        ("--out", ".", "exists already"),
        ("checkpoint", "none.ckpt", "none.ckpt does not exist"),
        ("checkpoint", "header.bvh", "cannot be read as a PyTorch checkpoint"),
        ("--scaler", "words.npz", "mean_ of 33 numbers, but they are no numbers"),
        ("--scaler", "words.json", "mean_ of 33 numbers, but they are no numbers"),
        ("--scaler", "deep.json", "cannot be read as JSON"),
        ("--skeleton", ".", "does not exist"),
        ("--pase", "none.ckpt", "none.ckpt does not exist"),
        ("--pase", "header.bvh", "is not a PyTorch file"),
        ("--memory-frames", "-1", "model.memory_frames is -1"),
        ("--segment-frames", "0", "model.segment_frames is 0"),
        ("--audio-size", "-1", "--audio-size"),
    ],
)
def test_what_cannot_be_imported_is_said(option, value, expected, tmp_path, capsys):
    np.savez(tmp_path / "words.npz", mean_=np.full(POSE, "a"), scale_=np.full(POSE, "b"))
    (tmp_path / "words.json").write_text(json.dumps({"mean_": ["a"] * POSE, "scale_": [[]] * POSE}))
    (tmp_path / "deep.json").write_text("[" * 100_000)
    given = value if option in SIZES or option == "--audio-size" else str(tmp_path / value)
    assert main(import_arguments(tmp_path, **{option: given})) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_that_could_not_be_written_leaves_nothing(tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("llavataros_jax.data.manifest.Manifest.save", full)
    arguments = import_arguments(tmp_path)
    before = set(tmp_path.iterdir())
    assert main(arguments) == 2
    assert "No space left" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before
    monkeypatch.undo()
    assert main(arguments) == 0
    assert open_trained(tmp_path / "run").config.training.run == str(tmp_path / "run")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("missing", "does not exist"),
        ("cut", "is damaged"),
        ("npy", "single array without a name"),
        ("objects", "Python objects"),
        ("other", "lacks audio"),
    ],
)
def test_an_oracle_that_cannot_be_read_is_refused_in_a_sentence(tmp_path, capsys, kind, expected):
    path = tmp_path / "oracle.npz"
    if kind == "cut":
        path.write_bytes(ORACLE.read_bytes()[:-1000])
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.ones(3))
    elif kind in ("objects", "other"):
        np.savez(path, x=np.array([None if kind == "objects" else 1]))
    assert main(["--check", str(path)]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "oracle" in said
    assert said.count("\n") == 1


CASES = ORACLE.parents[1] / "data" / "cases" / "33_uea_wrapped_state_dicts"


@pytest.mark.parametrize(
    "name",
    ["plain", "data_parallel", "compiled", "compiled_parallel", "lightning", "state_dict_key"],
)
@pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not here")
@pytest.mark.slow
def test_what_training_put_around_the_weights_is_taken_off(name, tmp_path):
    expected = oracle_weights()
    found = read_weights(CASES / f"{name}.ckpt")
    assert found.keys() == expected.keys()
    for tensor_name, array in expected.items():
        np.testing.assert_allclose(found[tensor_name], array, rtol=1e-6, atol=1e-7)
    arguments = [str(CASES / f"{name}.ckpt"), *SIZES, "--scaler", str(CASES / "scaler.npz")]
    arguments += ["--skeleton", str(CASES / "header.bvh"), "--out", str(tmp_path / "run")]
    assert main(arguments) == 0
    assert open_trained(tmp_path / "run").config.model.heads == 4


def text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def tensor(key: str, shape: tuple[int, int]) -> bytes:
    """Returns the pickle of a tensor as PyTorch writes it."""
    size = bytes([shape[0] * shape[1]])
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\nFloatStorage\n"
        + text(key) + text("cpu") + b"K" + size + b"tQK\x00K" + bytes([shape[0]]) + b"K"
        + bytes([shape[1]]) + b"\x86K" + bytes([shape[1]]) + b"K\x01\x86\x89"
        + b"ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def test_a_torch_file_is_read_without_torch(tmp_path):
    values = np.arange(6, dtype="<f4")
    program = (
        b"\x80\x02}(" + text("model") + b"}(" + text("r_w_bias") + tensor("0", (2, 3)) + b"uu."
    )
    with zipfile.ZipFile(tmp_path / "x.ckpt", "w") as file:
        file.writestr("x/data.pkl", program)
        file.writestr("x/data/0", values.tobytes())
    np.testing.assert_array_equal(
        read_weights(tmp_path / "x.ckpt")["r_w_bias"], values.reshape(2, 3)
    )


def test_a_hostile_pickle_is_harmless_and_refused(tmp_path, capsys):
    mark = tmp_path / "it ran"
    call = b"cposix\nsystem\n" + text(f"touch '{mark}'") + b"\x85R"
    program = b"\x80\x02}(" + text("model") + b"}(" + text("r_w_bias") + call + b"uu."
    with zipfile.ZipFile(tmp_path / "x.ckpt", "w") as file:
        file.writestr("x/data.pkl", program)
    arguments = import_arguments(tmp_path, checkpoint=str(tmp_path / "x.ckpt"))
    assert main(arguments) == 2
    assert not mark.exists()
    assert "r_w_bias is posix system(...), which is not called here" in capsys.readouterr().err


def test_what_torch_saves_is_what_is_read(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    made = {
        "r_w_bias": torch.arange(12.0).reshape(3, 4).T,
        "half": torch.arange(5).half() / 3,
        "brain": torch.arange(5).bfloat16() / 3,
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "part": torch.arange(10.0)[3:7],
        "scalar": torch.tensor(3.5),
    }
    optimizer = torch.optim.AdamW([made["parameter"]])
    torch.save(
        {"model": made, "epoch": 3, "optimizer": optimizer.state_dict()}, tmp_path / "x.ckpt"
    )
    read = read_weights(tmp_path / "x.ckpt")
    assert read.keys() == made.keys()
    for name, value in made.items():
        np.testing.assert_array_equal(read[name], value.detach().float().numpy())
