"""docs/server.md says what the server does, and its client in Python runs as it stands there."""

import asyncio
import re
from typing import get_args

import numpy as np

from llavataros.program import COMMANDS
from llavataros.serve.codes import MEANINGS
from llavataros.serve.formats import FORMATS
from llavataros.serve.messages import CLIENT_MESSAGES
from llavataros.serve.replies import SERVER_MESSAGES
from tests.backend import ROOT
from tests.program.page import commands_of
from tests.serve.serving import serving

PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")


def test_every_refusal_is_told_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (.+) \|$", PAGE, flags=re.MULTILINE)
    told = {code: (int(close), int(status), text) for code, close, status, text in rows}
    assert told == {code.value: (m.close, m.status, m.text) for code, m in MEANINGS.items()}


def test_every_message_and_format_is_told() -> None:
    sent, got = PAGE.split("| you get |")[0].split("| you send |")[1], PAGE.split("| you get |")[1]
    for text, messages in ((sent, CLIENT_MESSAGES), (got.split("World axes")[0], SERVER_MESSAGES)):
        for message in messages:
            (name,) = get_args(message.model_fields["type"].annotation)
            assert f"`{name}`" in text, name
    for name in FORMATS:
        assert f"`{name}`" in PAGE, name


def test_commands_have_their_options() -> None:
    for words in commands_of("server.md"):
        while not re.match(r"(llavataros|curl)$", words[0]):  # variables, whose values have spaces
            words = words[1:]
        if words[0] == "llavataros":
            COMMANDS[words[1]].build_parser(words[1]).parse_args(words[2:])
        else:
            assert words[0] == "curl"


def test_the_client_runs_as_it_stands(capsys) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    with serving() as server:
        speaker = server.engine.speakers[0]
        program = program.replace("ws://127.0.0.1:8317/v1/stream", server.url)
        names: dict = {}
        exec(program.replace('"kim"', repr(speaker)), names)
        samples = np.zeros(24000, np.float32)
        asyncio.run(names["talk"](samples, [("hello", 0.10, 0.42)]))
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("0 ")
