"""`llavataros view`: what goes into a page, from files and from records, and what is refused."""

import base64
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from data_prep.words.timed_files import write_words
from llavataros.view.__main__ import main
from llavataros.view.data import motion_data
from llavataros.view.page import motion_page
from llavataros.view.sound import page_sound
from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton
from llavataros_jax.sound.ffmpeg import ffmpeg_program
from tests.backend import ROOT
from tests.web.material import FPS, RATE, SECONDS, WORDS, speech, waving, write_speech


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view")
    write_speech(folder / "talk.wav")
    write_words(folder / "talk.json", WORDS)
    write_bvh(folder / "ours.bvh", waving())
    return folder


def data_of(page: str, name: str):
    """Returns what a page has under an id."""
    text = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.S)
    assert text, name
    return json.loads(text[1])


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def test_a_motion_becomes_data_that_holds_it_exactly() -> None:
    motion = waving()
    data = motion_data(motion, name="m")
    frames = floats(data["frames"]).reshape(motion.frames.shape)
    np.testing.assert_allclose(frames, motion.frames, atol=1e-6)
    bones = data["humanoid"]["bones"]
    assert {"hips", "spine", "leftHand", "rightLowerArm"} <= set(bones)
    turns = floats(data["humanoid"]["rotations"]).reshape(-1, len(bones), 4)
    # The material rests unturned in its T-pose, so its local rotations are VRM's.
    expected = motion.local_quaternions()[:, [motion.skeleton.names.index(b) for b in bones]]
    cosine = np.abs((turns * expected).sum(-1))
    np.testing.assert_allclose(cosine, 1, atol=1e-6)
    assert Skeleton.from_dict(data["skeleton"]) == motion.skeleton
    assert (data["audio"], data["wave"], data["beats"], data["words"]) == (None, [], [], [])
    json.dumps(data, allow_nan=False)


def test_the_sound_of_a_page_is_where_it_was(folder: Path) -> None:
    sound = page_sound(folder / "talk.wav", seconds=SECONDS)
    kind, text = sound.address.split(",")
    assert kind == "data:audio/mpeg;base64"
    command = [ffmpeg_program(), "-v", "error", "-f", "mp3", "-i", "pipe:", "-f", "f32le"]
    command += ["-ar", str(RATE), "-ac", "1", "pipe:"]
    done = subprocess.run(command, input=base64.b64decode(text), capture_output=True, check=True)
    heard, said = np.frombuffer(done.stdout, "<f4"), speech()
    loud = [
        np.abs(samples).reshape(-1, 80).max(axis=1) > 0.1 for samples in (heard[: len(said)], said)
    ]
    edges = [np.flatnonzero(np.diff(part.astype(int))) for part in loud]
    assert len(edges[0]) == len(edges[1]) == 2 * len(WORDS)
    assert np.abs(edges[0] - edges[1]).max() <= 2, "more than 10 ms apart"
    assert len(sound.peaks) * sound.peak_seconds == pytest.approx(SECONDS)
    middle = [round((w.start_seconds + w.end_seconds) / 2 / sound.peak_seconds) for w in WORDS]
    assert sound.peaks[middle].min() > 0.95
    assert sound.peaks[: round(0.4 / sound.peak_seconds)].max() == 0


def test_one_page_has_all_in_it_and_reaches_nothing_else(folder: Path) -> None:
    data = motion_data(waving(), name="m", audio=folder / "talk.wav", words=WORDS)
    page = motion_page([data, data | {"name": "</script><b>"}], title="A & <b>", facing=True)
    shown = re.sub(
        r'<script type="(?:importmap|application/json)".*?</script>', "", page, flags=re.S
    )
    assert not re.search(r"https?://|(?:src|href)=\"(?!data:)", shown)
    assert "<title>A &amp; &lt;b&gt;</title>" in page
    first, second = data_of(page, "motions")
    assert first["audio"].startswith("data:audio/mpeg")
    assert second["audio"] == {"same_as": 0}
    assert [word["text"] for word in first["words"]] == ["one", "two", "three"]
    assert len(first["beats"]) >= 1
    assert data_of(page, "options")["facing"] is True
    assert "mixamo" in data_of(page, "names")["conventions"]
    (found,) = re.findall(r'<script type="importmap">(.*?)</script>', page)
    modules = json.loads(found)["imports"]
    for name, address in modules.items():
        text = base64.b64decode(address.split(",")[1]).decode()
        if "/vendor/" not in name:
            for imported in re.findall(r'(?:from|import\()\s*"([^"]+)"', text):
                assert imported in modules, f"{name} imports {imported}"


def test_the_command_shows_a_file_with_its_speech(folder: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "deep" / "page.html"
    ours = ["--label", "ours", "--label", "again"]
    given = [str(folder / "ours.bvh")] * 2 + ["--audio", str(folder / "talk.wav"), *ours]
    assert main([*given, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"wrote {out}" in said
    motions = data_of(out.read_text("utf-8"), "motions")
    assert [motion["name"] for motion in motions] == ["ours", "again"]
    assert [motion["fps"] for motion in motions] == pytest.approx([FPS, FPS])
    # The words lie beside the recording under its name.
    assert [word["text"] for word in motions[1]["words"]] == ["one", "two", "three"]


def test_a_record_names_recording_and_words(folder: Path, tmp_path: Path, capsys) -> None:
    frames = np.tile(AVATAROS_9.rest_rotations, (12, 1, 1))
    places = np.tile(np.cumsum(AVATAROS_9.offsets, axis=0), (12, 1, 1))
    np.save(tmp_path / "take.npy", np.concatenate([places, frames], axis=-1).astype(np.float32))
    record = {
        "written_by": "llavataros animate",
        "files": {"take.npy": "0"},
        "arguments": {"words": str(folder / "talk.json")},
        "audio": str(folder / "talk.wav"),
        "fps": 4.0,
    }
    (tmp_path / "take.json").write_text(json.dumps(record))
    for name in ("take.json", "take.npy"):  # the record beside a motion is found
        out = tmp_path / f"{name}.html"
        assert main([str(tmp_path / name), "--out", str(out)]) == 0
        (motion,) = data_of(out.read_text("utf-8"), "motions")
        assert (motion["name"], motion["fps"], len(motion["words"])) == ("take", 4.0, 3)
        assert motion["audio"]
    record["word_times"] = [["hello", 0.5, 1.0]]  # what the animation was made with
    (tmp_path / "take.json").write_text(json.dumps(record))
    assert main([str(tmp_path / "take.npy"), "--out", str(tmp_path / "own.html")]) == 0
    (motion,) = data_of((tmp_path / "own.html").read_text("utf-8"), "motions")
    assert motion["words"] == [{"text": "hello", "start": 0.5, "end": 1.0}]
    record["audio"] = "gone/away.wav"
    (tmp_path / "take.json").write_text(json.dumps(record))
    capsys.readouterr()
    assert main([str(tmp_path / "take.json"), "--out", str(tmp_path / "silent.html")]) == 0
    assert "gone/away.wav, which its record names, is not here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["nowhere.bvh"], "nowhere.bvh"),
        (["{folder}/talk.json"], "is no record of llavataros animate"),
        (["{folder}/nothing.json"], "does not exist"),
        (["{folder}/ours.bvh", "--out", "page.txt"], "ends in .html"),
        (["{folder}/ours.bvh", "--label", "a", "--label", "b"], "--label names 2 of 1"),
        (
            ["{folder}/ours.bvh"] + ["--audio", "{folder}/talk.wav"] * 2,
            "--audio names 2 recordings",
        ),
        (["{folder}/ours.bvh", "--audio", "{folder}/ours.bvh"], "ours.bvh"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(
    given: list[str], sentence: str, folder: Path, tmp_path: Path, capsys
) -> None:
    out = ["--out", str(tmp_path / "page.html")]
    words = [word.format(folder=folder) for word in given]
    assert main([*out, *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_body_without_arms_is_refused_by_name() -> None:
    skeleton = Skeleton(("a", "b"), (-1, 0), np.array([[0.0, 1, 0], [0, 0.3, 0]]))
    frames = np.zeros((4, 2, 7))
    frames[..., 6] = 1
    with pytest.raises(UserError, match="dance has no joint that is known to be hips"):
        motion_data(Motion(frames, 30.0, skeleton), name="dance")


def test_the_server_serves_the_table_of_names() -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.testclient import TestClient

    from llavataros.serve.viewer import Viewer

    client = TestClient(Starlette(routes=[Mount("/", Viewer(ROOT / "web"))]))
    answer = client.get("/names.json")
    assert answer.headers["content-type"] == "application/json"
    assert "mixamo" in answer.json()["conventions"]
    assert "script-src 'self'" in answer.headers["content-security-policy"]
