"""A browser for the viewer: drawing in software, a microphone that is a file, no console error."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import UInt8

from tests.program.study.browser import CHROMEDRIVER, CHROMIUM, wait

# Small, and coarse, because every pixel is drawn by the processor.
WIDE, NARROW = (700, 500), (390, 700)
# Pictures are read from the canvas, which forgets them otherwise; sounds are in no document.
_KEEP_PICTURES = """
const open = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {
  return open.call(this, kind, { ...options, preserveDrawingBuffer: true });
};
window.sounds = [];
window.Audio = new Proxy(Audio, {
  construct(kind, given) {
    window.sounds.push(new kind(...given));
    return window.sounds.at(-1);
  },
});
"""


@contextmanager
def open_viewer_browser(microphone: Path | None = None) -> Iterator[Any]:
    """Opens a browser without a window, or skips the test where there is none."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (CHROMIUM and CHROMEDRIVER):
        pytest.skip("there is no chromium with chromedriver here")
    options = selenium.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    flags = ["headless=new", "no-sandbox", "disable-dev-shm-usage", "mute-audio"]
    flags += ["use-angle=swiftshader", "enable-unsafe-swiftshader", "disable-extensions"]
    flags += ["autoplay-policy=no-user-gesture-required", "use-fake-ui-for-media-stream"]
    if microphone:
        flags += [
            "use-fake-device-for-media-stream",
            f"use-file-for-fake-audio-capture={microphone}",
        ]
    for flag in flags:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = selenium.ChromeService(str(CHROMEDRIVER))
    browser = selenium.Chrome(options=options, service=service)
    browser.set_script_timeout(30)
    try:
        look(browser, WIDE)
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _KEEP_PICTURES})
        yield browser
    finally:
        browser.quit()


def look(browser: Any, size: tuple[int, int], *, dark: bool = False) -> None:
    """Gives the screen a size, and day or night."""
    screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 0.5}
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {**screen, "mobile": size[0] < 600}
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def open_page(browser: Any, address: str | Path) -> None:
    """Opens a page and waits until it works."""
    browser.get(address.as_uri() if isinstance(address, Path) else address)
    ready = "return document.documentElement.dataset.ready === 'true'"
    wait(lambda: browser.execute_script(ready), "the page")


def picture(browser: Any) -> UInt8[np.ndarray, "height width 3"]:
    """Returns what the stage shows, after the next picture was drawn."""
    from PIL import Image

    script = (
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() =>"
        " done(document.getElementById('picture').toDataURL())))"
    )
    data = base64.b64decode(browser.execute_async_script(script).split(",")[1])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def moved(one: UInt8[np.ndarray, "h w 3"], other: UInt8[np.ndarray, "h w 3"]) -> float:
    """Returns the share of pixels that differ visibly."""
    assert one.shape == other.shape
    return float((np.abs(one.astype(int) - other).max(axis=-1) > 24).mean())


def complaints(browser: Any) -> list[str]:
    """Returns what the console says since the last time that is no mere information."""
    return [
        entry["message"]
        for entry in browser.get_log("browser")
        if entry["level"] in ("SEVERE", "WARNING")
    ]


def clock(browser: Any) -> float:
    """Returns the time that the player shows, in seconds."""
    return float(browser.execute_script("return document.getElementById('position').value"))


def seek(browser: Any, seconds: float) -> None:
    """Drags the position to a time."""
    script = (
        "const slider = document.getElementById('position'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input'))"
    )
    browser.execute_script(script, seconds)


def attribute(browser: Any, name: str, which: str) -> str | None:
    """Returns an attribute of an element by its id."""
    return browser.find_element("id", name).get_dom_attribute(which)
