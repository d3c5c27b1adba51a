"""A browser that takes part in a study by the keyboard, as a person would."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
WIDE, NARROW = (1280, 800), (390, 844)
PATIENCE_SECONDS = 30.0


@contextmanager
def open_browser(
    downloads: Path, *, size: tuple[int, int] = WIDE, dark: bool = False
) -> Iterator[Any]:
    """Opens a browser without a window, or skips the test where there is none."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (CHROMIUM and CHROMEDRIVER):
        pytest.skip("there is no chromium with chromedriver here")
    options = selenium.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    flags = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--mute-audio")
    for flag in (*flags, "--autoplay-policy=no-user-gesture-required"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = selenium.ChromeService(str(CHROMEDRIVER))
    browser = selenium.Chrome(options=options, service=service)
    try:
        screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1}
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {**screen, "mobile": size[0] < 600}
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield browser
    finally:
        browser.quit()


def wait(condition: Callable[[], Any], what: str) -> Any:
    """Waits until something is true, and gives it."""
    last = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < last:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def shown(browser: Any) -> str:
    """Returns which of the page's three parts is shown."""
    script = "return ['intro', 'trial', 'end'].find((id) => !document.getElementById(id).hidden)"
    return browser.execute_script(script)


def press(browser: Any, key: str) -> None:
    """Presses a key."""
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(key).perform()


def start(browser: Any, participant: str = "") -> None:
    """Agrees and starts."""
    browser.find_element("id", "agree").click()
    if participant:
        browser.find_element("id", "participant").send_keys(participant)
    browser.find_element("id", "start").click()
    assert shown(browser) == "trial"


def current(browser: Any) -> dict:
    """Returns the comparison on the screen, by sides, and how many were answered."""
    return browser.execute_script("return {...current, answered: state.answers.length}")


def play_both(browser: Any) -> None:
    """Plays both films to their end with the space bar."""
    for side in ("left", "right"):
        press(browser, " ")
        ended = f"return films.{side}.ended"
        wait(lambda script=ended: browser.execute_script(script), f"the {side} film's end")


def answer(browser: Any, side: str) -> None:
    """Answers by the arrow keys, and waits for what comes next."""
    from selenium.webdriver.common.keys import Keys

    before = current(browser)["answered"]
    keys = {"left": Keys.ARROW_LEFT, "tie": Keys.ARROW_DOWN, "right": Keys.ARROW_RIGHT}
    press(browser, keys[side])
    assert current(browser)["answered"] == before + 1
