"""What is asked over HTTP: recordings, the viewer, schemas, health and numbers."""

import io
import json
import os
import select
import socket
import tempfile
import threading
from types import SimpleNamespace

import httpx
import numpy as np
import pytest

from data_prep.words.word import Word
from llavataros.animation import Animation
from llavataros.serve import application as applications
from llavataros.serve.access import Access
from llavataros.serve.formats import FORMATS
from llavataros.serve.limits import Limits
from llavataros_jax.errors import UserError
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rig.t_pose import rest_pose
from tests.serve.serving import everything, noise, say, serving, sound

TOKEN = "a long token"
LIMITS = Limits(body_bytes=2_000_000, recording_seconds=3.0, waiting=1, upload_seconds=0.5)


class Animator:
    """Answers what it was asked, as what animates would."""

    def __init__(self):
        self.may_go, self.began, self.asked = threading.Event(), threading.Event(), []
        self.may_go.set()

    def __call__(self, options, files, folder):
        self.began.set()
        self.asked.append((options, {name: path.read_bytes() for name, path in files.items()}))
        self.names = {name: path.name for name, path in files.items()}
        assert all(path.parent == folder for path in files.values())
        self.may_go.wait(10)
        if options.speaker == "nobody":
            raise UserError(f"{files['audio']} is of nobody; give somebody")
        if options.speaker == "broken":
            raise RuntimeError("a secret")
        return b"motion"


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    (folder / "index.html").write_text("<!doctype html><title>viewer</title>")
    (folder / "page.js").write_text("export {};")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "x.js").write_text("no")
    for name in ("package.json", ".hidden.js", "notes.md"):
        (folder / name).write_text("no")
    (folder.parent / "secret.js").write_text("no")
    (folder / "link.js").symlink_to(folder.parent / "secret.js")
    return folder


@pytest.fixture(scope="module")
def server(web):
    access = Access(token=TOKEN, origins=("https://friend.example",))
    with serving(limits=LIMITS, access=access, animate=Animator(), viewer=web) as running:
        running.animator = running.application.state.animator = None
        yield running


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server.http, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        yield http


def wav(seconds: float = 0.5) -> bytes:
    import soundfile

    data = io.BytesIO()
    soundfile.write(data, noise(seconds), 16000, format="WAV", subtype="PCM_16")
    return data.getvalue()


def refused(answer: httpx.Response, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert (told["type"], told["code"]) == ("error", code)
    assert "Traceback" not in told["message"]
    assert tempfile.gettempdir() not in told["message"]
    return told["message"]


def test_health_and_readiness():
    gate = threading.Event()
    with (
        serving(warm_up=lambda: gate.wait(10)) as server,
        httpx.Client(base_url=server.http) as http,
    ):
        assert http.get("/healthz").json() == {"status": "ok"}
        answer = http.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "compiling"})
        waiting = server.connect()
        say(waiting, type="start", version=1)
        gate.set()
        assert '"ready"' in waiting.recv(timeout=5)
        assert http.get("/readyz").json() == {"status": "ready"}
        waiting.close()


def test_numbers_for_prometheus(server, client):
    connection, _ = server.begin(token=TOKEN)
    connection.send(sound(noise(1.0), 0))
    say(connection, type="end")
    everything(connection)
    text = client.get("/metrics").text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(lines["llavataros_frames_total"]) >= 30
    assert float(lines["llavataros_sound_seconds_total"]) >= 1
    assert float(lines['llavataros_frame_seconds_count{stage="wire"}']) >= 30
    assert 'llavataros_errors_total{code="busy"}' in lines
    assert "llavataros_waiting_frames" in lines
    refused(httpx.get(f"{server.http}/metrics"), 401, "token")


def test_schemas_describe_what_is_sent(client):
    schema = client.get("/v1/schema").json()
    assert schema["version"] == 1
    assert schema["$defs"]["Start"]["additionalProperties"] is False
    assert schema["close_codes"]["4010"]["code"] == "token"
    kinds = {ref["$ref"].rpartition("/")[2] for ref in schema["client"]["oneOf"]}
    assert {"Start", "Words", "Interrupt", "Ping"} <= kinds
    assert kinds <= schema["$defs"].keys()
    told = client.get("/openapi.json").json()
    assert {"Start", "Ready", "Frames", "Error"} <= told["components"]["schemas"].keys()
    assert "multipart/form-data" in told["paths"]["/v1/animate"]["post"]["requestBody"]["content"]
    for path in ("/docs", "/redoc"):
        refused(client.get(path), 404, "not_found")


def test_the_viewer_and_nothing_else_of_its_folder(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert client.get("/page.js").headers["content-type"].startswith("text/javascript")
    assert "conventions" in client.get("/names.json").json()
    for path in (
        *("/package.json", "/node_modules/x.js", "/.hidden.js", "/notes.md", "/none.js"),
        *("/../secret.js", "/%2e%2e/secret.js", "/..%2fsecret.js", "/page.js%00.js", "/link.js"),
        "/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
    ):
        refused(client.get(path), 404, "not_found")


def test_a_recording_is_animated(server, client):
    animator = Animator()
    with serving(limits=LIMITS, animate=animator) as plain:
        answer = httpx.post(
            f"{plain.http}/v1/animate",
            files={"audio": ("../../etc/passwd.flac", wav()), "words": ("w.srt", b"1\n")},
            data={"format": "bvh", "seed": "7", "idle": "0.5", "speaker": "kim"},
        )
    assert answer.content == b"motion"
    assert answer.headers["content-disposition"] == 'attachment; filename="animation.bvh"'
    (options, files) = animator.asked[0]
    assert (options.seed, options.idle, options.speaker) == (7, 0.5, "kim")
    assert files == {"audio": wav(), "words": b"1\n"}
    assert animator.names == {"audio": "audio.flac", "words": "words.srt"}


@pytest.mark.parametrize(
    ("files", "fields", "status", "code"),
    [
        ({}, {"seed": "1"}, 400, "malformed"),
        ({"audio": b""}, {}, 422, "audio"),
        ({"audio": b"ID3 #EXTM3U\n/etc/passwd"}, {}, 422, "audio"),
        ({"audio": b"ffconcat version 1.0\nfile x"}, {}, 422, "audio"),
        ({"audio": b"no sound at all"}, {}, 422, "invalid"),
        ({"audio": wav(), "film": b"x"}, {}, 400, "malformed"),
        ({"audio": wav()}, {"out": "/etc"}, 400, "malformed"),
        ({"audio": wav()}, {"format": "fbx"}, 400, "malformed"),
        ({"audio": wav()}, {"seed": "-1"}, 400, "malformed"),
        ({"audio": wav()}, {"idle": "nan"}, 400, "malformed"),
        ({"audio": wav()}, {"speaker": "nobody"}, 422, "invalid"),
        ({"audio": wav()}, {"speaker": "broken"}, 500, "internal"),
        ({"audio": wav(4.0)}, {}, 413, "too_long"),
    ],
)
def test_what_cannot_be_animated(client, files, fields, status, code):
    before = set(os.listdir(tempfile.gettempdir()))
    answer = client.post(
        "/v1/animate", files={n: (n, d) for n, d in files.items()} or None, data=fields
    )
    assert "secret" not in refused(answer, status, code)
    left = set(os.listdir(tempfile.gettempdir())) - before
    assert not [name for name in left if name.startswith("llavataros-serve")]


def test_who_may_ask(server, client):
    files = {"audio": wav()}
    refused(httpx.post(f"{server.http}/v1/animate", files=files), 401, "token")
    for headers, status, code in (
        ({"Origin": "https://foe.example"}, 403, "origin"),
        ({"Host": "rebound.example"}, 403, "host"),
    ):
        refused(client.post("/v1/animate", files=files, headers=headers), status, code)
        refused(client.get("/healthz", headers=headers), status, code)
    friend = client.get("/healthz", headers={"Origin": "https://friend.example"})
    assert friend.headers["access-control-allow-origin"] == "https://friend.example"
    same = client.get("/healthz", headers={"Origin": server.http})
    assert "access-control-allow-origin" not in same.headers


@pytest.mark.parametrize("says_its_length", [True, False])
def test_an_upload_of_10_gb_is_refused_before_it_has_come(server, says_its_length, monkeypatch):
    monkeypatch.setattr(applications, "_LINGER_SECONDS", 0.2)
    whole, sent = 10_000_000_000, 0
    head = b'--x\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'
    length = f"Content-Length: {whole}" if says_its_length else "Transfer-Encoding: chunked"
    lines = [
        *("POST /v1/animate HTTP/1.1", f"Host: 127.0.0.1:{server.port}", length),
        *(
            f"Authorization: Bearer {TOKEN}",
            "Content-Type: multipart/form-data; boundary=x",
            "",
            "",
        ),
    ]
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(5)
        connection.sendall("\r\n".join(lines).encode())
        piece = head + bytes(1 << 16)
        framed = piece if says_its_length else b"%x\r\n%s\r\n" % (len(piece), piece)
        while not select.select([connection], [], [], 0)[0]:
            connection.sendall(framed)
            sent += len(piece)
            assert sent < 20_000_000
        answer = connection.recv(65536)
        assert b" 413 " in answer.split(b"\r\n")[0]
        assert b"connection: close" in answer
        with pytest.raises((ConnectionError, TimeoutError)):  # whoever goes on is cut off
            send_for_ever(connection, framed)


def send_for_ever(connection, piece):
    while True:
        connection.sendall(piece)


def test_an_upload_that_stops_is_given_up(server):
    lines = [
        *("POST /v1/animate HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Content-Length: 1000"),
        *(
            f"Authorization: Bearer {TOKEN}",
            "Content-Type: multipart/form-data; boundary=x",
            "",
            "",
        ),
    ]
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(5)
        connection.sendall("\r\n".join(lines).encode())
        assert b" 408 " in connection.recv(65536).split(b"\r\n")[0]


def test_one_after_another_and_no_more_than_may_wait():
    animator = Animator()
    animator.may_go.clear()
    with serving(limits=LIMITS, animate=animator) as server:
        answers: list[httpx.Response] = []

        def ask():
            url = f"{server.http}/v1/animate"
            answers.append(httpx.post(url, files={"audio": wav()}, timeout=20))

        asking = [threading.Thread(target=ask) for _ in range(2)]
        asking[0].start()
        animator.began.wait(5)
        waiting = server.application.state.metrics.waiting_requests
        with pytest.raises(httpx.ReadTimeout):  # who leaves frees the place
            httpx.post(f"{server.http}/v1/animate", files={"audio": wav()}, timeout=0.2)
        server.wait_until(lambda: waiting._value.get() == 1)
        asking[1].start()
        server.wait_until(lambda: waiting._value.get() == 2)
        busy = httpx.post(f"{server.http}/v1/animate", files={"audio": wav()})
        refused(busy, 503, "busy")
        animator.may_go.set()
        for thread in asking:
            thread.join()
        assert [answer.status_code for answer in answers] == [200, 200]
        assert len(animator.asked) == 2
        server.wait_until(lambda: waiting._value.get() == 0)


def test_motion_is_answered_in_every_form(tmp_path, unchecked):
    frames = np.zeros((10, 9, 7), np.float32)
    frames[..., :3] = rest_pose(AVATAROS_9)[0]
    frames[..., 3:] = AVATAROS_9.rest_rotations
    (tmp_path / "animation.bvh").write_text("HIERARCHY")
    np.save(tmp_path / "animation.npy", frames)
    (tmp_path / "audio.wav").write_bytes(wav())
    speech = SimpleNamespace(words=[Word("hello", 0.1, 0.2)])
    paths = tuple(tmp_path / f"animation{suffix}" for suffix in (".bvh", ".npy"))
    done = Animation(10, 30.0, range(1), speech, "ada", {}, (), paths)
    found = {
        name: form.data(done, AVATAROS_9, tmp_path / "audio.wav") for name, form in FORMATS.items()
    }
    assert {"npy", "bvh", "glb", "vrma", "json", "view"} <= found.keys()
    assert np.array_equal(np.load(io.BytesIO(found["npy"])), frames)
    assert found["bvh"] == b"HIERARCHY"
    assert found["glb"][:4] == found["vrma"][:4] == b"glTF"
    assert b"VRMC_vrm_animation" in found["vrma"]
    assert json.loads(found["json"])["words"] == [{"text": "hello", "start": 0.1, "end": 0.2}]
    assert found["view"].startswith(b"<!doctype html>")
