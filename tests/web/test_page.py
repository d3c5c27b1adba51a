"""The page of one file in a browser: from disk, without a server, as a person would use it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from llavataros.view.data import motion_data
from llavataros.view.page import write_page
from tests.program.study.browser import wait
from tests.web import browser as viewer
from tests.web.material import SECONDS, WORDS, waving, write_character, write_speech

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with viewer.open_viewer_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    audio = write_speech(folder / "talk.wav")
    one = motion_data(waving(), name="waving", audio=audio, words=WORDS)
    still = motion_data(waving(amount=0.0), name="</script>still", audio=audio, words=WORDS)
    pages = {"one": folder / "one.html", "two": folder / "two.html"}
    write_page(pages["one"], [one], title="One & all")
    write_page(pages["two"], [one, still], title="Two")
    write_character(folder / "boy.glb")
    write_character(folder / "machine.glb", names=False)
    write_character(folder / "boy.vrm", vrm=True)
    return pages | {"folder": folder}


def test_it_plays_with_its_sound_and_is_led_by_words_and_keys(browser: Any, pages: dict) -> None:
    viewer.open_page(browser, pages["one"])
    assert browser.title == "One & all"
    at_rest = viewer.picture(browser)
    assert at_rest.std() > 10, "the stage is empty"

    word = browser.find_element("css selector", "[data-words] button:nth-child(2)")
    word.click()
    assert viewer.clock(browser) == pytest.approx(WORDS[1].start_seconds, abs=0.01)
    wait(lambda: word.get_dom_attribute("aria-current") == "true", "the word to be lit")
    assert viewer.moved(at_rest, viewer.picture(browser)) > 0.003

    press(browser, "l")
    assert viewer.attribute(browser, "loop", "aria-pressed") == "true"
    press(browser, "m")
    assert viewer.attribute(browser, "mute", "aria-pressed") == "true"
    press(browser, "]")
    assert viewer.clock(browser) == pytest.approx(WORDS[2].start_seconds, abs=0.01)
    press(browser, Keys.SHIFT, Keys.ARROW_RIGHT)
    third = round(WORDS[2].start_seconds * 30) + 1
    assert viewer.clock(browser) == pytest.approx(third / 30, abs=1e-3)

    viewer.seek(browser, 0.2)
    press(browser, " ")
    wait(lambda: viewer.clock(browser) > 0.5, "the clock to go on")
    both = "return [sounds[0].currentTime, Number(document.getElementById('position').value)]"
    heard, shown = browser.execute_script(both)
    assert heard > 0.3
    assert shown == pytest.approx(heard, abs=0.15)
    press(browser, " ")
    assert viewer.attribute(browser, "play", "aria-label") == "Play"
    press(browser, "?")
    assert browser.find_element("id", "help").is_displayed()
    press(browser, Keys.ESCAPE)
    assert viewer.complaints(browser) == []


def test_two_stand_side_by_side_under_their_names_and_share_a_sound(
    browser: Any, pages: dict
) -> None:
    assert pages["two"].read_text().count("data:audio/mpeg") == 1
    viewer.open_page(browser, pages["two"])
    names = [label.text for label in browser.find_elements("css selector", "#labels span")]
    assert names == ["waving", "</script>still"]
    first = viewer.picture(browser)
    viewer.seek(browser, 0.25)
    then = viewer.picture(browser)
    half = first.shape[1] // 2
    assert viewer.moved(first[:, :half], then[:, :half]) > 0.003, "the left one does not wave"
    assert viewer.moved(first[:, half:], then[:, half:]) < 0.001, "the right one moves"
    browser.find_element("id", "facing").click()
    assert viewer.moved(then, viewer.picture(browser)) > 0.05
    assert viewer.complaints(browser) == []


def test_it_fits_a_phone_and_the_night(browser: Any, pages: dict) -> None:
    viewer.look(browser, viewer.NARROW, dark=True)
    try:
        viewer.open_page(browser, pages["one"])
        wide = "return [document.documentElement.scrollWidth, document.body.scrollHeight]"
        assert browser.execute_script(wide) == list(viewer.NARROW)
        for name in ("play", "loop", "speed", "frame", "open-help"):
            box = browser.find_element("id", name).rect
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= viewer.NARROW[0]
            assert box["y"] + box["height"] <= viewer.NARROW[1]
            assert min(box["width"], box["height"]) >= 32, f"{name} is small for a thumb"
        assert viewer.picture(browser)[2, 2].max() < 60, "the stage is bright at night"
        unnamed = (
            "return [...document.querySelectorAll('button, input, select')].filter((one) =>"
            " !(one.labels?.[0]?.textContent ?? one.textContent).trim()"
            " && !one.ariaLabel).map((one) => one.id)"
        )
        assert browser.execute_script(unnamed) == []
        assert viewer.complaints(browser) == []
    finally:
        viewer.look(browser, viewer.WIDE)


def test_a_character_of_ones_own_takes_the_motion(browser: Any, pages: dict) -> None:
    viewer.open_page(browser, pages["one"])
    plain = viewer.picture(browser)
    chosen = browser.find_element("id", "character")
    chosen.send_keys(str(pages["folder"] / "machine.glb"))
    notice = browser.find_element("id", "notice")
    wait(lambda: "hips" in notice.text, "a sentence about the bones that are missing")
    assert viewer.moved(plain, viewer.picture(browser)) < 0.001

    chosen.send_keys(str(pages["folder"] / "boy.glb"))
    back = browser.find_element("id", "own-body")
    wait(back.is_displayed, "the character")
    boy = viewer.picture(browser)
    assert viewer.moved(plain, boy) > 0.02
    viewer.seek(browser, 0.25)
    assert viewer.moved(boy, viewer.picture(browser)) > 0.0005, "the character does not move"
    back.click()
    viewer.seek(browser, 0.0)
    assert viewer.moved(plain, viewer.picture(browser)) < 0.001
    assert viewer.complaints(browser) == []


@pytest.mark.parametrize("kind", ["boy.glb", "boy.vrm"])
def test_bones_of_a_character_point_where_those_of_the_motion_do(
    kind: str, browser: Any, pages: dict
) -> None:
    if browser.current_url != pages["one"].as_uri():
        viewer.open_page(browser, pages["one"])
    script = """
const done = arguments[1];
(async () => {
  const { Character } = await import("viewer/character.js");
  const { Motion } = await import("viewer/motion.js");
  const { Puppet } = await import("viewer/pose.js");
  const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
  const character = await Character.read(new File([bytes], "boy"));
  const motion = new Motion(JSON.parse(document.getElementById("motions").textContent)[0]);
  const puppet = new Puppet(motion.humanoid);
  const world = puppet.world(motion.pose(0.25));
  character.pose(world, puppet, 0);
  character.object.updateMatrixWorld(true);
  const at = (name) => character.object.getObjectByName("mixamorig" + name).matrixWorld.elements.slice(12, 15);
  const way = (from, to) => to.map((value, axis) => value - from[axis]);
  const found = {};
  for (const side of ["Left", "Right"])
    for (const [start, end, bone, child] of [["Arm", "ForeArm", "UpperArm", "LowerArm"], ["ForeArm", "Hand", "LowerArm", "Hand"]]) {
      const low = side.toLowerCase();
      found[side + start] = [way(at(side + start), at(side + end)), way(world[low + bone].place, world[low + child].place)];
    }
  done(found);
})().catch((problem) => done(String(problem)));
"""  # noqa: E501
    import base64

    import numpy as np

    data = base64.b64encode((pages["folder"] / kind).read_bytes()).decode()
    found = browser.execute_async_script(script, data)
    assert isinstance(found, dict), found
    lengths = {"LeftArm": 0.22, "RightArm": 0.22, "LeftForeArm": 0.2, "RightForeArm": 0.2}
    for bone, (theirs, ours) in found.items():
        theirs, ours = np.array(theirs), np.array(ours)
        assert np.linalg.norm(theirs) == pytest.approx(lengths[bone], abs=1e-5)
        np.testing.assert_allclose(
            theirs / np.linalg.norm(theirs), ours / np.linalg.norm(ours), atol=1e-5
        )


def test_without_a_server_a_recording_is_answered_by_a_sentence(browser: Any, pages: dict) -> None:
    if browser.current_url != pages["one"].as_uri():
        viewer.open_page(browser, pages["one"])
    drop = """
const files = new DataTransfer();
files.items.add(new File(["x"], "talk.wav", { type: "audio/wav" }));
document.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true }));
"""
    browser.execute_script(drop)
    notice = browser.find_element("id", "notice")
    wait(lambda: "llavataros serve" in notice.text, "the sentence")
    assert not browser.find_element("id", "live").is_displayed()


def test_it_loops_over_its_end(browser: Any, pages: dict) -> None:
    viewer.open_page(browser, pages["one"])
    browser.find_element("id", "loop").click()
    viewer.seek(browser, SECONDS - 0.1)
    browser.find_element("id", "play").click()
    wait(lambda: viewer.clock(browser) < 1.5, "the beginning again")
    assert viewer.attribute(browser, "play", "aria-label") == "Pause"


def press(browser: Any, *keys: str) -> None:
    chain = ActionChains(browser)
    for key in keys[:-1]:
        chain.key_down(key)
    chain.send_keys(keys[-1])
    for key in keys[:-1]:
        chain.key_up(key)
    chain.perform()
