"""Khronos' own checker of glTF files, where node and its module are."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

# A folder of node modules beside that of the viewer.
_VARIABLE = "LLAVATAROS_NODE_MODULES"
_OWN = Path(__file__).parents[2] / "web" / "node_modules"
_SCRIPT = """
const validator = require(process.argv[1] + "/gltf-validator");
const check = async (path) => {
  const content = new Uint8Array(require("fs").readFileSync(path));
  const report = await validator.validateBytes(content, { maxIssues: 20 });
  return report.issues.messages.map((issue) => ({ path, ...issue }));
};
const tell = (all) => console.log(JSON.stringify(all.flat()));
Promise.all(process.argv.slice(2).map(check)).then(tell);
"""


def problems(*paths: Path) -> list[str]:
    """Lists errors and warnings in files, or skips the test where there is no validator."""
    node = shutil.which("node")
    named = os.environ.get(_VARIABLE)
    folders = [_OWN, *([Path(named)] if named else [])]
    found = next((folder for folder in folders if (folder / "gltf-validator").is_dir()), None)
    if node is None or found is None:
        pytest.skip(f"no node with gltf-validator in web/node_modules or ${_VARIABLE}")
    command = [node, "-e", _SCRIPT, str(found), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    issues = [issue for issue in json.loads(done.stdout) if issue["severity"] < 2]
    return [f"{Path(i['path']).name} {i['pointer']}: {i['code']}, {i['message']}" for i in issues]
