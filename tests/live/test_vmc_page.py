"""The page that shows in a browser what is sent by VMC."""

import http.client
import json

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from llavataros.live.page_out import PageOut
from llavataros.live.vmc_body import BodyPose, standing
from llavataros_jax.errors import UserError
from tests.live.test_vmc import MOVED, REST
from tests.program.study.browser import wait
from tests.web.browser import complaints, moved, open_viewer_browser, picture


@pytest.fixture
def page():
    shown = PageOut(MOVED, REST, port=0)
    yield shown
    shown.close()


def get(page, path, **headers):
    host = page.url.removeprefix("http://").strip("/")
    asked = http.client.HTTPConnection(host, timeout=5)
    asked.request("GET", path, headers=headers)
    answer = asked.getresponse()
    body = answer.read()
    asked.close()
    return answer, body


def test_the_page_and_what_it_needs_are_served_and_nothing_else(page):
    answer, body = get(page, "/")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert b"/poses" in body
    answer, body = get(page, "/vendor/three_vrm.js")
    assert (answer.status, answer.headers["Content-Type"]) == (
        200,
        "text/javascript; charset=utf-8",
    )
    assert len(body) == int(answer.headers["Content-Length"]) > 100_000
    assert "conventions" in json.loads(get(page, "/names.json")[1])
    for path in ("/package.json", "/../pyproject.toml", "/%2e%2e/pyproject.toml", "//etc/passwd"):
        assert get(page, path)[0].status == 404


def test_other_names_of_this_machine_and_other_pages_are_refused(page):
    assert get(page, "/", Host="evil.example")[0].status == 403
    url = page.url.replace("http", "ws") + "poses"
    with pytest.raises(InvalidStatus, match="403"):
        connect(url, origin="http://evil.example")


def test_poses_come_as_they_are_shown(page):
    with connect(page.url.replace("http", "ws") + "poses") as socket:
        told = json.loads(socket.recv(timeout=5))
        assert tuple(told["bones"]) == MOVED
        np.testing.assert_allclose(told["rest"], REST)
        pose = BodyPose(standing(MOVED, REST[0]).rotations, np.array([0.1, 0.9, 0.2]))
        page.show(pose, 1.0)
        numbers = np.frombuffer(socket.recv(timeout=5), "<f4")
        np.testing.assert_allclose(numbers[:3], [0.1, 0.9, 0.2], atol=1e-7)
        np.testing.assert_allclose(numbers[3:].reshape(-1, 4), pose.rotations, atol=1e-7)


def test_a_port_that_is_taken_is_a_sentence(page):
    port = int(page.url.rstrip("/").rpartition(":")[2])
    with pytest.raises(UserError, match=rf"--page {port} cannot be used .* name another port"):
        PageOut(MOVED, REST, port=port)
    with pytest.raises(UserError, match="--page 99999 cannot be used"):
        PageOut(MOVED, REST, port=99999)


@pytest.mark.slow
def test_the_body_is_seen_in_a_browser(page):
    with open_viewer_browser() as browser:
        browser.get(page.url)
        pictures = []
        for angle in (-1.3, 1.2):
            pose = standing(MOVED, REST[0])
            turned = [0.0, 0.0, np.sin(angle / 2), np.cos(angle / 2)]
            pose.rotations[MOVED.index("leftUpperArm")] = turned
            before = poses_seen(browser)

            def shown(pose=pose, before=before):
                page.show(pose, 0.0)
                return poses_seen(browser) > before + 2

            wait(shown, "poses")
            pictures.append(picture(browser))
        assert moved(*pictures) > 0.01
        assert not complaints(browser)


def poses_seen(browser) -> int:
    return int(browser.execute_script("return document.body?.dataset.poses ?? 0"))
