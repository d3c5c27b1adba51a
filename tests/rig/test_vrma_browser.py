"""VRM animations on an avatar of VRM 1.0, and moved characters, by three.js in a browser.

The bundle of the viewer has it. Bones' places in several frames are those of our kinematics, on an
avatar whose nodes are rolled as those of real avatars are.
"""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.rig.normalised import HumanoidMotion, humanoid_motion
from llavataros_jax.rig.onto import put_onto
from llavataros_jax.rig.vrma import write_vrma
from tests.program.study.browser import open_browser, wait
from tests.rig import rigs
from tests.rig.motions import asymmetric_motion
from tests.rig.people import posed, uneven_motion
from tests.rig.played import played
from tests.rig.vrm_maker import write_vrm

_BUNDLE = Path(__file__).parents[2] / "web" / "vendor" / "three_vrm.js"
_PAGE = """<!doctype html><link rel="icon" href="data:,"><script type="module">
import * as t from "./three_vrm.js";
const load = async (url, plugin) => {
  const loader = new t.GLTFLoader();
  loader.register(plugin);
  return loader.loadAsync(url);
};
window.places = async (avatar, animation, times, bones) => {
  const { vrm } = (await load(avatar, (parser) => new t.VRMLoaderPlugin(parser))).userData;
  const gltf = await load(animation, (parser) => new t.VRMAnimationLoaderPlugin(parser));
  const clip = t.createVRMAnimationClip(gltf.userData.vrmAnimations[0], vrm);
  const mixer = new t.AnimationMixer(vrm.scene);
  mixer.clipAction(clip).play();
  return times.map((time) => {
    mixer.setTime(time);
    vrm.humanoid.update();
    vrm.scene.updateMatrixWorld(true);
    return bones.map((bone) => {
      const node = vrm.humanoid.getRawBoneNode(bone);
      return node.getWorldPosition(new t.Vector3()).toArray();
    });
  });
};
window.nodePlaces = async (character, times, names) => {
  const gltf = await load(character, (parser) => new t.VRMLoaderPlugin(parser));
  const mixer = new t.AnimationMixer(gltf.scene);
  mixer.clipAction(gltf.animations.at(-1)).play();
  const nodes = names.map((name) => {
    const index = gltf.parser.json.nodes.findIndex((node) => node.name === name);
    return gltf.parser.getDependency("node", index);
  });
  const found = await Promise.all(nodes);
  return times.map((time) => {
    mixer.setTime(time);
    gltf.scene.updateMatrixWorld(true);
    return found.map((node) => node.getWorldPosition(new t.Vector3()).toArray());
  });
};
window.isReady = true;
</script>"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator:
    """A browser at a page that can play VRM animations of this test's folder."""
    if not _BUNDLE.is_file():
        pytest.skip("web/vendor/three_vrm.js is not here")
    (tmp_path / "three_vrm.js").symlink_to(_BUNDLE)
    (tmp_path / "page.html").write_text(_PAGE, encoding="utf-8")
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with open_browser(tmp_path) as browser:
            browser.get(f"http://127.0.0.1:{server.server_port}/page.html")
            wait(lambda: browser.execute_script("return window.isReady"), "the bundle")
            yield browser
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def places(page, names: tuple[str, str], times: list[float], bones: tuple[str, ...]) -> np.ndarray:
    return told(page, "places", *names, times, list(bones))


def told(page, function: str, *given) -> np.ndarray:
    script = f"""const [done, ...given] = [...arguments].reverse();
    {function}(...given.reverse()).then(done, (error) => done(String(error.stack)));"""
    found = page.execute_async_script(script, *given)
    assert not isinstance(found, str), found
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []
    return np.array(found)


def rolled(motion: HumanoidMotion) -> dict[str, Rotation]:
    """World rotations of an avatar's nodes at rest, each another."""
    random = np.random.default_rng(7)
    return {bone: Rotation.random(rng=random) for bone in motion.bones}


@pytest.mark.slow
def test_three_vrm_moves_an_avatar_as_we_do(tmp_path: Path, page) -> None:
    motions = {
        "uneven": humanoid_motion(uneven_motion()),
        "whole": humanoid_motion(uneven_motion(posed({}), frames=90)),
    }
    for name, motion in motions.items():
        write_vrma(tmp_path / f"{name}.vrma", motion)
        wanted = motion.to_motion().positions
        for kind, roll in (("plain", None), ("rolled", rolled(motion))):
            avatar = f"{name}_{kind}.vrm"
            write_vrm(tmp_path / avatar, motion, roll)
            frames = [0, motion.num_frames // 3, motion.num_frames - 1]
            times = [frame / motion.fps for frame in frames]
            found = places(page, (avatar, f"{name}.vrma"), times, motion.bones)
            np.testing.assert_allclose(found, wanted[frames], atol=1e-4, err_msg=avatar)


@pytest.mark.slow
def test_three_plays_moved_characters_as_they_were_written(tmp_path: Path, page) -> None:
    motion = asymmetric_motion(20)
    for number, rig in enumerate(
        (
            rigs.Rig(lowered_degrees=45, armature_scale=0.01, rolls=3),
            rigs.Rig(names=rigs.strange, vrm=1, hips=0.6),
            rigs.Rig(names=rigs.unreal, vrm=0, turned_degrees=180),
        )
    ):
        name = f"moved_{number}.glb"
        put_onto(motion, rig.write(tmp_path / "rig.glb"), tmp_path / name, name="talk")
        nodes, worlds, seconds = played(tmp_path / name)
        bones = [rig.names(bone) for bone in rig.bones]
        frames = [0, 7, 18]  # at its very end an animation begins again
        found = told(page, "nodePlaces", name, seconds[frames].tolist(), bones)
        wanted = worlds[frames][:, [nodes.index(bone) for bone in bones]][..., :3, 3]
        np.testing.assert_allclose(found, wanted, atol=1e-5, err_msg=str(rig))
