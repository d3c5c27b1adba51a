"""Whole studies answered in a real browser, and what the analysis makes of the answers."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from llavataros.study.__main__ import main
from llavataros.study.answers import COLUMNS
from tests.program.study.browser import (
    NARROW,
    answer,
    current,
    open_browser,
    play_both,
    press,
    shown,
    start,
    wait,
)
from tests.program.study.systems import SYSTEMS, write_systems

pytest.importorskip("cv2")
multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
proportion_confint = pytest.importorskip("statsmodels.stats.proportion").proportion_confint
statsmodels = pytest.importorskip("statsmodels.api")

pytestmark = pytest.mark.slow
SMALL = ["--width", "160", "--height", "120", "--fps", "15"]
# So many comparisons are looked at at the films' own pace.
UNHURRIED = 3
# By whom each is preferred over the later ones, but nobody tells the last two apart on one clip.
BEST_FIRST = ("real", "backwards", "still")
UNDECIDED = ("ada_2", {"backwards", "still"})


def _make(folder: Path, *options: str) -> Path:
    given = write_systems(folder / "given")
    assert main(["make", *given, *SMALL, "--out", str(folder / "study"), *options]) == 0
    return folder / "study" / "index.html"


def _open(browser: Any, page: Path, query: str = "") -> None:
    browser.get(page.as_uri() + query)


def _faster(browser: Any, times: float) -> None:
    browser.execute_script(
        "for (const side in films) films[side].video.playbackRate = arguments[0]", times
    )


def _preferred(asked: dict) -> str:
    """Answers by the known rule."""
    left, right = (film["system"] for film in asked["films"])
    if asked["attention"]:
        return asked["attention"]
    if (asked["clip"], {left, right}) == UNDECIDED:
        return "tie"
    return "left" if BEST_FIRST.index(left) < BEST_FIRST.index(right) else "right"


def _download(browser: Any, folder: Path) -> Path:
    before = set(folder.glob("*.csv"))
    browser.find_element("id", "download").click()
    (path,) = wait(lambda: set(folder.glob("*.csv")) - before, "the download")
    return path


def _fits(browser: Any) -> None:
    """Checks that nothing is wider than the screen and all that is touched is large enough."""
    wide = "return [document.documentElement.scrollWidth, innerWidth]"
    content, screen = browser.execute_script(wide)
    assert content <= screen == NARROW[0]
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('button, summary, .agree, .field input')]"
        ".filter((one) => one.offsetParent).map((one) => one.getBoundingClientRect())"
        ".map((box) => [box.width, box.height, box.left, box.right])"
    )
    assert sizes
    for width, height, left, right in sizes:
        assert min(width, height) >= 44
        assert 0 <= left < right <= NARROW[0]


def test_a_whole_preference_study(tmp_path, capsys):
    page = _make(tmp_path, "--checks", "1", "--seconds", "1")
    answers = tmp_path / "answers"
    answers.mkdir()
    sides: dict[str, list] = {}
    with open_browser(answers) as browser:
        for participant, attentive in (("anna", True), ("bob", True), ("carl", False)):
            # Each answers through the address that a recruiting service would give.
            _open(browser, page, f"?participant={participant}&completion=C0DE")
            assert shown(browser) == "intro"
            start(browser)
            asked_of = sides.setdefault(participant, [])
            while shown(browser) == "trial":
                asked = current(browser)
                asked_of.append([film["file"] for film in asked["films"]])
                if participant == "anna" and asked["answered"] == 4:
                    browser.refresh()
                    assert shown(browser) == "trial"
                    assert current(browser) == asked
                if participant != "anna" or asked["answered"] >= UNHURRIED:
                    _faster(browser, 16)
                if asked["attention"]:
                    _check_attention(browser, asked["attention"])
                else:
                    play_both(browser)
                side = _preferred(asked)
                if asked["attention"] and not attentive:
                    side = "tie"
                answer(browser, side)
            assert shown(browser) == "end"
            assert browser.find_element("id", "code").text == "C0DE"
            path = _download(browser, answers)
            assert participant in path.name
        # All stays in the browser after the end, and nothing came from anywhere else.
        browser.refresh()
        assert shown(browser) == "end"
        assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
        _check_addresses(browser)
    assert sides["anna"] != sides["bob"]

    with next(answers.glob("*anna*")).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["trial"]) for row in rows] == list(range(1, 11))
    # Each film takes a second, so nobody can have answered before.
    assert all(float(row["seconds"]) >= 2 for row in rows[:UNHURRIED])
    assert all("Chrome" in row["user_agent"] for row in rows)

    results = _analyse(page, answers, tmp_path / "results")
    assert "carl (1 of 1)" in capsys.readouterr().out
    assert results["dropped"] == {"carl": [1, 1]}
    assert results["participants"] == {"anna": 9, "bob": 9}
    _check_against_statsmodels(results)
    everybody = _analyse(page, answers, tmp_path / "all", "--most-failures", "1")
    assert sum(everybody["participants"].values()) == 27


def _check_attention(browser: Any, asked: str) -> None:
    """Checks that the text over the films comes only to who watches them."""
    words = (
        "return [...document.querySelectorAll('.attention')]"
        ".map((one) => one.checkVisibility() ? one.innerText : '')"
    )
    assert browser.execute_script(words) == ["", ""]
    play_both(browser)
    letter = {"left": "A", "right": "B"}[asked]
    assert browser.execute_script(words) == [f"Attention check: please answer {letter}"] * 2


def _check_addresses(browser: Any) -> None:
    asked = [json.loads(line["message"])["message"] for line in browser.get_log("performance")]
    addresses = [
        message["params"]["request"]["url"]
        for message in asked
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert addresses
    assert {address.split(":")[0] for address in addresses} <= {"file", "blob", "data"}


def _analyse(page: Path, answers: Path, out: Path, *options: str) -> dict:
    arguments = ["analyse", str(answers), "--study", str(page.parent), "--out", str(out)]
    assert main([*arguments, "--resamples", "50", *options]) == 0
    return json.loads((out / "results.json").read_text())


def _check_against_statsmodels(results: dict) -> None:
    """Checks what two people, who followed the rule on three clips, must come to."""
    counts = {(row["first"], row["second"]): row for row in results["shares"]}
    expected = {
        ("real", "backwards"): (6, 0, 0),
        ("real", "still"): (6, 0, 0),
        ("backwards", "still"): (4, 0, 2),
    }
    assert {
        pair: (row["wins"], row["losses"], row["ties"]) for pair, row in counts.items()
    } == expected
    tests = {pair: binomtest(wins, wins + losses) for pair, (wins, losses, _) in expected.items()}
    corrected = multipletests([test.pvalue for test in tests.values()], method="holm")[1]
    for (pair, (wins, losses, ties)), holm in zip(expected.items(), corrected, strict=True):
        row, total = counts[pair], wins + losses + ties
        assert row["share"] == (wins + ties / 2) / total
        interval = proportion_confint(wins + ties / 2, total, method="wilson")
        assert (row["low"], row["high"]) == pytest.approx(interval, abs=1e-12)
        assert row["p"] == pytest.approx(tests[pair].pvalue, abs=1e-12)
        assert row["p_holm"] == pytest.approx(holm, abs=1e-12)
    # The default prior is one tie more for each pair.
    won = [(wins + ties / 2 + 0.5, losses + ties / 2 + 0.5)
           for wins, losses, ties in expected.values()]  # fmt: skip
    who = [[-1, 0], [0, -1], [1, -1]]  # backwards and still against real
    family = statsmodels.families.Binomial()
    logits = [0, *statsmodels.GLM(won, who, family=family).fit(tol=1e-12).params]
    points = [400 / 2.302585092994046 * (logit - sum(logits) / 3) + 1000 for logit in logits]
    found = {row["system"]: row for row in results["strengths"]}
    assert list(found) == list(BEST_FIRST)
    for system, strength in zip(BEST_FIRST, points, strict=True):
        assert found[system]["strength"] == pytest.approx(strength, abs=1e-3)
        assert found[system]["low"] <= found[system]["high"]


def test_a_whole_matching_study_from_one_file(tmp_path):
    page = _make(tmp_path, "--kind", "matching", "--single-file", "--checks", "1",
                 "--seconds", "1", "--trials", "6")  # fmt: skip
    alone = tmp_path / "elsewhere" / "page.html"
    alone.parent.mkdir()
    shutil.copy(page, alone)
    answers = tmp_path / "answers"
    answers.mkdir()
    with open_browser(answers) as browser:
        _open(browser, alone)
        start(browser, "dora d'O")
        while shown(browser) == "trial":
            asked = current(browser)
            _faster(browser, 2)
            play_both(browser)
            left, right = asked["films"]
            assert left["system"] == right["system"]
            matched = "left" if left["speech"] == asked["clip"] else "right"
            # Nobody can tell which speech a body belongs to that does not move.
            side = "tie" if left["system"] == "still" else matched
            answer(browser, asked["attention"] or side)
        assert not browser.find_element("id", "code").is_displayed()
        path = _download(browser, answers)
    assert path.name.endswith("-dora_d_O.csv")
    results = _analyse(page, answers, tmp_path / "results")
    found = {row["first"]: row for row in results["shares"]}
    assert set(found) == set(SYSTEMS)  # two of each: chosen evenly
    for system, row in found.items():
        expected = (0, 0, 2) if system == "still" else (2, 0, 0)
        assert (row["wins"], row["losses"], row["ties"]) == expected
        interval = proportion_confint(row["wins"] + row["ties"] / 2, 2, method="wilson")
        assert (row["low"], row["high"]) == pytest.approx(interval, abs=1e-12)


def test_on_a_phone(tmp_path):
    page = _make(tmp_path, "--clips", "1", "--checks", "0", "--seconds", "1", "--trials", "1")
    with open_browser(tmp_path, size=NARROW) as browser:
        _open(browser, page, "?completion=" + "C" * 60)
        _fits(browser)
        start(browser)
        _fits(browser)
        # The answers are on the screen, wherever it is scrolled to.
        boxes = browser.execute_script(
            "return [...document.querySelectorAll('[data-answer]')]"
            ".map((one) => one.getBoundingClientRect()).map((box) => [box.top, box.bottom])"
        )
        assert all(0 <= top < bottom <= NARROW[1] for top, bottom in boxes)
        for side in ("left", "right"):
            play = browser.execute_script("return films[arguments[0]].play", side)
            assert "Play film" in play.get_attribute("aria-label")
            play.click()
            wait(lambda s=side: browser.execute_script(f"return films.{s}.ended"), "a film's end")
        browser.find_element("css selector", "[data-answer=tie]").click()
        assert shown(browser) == "end"
        _fits(browser)
        assert ",tie," in browser.find_element("id", "text").get_attribute("value")
        # Somebody else starts anew.
        browser.find_element("id", "again").click()
        wait(lambda: shown(browser) == "intro", "the beginning")


def test_nothing_counts_before_both_films_were_played_to_their_ends(tmp_path):
    page = _make(tmp_path, "--clips", "1", "--checks", "0", "--seconds", "1")
    with open_browser(tmp_path) as browser:
        _open(browser, page)
        assert not browser.find_element("id", "start").is_enabled()
        start(browser)
        hint = browser.find_element("id", "hint")
        middle = browser.find_element("css selector", "[data-answer=tie]")

        def refused() -> None:
            press(browser, "1")
            middle.click()
            assert current(browser)["answered"] == 0
            assert "to the end first" in hint.text

        refused()
        press(browser, " ")
        wait(lambda: browser.execute_script("return films.left.ended"), "the first film's end")
        refused()
        press(browser, " ")
        wait(lambda: browser.execute_script("return !films.right.video.paused"), "the second film")
        # The space bar stops a film, and only its end counts.
        press(browser, " ")
        assert browser.execute_script("return films.right.video.paused && !films.right.ended")
        refused()
        press(browser, " ")
        wait(lambda: browser.execute_script("return films.right.ended"), "the second film's end")
        press(browser, "2")
        assert current(browser)["answered"] == 1


def test_order_and_sides_are_random_and_a_lost_film_is_told(tmp_path):
    page = _make(tmp_path, "--checks", "2", "--seconds", "1", "--trials", "6")
    for film in (page.parent / "films").iterdir():
        film.unlink()
    people = 600
    with open_browser(tmp_path) as browser:
        _open(browser, page)
        orders = browser.execute_script(
            "return Array.from({length: arguments[0]}, (_, n) => arranged(`p${n}`)"
            ".map((each) => ({...each, number: study.comparisons.findIndex("
            "(one) => one.clip === each.clip && one.attention === each.attention && "
            "one.films.every((film) => each.films.some((other) => other.file === film.file)))})))",
            people,
        )
        again = browser.execute_script("return [arranged('p7'), arranged('p7')]")
        numbers = browser.execute_script(
            "return Array.from({length: 4000}, (_, n) => dice(`s/p${n}`))"
            ".map((draw) => Array.from({length: 40}, () => draw()))"
        )
        start(browser)
        hint = browser.find_element("id", "hint")
        wait(lambda: "could not be loaded" in hint.text, "the page to say so")
    assert again[0] == again[1]
    drawn = np.array(numbers)
    assert kstest(drawn.ravel(), "uniform").pvalue > 1e-4
    # Neither a person's own numbers nor those of people of like names go together.
    own = np.corrcoef(drawn.T)[np.triu_indices(40, 1)]
    next_ones = [np.corrcoef(*pair)[0, 1] for pair in zip(drawn[:-1].T, drawn[1:].T, strict=True)]
    for correlations in (own, next_ones):
        assert np.abs(correlations).max() < 5 / np.sqrt(len(drawn))
    study = json.loads((page.parent / "study.json").read_text())
    seen = {number: [] for number in range(len(study["comparisons"]))}
    for order in orders:
        assert len(order) == 8
        assert not order[0]["attention"]
        judged = [each for each in order if not each["attention"]]
        pairs = [frozenset(film["system"] for film in each["films"]) for each in judged]
        assert sorted(pairs.count(pair) for pair in set(pairs)) == [2, 2, 2]
        for place, each in enumerate(order):
            first = study["comparisons"][each["number"]]["films"][0]
            seen[each["number"]].append((place, each["films"][0]["file"] == first["file"]))
    for number, places in seen.items():
        turned = sum(side for _, side in places)
        assert binomtest(turned, len(places)).pvalue > 1e-4
        if not study["comparisons"][number]["attention"]:
            # Two of three clips are drawn for each pair of systems.
            assert binomtest(len(places), people, 2 / 3).pvalue > 1e-4
            assert 2.5 < sum(place for place, _ in places) / len(places) < 4.5
