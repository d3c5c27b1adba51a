"""The command as users run it: what it says, and how it ends."""

import re
import signal
import socket

import pytest

from llavataros.serve.__main__ import main
from tests.serve.serving import everything, noise, serving, sound


def said(capsys, *arguments) -> str:
    assert main(arguments) == 2
    return capsys.readouterr().err


def test_what_cannot_be_served(capsys, monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "choose another --port" in said(capsys, "--port", str(port))
    assert "no name or address" in said(capsys, "--host", "nowhere.invalid")
    assert "not a number from 0 to 65535" in said(capsys, "--port", "70000")
    assert "--sessions 0 must be" in said(capsys, "--sessions", "0")
    assert "--ahead-seconds 0.5" in said(capsys, "--ahead-seconds", "0.5")
    assert "8 or more" in said(capsys, "--port", "0", "--token", "short")
    missing = said(capsys, "--port", "0", "--checkpoint", str(tmp_path / "none"))
    assert str(tmp_path / "none") in missing
    assert "\n" not in missing.strip()


def test_another_host_makes_a_token(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("LLAVATAROS_TOKEN", raising=False)
    options = ("--host", "0.0.0.0", "--port", "0", "--checkpoint", str(tmp_path))
    main(options)
    assert re.search(r"token for clients, made for this run: \S{32}\n", capsys.readouterr().out)
    monkeypatch.setenv("LLAVATAROS_TOKEN", "one of the environment")
    main(options)
    assert "token" not in capsys.readouterr().out


def test_sessions_are_told_that_the_server_ends():
    with serving() as server:
        connection, _ = server.begin()
        connection.send(sound(noise(0.5), 0))
        server.server.should_exit = True
        messages = everything(connection)
        assert messages[-2]["code"] == "shutting_down"
        assert messages[-1] == {"type": "closed", "code": 4040}
        assert not server.engine.open_by_id


@pytest.mark.slow
def test_what_cannot_compile_ends_with_an_error(monkeypatch, caplog):
    def fail(engine, stop):
        raise RuntimeError("no such device")

    monkeypatch.setattr("llavataros.serve.warm_up.warm_up", fail)
    before = signal.getsignal(signal.SIGINT)
    assert main(["--port", "0", "--sessions", "1"]) == 1
    assert "no such device" in caplog.text
    assert signal.getsignal(signal.SIGINT) is before


def test_gestures_of_a_folder_that_is_not_there_are_refused(capsys, tmp_path) -> None:
    assert main(["--port", "0", "--gestures", str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err
