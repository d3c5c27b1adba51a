"""The whole page, from a result that is made up and two clips, opened from disk in a browser."""

import base64
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.report import page
from llavataros_jax.report.page import write_report
from llavataros_jax.report.pictures import middle, plot_histogram
from llavataros_jax.report.themed import themed
from tests.report.made_up import EVIL, Clips, result

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    log = folder / "log.jsonl"
    log.write_text('{"step": 1, "train/loss": 2.0}\n{"step": 2, "train/loss": 1.0}\n')
    told: list[str] = []
    source = Clips(folder)
    path = folder / "report.html"
    write_report(path, result(), source, log=log, progress=told.append)
    assert source.reads == [0, 1]
    assert told == [
        "reading clip 1 of 2", "reading clip 2 of 2", "drawing",
        "filming the best clip", "filming the worst clip",
    ]  # fmt: skip
    return path


def test_one_file_holds_everything(written):
    content = written.read_text()
    assert [path.name for path in written.parent.glob("*.html")] == ["report.html"]
    assert len(content) < 15e6
    assert not re.search(r'(?:src|href)="(?!data:|#)', content)
    assert len(re.findall(r'<video [^>]*src="data:video/mp4;base64,', content)) == 2
    assert EVIL not in content
    numbers = re.search(
        r'download="metrics.json" href="data:application/json;base64,([^"]+)"', content
    )
    assert numbers
    assert json.loads(base64.b64decode(numbers.group(1))) == json.loads(
        json.dumps(result().to_json())
    )


def test_what_is_not_there_is_said(tmp_path):
    source = Clips(tmp_path, silent=True)
    write_report(tmp_path / "a.html", result(warnings=()), source, films=False)
    content = (tmp_path / "a.html").read_text()
    assert (
        "No picture of the speech above the speed of the wrists: the clip has no sound" in content
    )
    assert "<video" not in content
    assert 'id="training"' not in content


def test_sound_that_cannot_be_read_leaves_sentences_where_films_and_pictures_were(tmp_path):
    source = Clips(tmp_path)
    source.sound.write_bytes(b"nothing")
    write_report(tmp_path / "a.html", result(), source)
    content = (tmp_path / "a.html").read_text()
    assert content.count("<video") == 1
    assert "No film: " in content
    assert "No picture of the speech above the speed of the wrists: " in content


def test_missing_tools_are_refused_before_clips_are_read(tmp_path, monkeypatch):
    def missing(*_, **__):
        raise UserError("drawing films needs cv2")

    monkeypatch.setattr(page, "check_film_tools", missing)
    source = Clips(tmp_path)
    with pytest.raises(UserError, match="needs cv2"):
        write_report(tmp_path / "a.html", result(), source)
    assert source.reads == []


def test_pictures_take_the_colours_of_the_page():
    # Clips of a run are of different lengths.
    values = {"predicted": [np.linspace(0, 1, 50), np.ones(7)], "real": [np.linspace(0, 2, 50)]}
    draw = lambda path: plot_histogram(path, values, title="speed", unit="m/s")  # noqa: E731
    svg = themed(draw, label='a "speed" <b>')
    assert svg.startswith('<svg class="chart"')
    assert 'aria-label="a &quot;speed&quot; &lt;b&gt;"' in svg
    assert "var(--teal)" in svg
    assert "var(--copper)" in svg
    assert not re.search(r"#[0-9a-f]{6}|<metadata|<style|<!--", svg)
    assert svg == themed(draw, label='a "speed" <b>')
    with pytest.raises(UserError, match="no hand"):
        themed(
            lambda path: plot_histogram(path, {"real": [np.zeros(0)]}, title="", unit=""), label=""
        )


def test_the_middle():
    assert middle(30.0, 20.0) == (5.0, 25.0)
    assert middle(3.0, 20.0) == (0.0, 3.0)


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no chromium with a chromedriver is installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("headless=new", "no-sandbox", "autoplay-policy=no-user-gesture-required"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    opened.set_script_timeout(30)
    yield opened
    opened.quit()


def test_a_browser_shows_it_from_disk_without_a_network(browser, written):
    browser.get(written.as_uri())
    rows = browser.execute_script(
        "return [...document.querySelectorAll('table.values tbody tr')].map(r => r.cells.length)"
    )
    assert len(rows) == 4
    assert set(rows) == {6}
    films = browser.execute_async_script(_PLAY)
    assert len(films) == 2
    for seconds, played, width in films:
        assert seconds == pytest.approx(2.0, abs=0.1)
        assert played > 0
        assert width == 480
    requested = [
        message["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]
    assert requested
    assert [url for url in requested if not url.startswith(("file:", "data:", "blob:"))] == []
    assert browser.get_log("browser") == []


# Plays every film a little: its length, how far it came, and how wide its pictures are.
_PLAY = """
const done = arguments[arguments.length - 1];
const play = async (film) => {
  if (film.readyState < 1) await new Promise((go) => film.addEventListener("loadedmetadata", go));
  film.muted = true;
  await film.play();
  await new Promise((go) => film.addEventListener("timeupdate", () => film.currentTime && go()));
  film.pause();
  return [film.duration, film.currentTime, film.videoWidth];
};
(async () => {
  const found = [];
  for (const film of document.querySelectorAll("video")) found.push(await play(film));
  done(found);
})();
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_only_tables_scroll_sideways(browser, written, width, scheme):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(written.as_uri())
    across, seen, table = browser.execute_script(
        "const box = document.querySelector('.table-scroll'), page = document.documentElement;"
        "box.scrollLeft = 60;"
        "return [page.scrollWidth, page.clientWidth, "
        "box.querySelector('tbody th').getBoundingClientRect().left - "
        "box.getBoundingClientRect().left]"
    )
    assert across == seen
    assert seen <= width
    assert table == pytest.approx(1, abs=1)  # the first column stays
    ink, paper = browser.execute_script(
        "const style = getComputedStyle(document.body);"
        "return [style.color, style.backgroundColor].map(c => +c.match(/\\d+/)[0])"
    )
    assert (ink < paper) == (scheme == "light")


def test_a_click_sorts_clips(browser, written):
    browser.get(written.as_uri())
    order = "return [...document.querySelectorAll('table.clips tbody th')].map(c => c.textContent)"
    click = "document.querySelectorAll('table.clips thead button')[arguments[0]].click();"
    assert browser.execute_script(click + order, 1) == ["b&b", EVIL]
    assert browser.execute_script(click + order, 1) == [EVIL, "b&b"]
    assert browser.execute_script(click + order, 0) == [EVIL, "b&b"]
    heads = browser.execute_script(
        "return [...document.querySelectorAll('table.clips thead th')].map(c => c.ariaSort)"
    )
    assert heads == ["ascending", "none", "none"]
