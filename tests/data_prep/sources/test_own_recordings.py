"""The page on one's own recordings, tried as a new user would: its folders, its commands."""

import importlib.util
import re
import shlex
import shutil
from pathlib import Path

import pytest
import soundfile
import yaml

from llavataros.program import main
from llavataros_jax.config.file import load_config
from llavataros_jax.data.manifest import load_manifest
from llavataros_jax.motion.bvh import read_bvh, write_bvh
from llavataros_jax.motion.npy import read_npy

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "own_recordings.md").read_text(encoding="utf-8")
CORPUS = ROOT / "corpus"
# The performances of the bundled corpus that play the parts of the page's recordings.
CAST = {
    "monday_1": "ada_1",
    "monday_2": "ada_2",
    "tuesday_1": "talk_1_ben",
    "tuesday_2": "talk_1_ada",
    "new": "ada_3",
}
HAS_BEAM = importlib.util.find_spec("apache_beam") is not None


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def commands():
    return [line for block in blocks("bash") for line in block.splitlines()]


def write_file(path, part):
    """Writes a file of the kind that its suffix says, out of the bundled corpus."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = CORPUS / part
    words = yaml.safe_load(source.with_suffix(".json").read_text())["words"]
    told = [(word["start"], word["end"], word["word"]) for word in words]
    if path.suffix in (".wav", ".flac"):
        soundfile.write(path, *soundfile.read(source.with_suffix(".flac")))
    elif path.suffix == ".bvh":
        write_bvh(path, read_npy(source.with_suffix(".npz")))
    elif path.suffix == ".json":
        shutil.copy(source.with_suffix(".json"), path)
    elif path.suffix == ".tsv":
        path.write_text("".join(f"{start}\t{end}\t{text}\n" for start, end, text in told))
    else:
        assert path.suffix == ".txt", path
        path.write_text(" ".join(text for *_, text in told))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Makes the folders that the page shows, and its config with the sizes of the tiny one."""
    tree, table = blocks("text")
    folder = tmp_path
    for line in tree.splitlines():
        depth, name = (len(line) - len(line.lstrip())) // 2, line.strip()
        if name.endswith("/"):
            folder = tmp_path.joinpath(*folder.relative_to(tmp_path).parts[:depth], name)
        else:
            write_file(folder / name, CAST[Path(name).stem])
    (tmp_path / "recordings/clips.tsv").write_text(table)
    write_file(tmp_path / "new.wav", CAST["new"])
    write_file(tmp_path / "new.txt", CAST["new"])
    options = yaml.safe_load((ROOT / "configs/tiny.yaml").read_text())
    del options["data"]["holdout_takes"]
    options["data"] |= {"workers": 1, "holdout": "tail"}
    options["training"] |= {"steps": 2, "lanes": 2, "validate_every": 2, "checkpoint_every": 2}
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/own.yaml").write_text(yaml.safe_dump(options))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command):
    program, *words = shlex.split(command)
    if program == "cp":
        shutil.copy(*words)
        return
    assert program == "llavataros"
    assert main(words) == 0, command


@pytest.mark.slow
def test_the_page_from_a_folder_to_a_film(home, capsys):
    for command in commands():
        if "--beam" in command or "audio_glob" in command:
            continue
        run(command)
        if " prepare " in command:
            said = capsys.readouterr().out
    assert "0 failed, 0 skipped" in said
    manifest = load_manifest(home / "records/mine")
    assert manifest.speakers == ("anna", "ben")
    clips = {clip.name: clip for clip in manifest.clips if clip.split == "train"}
    assert set(clips) == {"monday_1", "monday_2", "tuesday_1", "tuesday_2"}
    assert clips["tuesday_1"].interlocutor_speaker == 0
    assert {path.suffix for path in (home / "outputs").iterdir()} == {
        ".npy",
        ".bvh",
        ".json",
        ".mov",
    }
    made, given = (
        read_bvh(home / "outputs/new.bvh"),
        read_bvh(home / "recordings/anna/monday_1.bvh"),
    )
    assert made.skeleton.names == given.skeleton.names


def test_the_patterns_of_the_page(home):
    (command,) = (line for line in commands() if "audio_glob" in line)
    for part, (name, speaker) in {"ada_1": ("take1", "ada"), "ben_1": ("take2", "ben")}.items():
        write_file(home / f"studio/sound/{speaker}/{name}_mic.wav", part)
        write_file(home / f"studio/mocap/{name}.{speaker}.bvh", part)
        write_file(home / f"studio/text/{name}/{speaker}.json", part)
    run(command)
    manifest = load_manifest(home / "records/studio")
    assert manifest.speakers == ("ada", "ben")
    assert {clip.take for clip in manifest.clips} == {"take1", "take2"}


@pytest.mark.skipif(not HAS_BEAM, reason="Apache Beam is not installed")
def test_the_beam_command_of_the_page(home):
    for command in commands():
        if command.startswith("cp") or "--beam" in command:
            run(command)
    assert len(load_manifest(home / "records/mine").clips) == 8


def test_its_messages_are_those_of_the_code():
    files = [
        path for name in ("data_prep", "llavataros_jax") for path in (ROOT / name).rglob("*.py")
    ]
    code = "".join(path.read_text() for path in sorted(files))
    code = re.sub(r'"\s*f?"', "", code)
    code = re.sub(r"\{[^{}]*\}", "", code)
    table = PAGE.split("## When something is refused")[1]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")][2:]
    assert rows
    for message in rows:
        for part in filter(None, map(str.strip, message.split("…"))):
            assert part.strip(", ") in code, part


def test_its_options_are_those_of_the_real_config():
    for command in commands():
        words = shlex.split(command)
        if "--config" in words:
            options = [word for word in words if "=" in word]
            load_config(ROOT / "configs/own.yaml", options)
    known = load_config(ROOT / "configs/tiny.yaml")
    for section, key in re.findall(r"`([a-z]+)\.([a-z_]+)(?:=[^`]*)?`", PAGE):
        if hasattr(known, section):
            assert hasattr(getattr(known, section), key), f"{section}.{key}"
