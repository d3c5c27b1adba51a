"""The recipes of docs/hosts.md: options of ours, scripts that shells read, codes that requeue."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from llavataros_jax.config.file import load_config

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/hosts.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Returns the page's blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def job() -> dict:
    """Returns the Kubernetes job."""
    (text,) = blocks("yaml")
    service, job = yaml.safe_load_all(text)
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    return job["spec"]


def test_all_trainings_take_options_of_ours() -> None:
    (container,) = job()["template"]["spec"]["containers"]
    text = " ".join([*blocks("bash"), *container["args"]]).replace("\\\n", " ")
    found = re.findall(r"llavataros train --config (\S+)((?:[ \n]+\w+\.\w+=\S+)*)", text)
    assert len(found) == 5
    for config, overrides in found:
        values = overrides.replace('"$HOME/', '"/home/').replace("$JOB_COMPLETION_INDEX", "1")
        words = [word.rstrip('"') for word in shlex.split(values.replace('"', ""))]
        loaded = load_config(ROOT / config, words)
        assert loaded.parallel.distributed == "auto"
        assert loaded.training.run.startswith("/")


@pytest.mark.parametrize(
    ("code", "is_requeued"), [(0, False), (2, False), (75, True), (137, False)]
)
def test_slurm_requeues_what_is_to_be_tried_again_and_keeps_the_code(code, is_requeued) -> None:
    (script,) = (text for text in blocks("bash") if text.startswith("#!/bin/bash"))
    stubs = f'srun() {{ return {code}; }}\nscontrol() {{ echo "$@"; }}\nSLURM_JOB_ID=7\n'
    ran = subprocess.run(
        ["bash", "-c", stubs + script], capture_output=True, text=True, check=False
    )
    assert ran.returncode == code
    assert ran.stdout == ("requeue 7\n" if is_requeued else "")


def test_kubernetes_makes_anew_what_is_to_be_tried_again_and_ends_what_is_refused() -> None:
    spec = job()
    rules = {
        value: rule["action"]
        for rule in spec["podFailurePolicy"]["rules"]
        for value in rule["onExitCodes"]["values"]
    }
    assert rules == {75: "Ignore", 2: "FailJob"}
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never", "a policy of failures needs it"
    (command,) = pod["containers"][0]["args"]
    assert f"parallel.process_count={spec['completions']} " in command
    assert f"coordinator=gestures-0.{pod['subdomain']}:" in command
