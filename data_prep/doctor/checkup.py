"""Says what is installed, which weights are where, and how long each stage takes here.

Nothing that is optional has to be there; for whatever is missing it tells what gets it.
"""

import argparse
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data_prep.align.mfa_models import choose_models
from data_prep.doctor.inventory import PACKAGES
from data_prep.doctor.stage_trials import Trial, try_stages
from data_prep.listen.pocketsphinx import PocketSphinxTranscriber
from data_prep.listen.whisper_weights import (
    converted_folder,
    kept_weights,
    missing_whisper,
    whisper_engine,
    with_kept_weights,
)
from llavataros_jax.config import Config, WordsConfig
from llavataros_jax.config.file import load_config
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.errors import UserError, door
from llavataros_jax.packages import install_command, missing_packages, needs

_GET_MFA = "conda create -n mfa -c conda-forge montreal-forced-aligner"
_GET_PASE = "git clone --depth 1 https://github.com/santuario/LLAvatarOS (its FE_e199.ckpt)"
_GET_WHISPER = "hf download Systran/faster-whisper-base.en --local-dir base.en"
_GET_LANGUAGE_MODEL = "hf download TinyLlama/TinyLlama_v1.1"


PROGRAM = "python -m data_prep doctor"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Prints the report; the exit code is 1 only if a stage fails that every config needs."""
    given = build_parser(prog).parse_args(arguments)
    if given.overrides and not given.config:
        raise UserError("options need a file that they change; give --config FILE before them")
    config = load_config(given.config, given.overrides) if given.config else Config()
    _say("machine")
    for line in _machine():
        _say(f"  {line}")
    _say("installed")
    for line in _installed(config):
        _say(f"  {line}")
    _say(f"weights{f' of {given.config}' if given.config else ''}")
    for line in _weights(config):
        _say(f"  {line}")
    _say("stages on one second of sound       first      again")
    trials = []
    for trial in try_stages(config):
        trials.append(trial)
        _say(f"  {_line(trial)}")
    broken = [trial.stage for trial in trials if trial.problem and trial.is_needed]
    skipped = sum(bool(trial.problem) for trial in trials) - len(broken)
    if broken:
        _say(f"broken, though every config needs it: {', '.join(broken)}")
        return 1
    _say(f"{len(trials) - skipped} stages work; {skipped} need what the lines above name")
    return 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("--config", help="YAML file whose tools and weights are looked for")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


def _line(trial: Trial) -> str:
    if trial.problem:
        return f"{trial.stage:<22} not run: {trial.problem}"
    times = f"{trial.first_seconds:>9.3f} s {trial.again_seconds:>8.3f} s"
    return f"{trial.stage:<22} {times}   {trial.told}"


def _machine() -> Iterator[str]:
    yield (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores"
    )
    yield _attempt("JAX", _jax_devices)
    if not missing_packages("torch"):
        yield _attempt("PyTorch", _torch_devices)


def _jax_devices() -> str:
    import jax

    return ", ".join(str(device) for device in jax.devices())


def _torch_devices() -> str:
    import torch

    count = torch.cuda.device_count()
    return ", ".join(torch.cuda.get_device_name(k) for k in range(count)) or "no GPU"


def _attempt(label: str, find: Callable[[], str]) -> str:
    try:
        return f"{label}: {find()}"
    except Exception as problem:  # a broken installation is told like a missing one
        first_line = (str(problem).splitlines() or [""])[0]
        return f"{label}: broken, {type(problem).__name__}: {first_line}"


def _installed(config: Config) -> Iterator[str]:
    for package in PACKAGES:
        if missing_packages(package.module):
            yield f"{package.name:<24}{'missing':<12}{package.purpose:<28}{package.command}"
            continue
        try:
            version = importlib.metadata.version(package.name)
        except importlib.metadata.PackageNotFoundError:
            version = "found"
        yield f"{package.name:<24}{version:<12}{package.purpose}"
    path = shutil.which(config.words.mfa)
    state = "found" if path else "missing"
    yield f"{'mfa (program)':<24}{state:<12}{'alignment':<28}{path or _GET_MFA}".rstrip()


def _weights(config: Config) -> Iterator[str]:
    yield f"{'starter model':<16}{_starter()}"
    yield _file("PASE+", "audio.pase", config.audio.pase, _GET_PASE)
    yield f"{'Whisper':<16}{_whisper(config.words)}"
    yield f"{'PocketSphinx':<16}{_pocketsphinx(config.words)}"
    try:
        models = choose_models(config.words)
        reason = models.missing() or f"{models.dictionary}, {models.acoustic}"
    except UserError as refusal:
        reason = str(refusal)
    yield f"{'MFA':<16}{reason}"
    yield f"{'language model':<16}{_language_model(config)}"


def _file(name: str, option: str, path: str | None, command: str) -> str:
    if path is None:
        return f"{name:<16}{option} is not set; to get it: {command}"
    place = Path(path)
    if not place.is_file():
        return f"{name:<16}{option}={path} does not exist; to get it: {command}"
    return f"{name:<16}{option}={path}, {place.stat().st_size / 1e6:.1f} MB"


def _starter() -> str:
    path = shipped_folder("starter") / "weights.safetensors"
    if not path.is_file():
        return f"{path} is missing; install llavataros again"
    return f"{path}, {path.stat().st_size / 1e6:.1f} MB, comes along"


def _whisper(config: WordsConfig) -> str:
    config = with_kept_weights(config)
    weights = config.whisper
    if weights is None:
        return f"words.whisper is not set; words.whisper=base.en downloads it, or {_GET_WHISPER}"
    if reason := missing_whisper(config):
        return f"{reason}; to get it: {_GET_WHISPER}"
    folder = converted_folder(weights)
    if folder is None and Path(weights).is_file():
        return f"words.whisper={weights}, {Path(weights).stat().st_size / 1e6:.1f} MB"
    old = Path("~/.cache/whisper").expanduser() / f"{weights}.pt"
    if folder is None and whisper_engine(weights) == "openai-whisper" and old.is_file():
        return f"words.whisper={weights}, {old}"
    place = folder or kept_weights(weights)
    if place is None:
        return f"words.whisper={weights} is downloaded when it is first used"
    return f"words.whisper={weights}, {place}, by {whisper_engine(weights)}"


def _pocketsphinx(config: WordsConfig) -> str:
    if reason := PocketSphinxTranscriber(config).missing():
        return reason
    from pocketsphinx import get_model_path

    model = Path(get_model_path("en-us/en-us.lm.bin"))
    if not model.is_file():
        return f"{model} is missing; {install_command('prep')}"
    return f"{model}, {model.stat().st_size / 1e6:.1f} MB, comes with its package"


def _language_model(config: Config) -> str:
    if config.text.model is None:
        return f"text.model is not set; to get one: {_GET_LANGUAGE_MODEL}"
    if Path(config.text.model).is_dir():
        return f"text.model={config.text.model}, a folder"
    if missing := missing_packages("huggingface_hub"):
        return needs(f"text.model={config.text.model}", missing, extra="text")
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(config.text.model, "config.json")
    except HFValidationError:
        return f"text.model={config.text.model} is neither a folder nor a name on the hub"
    if isinstance(found, str):
        return f"text.model={config.text.model}, {Path(found).parent}"
    return f"text.model={config.text.model} is not here yet: hf download {config.text.model}"


if __name__ == "__main__":
    sys.exit(main())
