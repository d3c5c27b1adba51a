"""The served page: a microphone that is a file, a recording, and a connection that is lost."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from llavataros.live.engine import Engine
from llavataros_jax.trained import open_trained
from tests.backend import ROOT
from tests.program.study.browser import wait
from tests.serve.serving import Serving, serving
from tests.web import browser as viewer
from tests.web.material import write_speech
from tests.web.moving_engine import MovingEngine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving(MovingEngine(), viewer=ROOT / "web") as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    # Chromium plays the file again and again: one second of tone, one of silence.
    path = tmp_path_factory.mktemp("microphone") / "tone.wav"
    time = np.arange(2 * 48000) / 48000
    soundfile.write(path, 0.6 * (time < 1) * np.sin(2 * np.pi * 200 * time), 48000, "PCM_16")
    with viewer.open_viewer_browser(path) as opened:
        yield opened


def test_the_body_moves_with_a_microphone_and_what_it_did_can_be_played_again(
    browser: Any, server: Serving
) -> None:
    viewer.open_page(browser, server.http)
    vitals = browser.find_element("id", "vitals")
    wait(lambda: "ready" in vitals.text, "the server's answer")
    speakers = browser.find_elements("css selector", "#speaker option")
    assert [speaker.text for speaker in speakers] == ["ada", "kim"]
    at_rest = viewer.picture(browser)
    browser.find_element("id", "microphone").click()
    wait(lambda: "behind your voice" in vitals.text, "the latency")
    shares: list[float] = []

    def has_gone_up_and_down() -> bool:
        shares.append(viewer.moved(at_rest, viewer.picture(browser)))
        highest = int(np.argmax(shares))
        return max(shares) > 0.01 and min(shares[highest:]) < 0.7 * max(shares)

    wait(has_gone_up_and_down, "the arm to go up with the tone and down in silence")
    browser.find_element("css selector", "#gestures button").click()
    browser.find_element("name", "idle").send_keys("\ue014")  # arrow right
    (session,) = server.engine.open_by_id.values()
    wait(lambda: any(getattr(said[0], "idle", None) for said in session.said), "the dial")
    browser.find_element("id", "interrupt").click()
    wait(lambda: session._epoch == 1, "the interruption")
    browser.find_element("id", "microphone").click()
    wait(browser.find_element("id", "player").is_displayed, "the take")
    assert float(viewer.attribute(browser, "position", "max") or 0) > 1
    assert viewer.complaints(browser) == []


def test_a_recording_is_heard_in_step_with_the_body(
    browser: Any, server: Serving, tmp_path: Path
) -> None:
    viewer.open_page(browser, server.http)
    vitals = browser.find_element("id", "vitals")
    wait(lambda: "ready" in vitals.text, "the server's answer")
    browser.find_element("id", "speaker").send_keys("kim")
    audio = write_speech(tmp_path / "talk.wav", seconds=1.3)
    browser.find_element("id", "recording").send_keys(str(audio))
    wait(lambda: "in step" in vitals.text, "the recording")
    player = browser.find_element("id", "player")
    wait(lambda: player.is_displayed() and not player.get_property("inert"), "its end")
    # What is played again: a frame for each of the recording's, the arm up while it is loud.
    longest = float(viewer.attribute(browser, "position", "max") or 0)
    assert longest == pytest.approx(1.3, abs=1 / 30)
    viewer.seek(browser, 0.2)
    silent = viewer.picture(browser)
    viewer.seek(browser, 0.7)
    assert viewer.moved(silent, viewer.picture(browser)) > 0.01
    viewer.seek(browser, 1.2)
    assert viewer.moved(silent, viewer.picture(browser)) < 0.002
    assert viewer.complaints(browser) == []


def test_a_lost_connection_is_mended_without_a_seam(browser: Any, server: Serving) -> None:
    if not browser.current_url.startswith(server.http):
        viewer.open_page(browser, server.http)
    script = """
const [url] = arguments;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
(async () => {
  const { Client } = await import(new URL("client.js", document.baseURI));
  const client = await Client.connect(url, { sampleRate: 16000 });
  const firsts = [];
  let next = 0;
  let resumed = 0;
  client.onframes = ({ first, count }) => {
    firsts.push(first === next);
    next = first + count;
  };
  client.onresumed = () => resumed++;
  client.onend = (end) => (window.outcome = [firsts.every(Boolean), next, resumed, end.frames]);
  client.onrefused = ({ message }) => (window.outcome = message);
  for (let second = 0; second < 4; second++) {
    client.sendAudio(new Float32Array(16000));
    window.second = second;
    while (second === 1 && !resumed) await pause(10);
  }
  client.end();
})().catch((problem) => (window.outcome = String(problem)));
"""
    browser.execute_script(script, server.url)
    wait(lambda: browser.execute_script("return window.second") == 1, "two seconds of sound")
    for connection in list(server.server.server_state.connections):
        connection.loop.call_soon_threadsafe(connection.transport.abort)  # as a network breaks
    outcome = wait(lambda: browser.execute_script("return window.outcome"), "the end")
    assert outcome == [True, 120, 1, 120]


def test_a_refusal_is_shown_as_the_sentence_it_is(browser: Any, server: Serving) -> None:
    lanes, server.engine.sessions = server.engine.sessions, 0
    try:
        viewer.open_page(browser, server.http)
        vitals = browser.find_element("id", "vitals")
        wait(lambda: "lanes are taken" in vitals.text, "the refusal")
    finally:
        server.engine.sessions = lanes


@pytest.mark.long
def test_the_shipped_model_moves_with_a_recording_makes_a_gesture_and_is_interrupted(
    browser: Any,
) -> None:
    engine = Engine(open_trained(ROOT / "starter"), sessions=1)
    engine.warm_up()
    halt = threading.Event()
    moving = threading.Thread(target=engine.run, args=(halt,), daemon=True)
    moving.start()
    try:
        with serving(engine, viewer=ROOT / "web") as running:
            viewer.open_page(browser, running.http)
            vitals = browser.find_element("id", "vitals")
            wait(lambda: "0.53 s after" in vitals.text, "the delay")
            browser.find_element("id", "recording").send_keys(str(ROOT / "corpus" / "ada_4.flac"))
            wait(lambda: "in step" in vitals.text, "the recording")
            browser.find_element("css selector", "#gestures button").click()
            first = viewer.picture(browser)
            wait(lambda: viewer.moved(first, viewer.picture(browser)) > 0.01, "movement")
            cut = viewer.clock(browser)
            browser.find_element("id", "interrupt").click()
            player = browser.find_element("id", "player")
            wait(lambda: player.is_displayed() and not player.get_property("inert"), "its end")
            longest = float(viewer.attribute(browser, "position", "max") or 0)
            assert cut + 1.5 < longest < cut + 6
            assert viewer.complaints(browser) == []
    finally:
        halt.set()
        moving.join(10)
