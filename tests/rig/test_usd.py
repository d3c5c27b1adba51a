"""USD files, by pxr's own reading of skeletons, skins and time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rig.usd import write_usd
from tests.rig.people import posed, uneven_motion
from tests.rig.test_glb import sliding

pxr = pytest.importorskip("pxr", reason="usd-core is not installed")


def opened(path: Path) -> tuple[Any, Any]:
    """Returns the stage, and the query of its skeleton by pxr's cache."""
    from pxr import Usd, UsdSkel

    stage = Usd.Stage.Open(str(path))
    root = UsdSkel.Root(stage.GetDefaultPrim())
    cache = UsdSkel.Cache()
    cache.Populate(root, Usd.TraverseInstanceProxies())
    skeleton = UsdSkel.Skeleton(stage.GetPrimAtPath(f"{root.GetPath()}/Skeleton"))
    return stage, cache.GetSkelQuery(skeleton)


def world(query: Any, frame: int) -> np.ndarray:
    """Returns the joints' matrices in the world, which act on columns."""
    from pxr import UsdGeom

    found = query.ComputeJointWorldTransforms(UsdGeom.XformCache(frame))
    return np.array([np.array(matrix) for matrix in found]).swapaxes(1, 2)


@pytest.mark.parametrize("suffix", [".usda", ".usdc", ".usdz", ".usd"])
def test_pxr_sees_our_kinematics(tmp_path: Path, suffix: str) -> None:
    from pxr import UsdGeom

    motion = Motion(sliding().frames, 24.0, AVATAROS_9)
    write_usd(tmp_path / f"a{suffix}", motion, with_body=False)
    stage, query = opened(tmp_path / f"a{suffix}")
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert stage.GetTimeCodesPerSecond() == 24.0
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, 11)
    for frame in (0, 4, 11):
        matrices = world(query, frame)
        np.testing.assert_allclose(matrices[:, :3, 3], motion.positions[frame], atol=1e-5)
        wanted = Rotation.from_quat(motion.quaternions[frame]).as_matrix()
        np.testing.assert_allclose(matrices[:, :3, :3], wanted, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_bind_and_rest_pose_are_the_skeletons(tmp_path: Path) -> None:
    lowered = {"leftUpperArm": Rotation.from_euler("z", -40, degrees=True)}
    write_usd(tmp_path / "a.usda", uneven_motion(posed(lowered)), with_body=False)
    stage, query = opened(tmp_path / "a.usda")
    bind = np.array([np.array(m) for m in query.GetJointWorldBindTransforms()])
    rest = query.ComputeJointSkelTransforms(0, atRest=True)
    np.testing.assert_allclose(bind, [np.array(matrix) for matrix in rest], atol=1e-6)
    skeleton = stage.GetPrimAtPath("/Person/Skeleton")
    assert "leftHand" in list(skeleton.GetAttribute("jointNames").Get())


def test_pxr_skins_the_body(tmp_path: Path) -> None:
    """At the bind pose the skin stays where it is; with the joints it moves along."""
    from pxr import Usd, UsdGeom, UsdSkel

    motion = uneven_motion()
    write_usd(tmp_path / "a.usdc", motion)
    stage, query = opened(tmp_path / "a.usdc")
    prim = stage.GetPrimAtPath("/Person/skin")
    cache = UsdSkel.Cache()
    cache.Populate(UsdSkel.Root(stage.GetDefaultPrim()), Usd.TraverseInstanceProxies())
    skin = cache.GetSkinningQuery(prim)
    points = UsdGeom.Mesh(prim).GetPointsAttr().Get()
    before = np.array(points)
    assert skin.ComputeSkinnedPoints(query.ComputeSkinningTransforms(5), points, 5)
    after = np.array(points)
    fingers = before[:, 0] > 0.75
    rest = Rotation.from_quat(AVATAROS_9.rest_rotations[8])
    hand = [0.67740948, 1.40072316, 0.02091129]
    local = rest.inv().apply(before[fingers] - hand)
    wanted = Rotation.from_quat(motion.quaternions[5, 8]).apply(local) + motion.positions[5, 8]
    np.testing.assert_allclose(after[fingers], wanted, atol=1e-5)


def test_usds_own_validators_find_nothing(tmp_path: Path) -> None:
    from pxr import Usd, UsdValidation

    write_usd(tmp_path / "a.usdz", uneven_motion())
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 10
    stage = Usd.Stage.Open(str(tmp_path / "a.usdz"))
    problems = UsdValidation.ValidationContext(validators).Validate(stage)
    assert [f"{problem.GetName()}: {problem.GetMessage()}" for problem in problems] == []


def test_names_that_usd_cannot_have(tmp_path: Path) -> None:
    names = tuple(f"mixamorig:{name}" for name in AVATAROS_9.names)
    skeleton = type(AVATAROS_9)(names, AVATAROS_9.parents, AVATAROS_9.offsets)
    motion = uneven_motion(skeleton)
    write_usd(tmp_path / "a.usda", motion, name="take 1: hello", with_body=False)
    stage, query = opened(tmp_path / "a.usda")
    np.testing.assert_allclose(world(query, 3)[:, :3, 3], motion.positions[3], atol=1e-5)
    told = stage.GetPrimAtPath("/Person/Skeleton").GetAttribute("jointNames").Get()
    assert tuple(told) == names


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.fbx must end in one of \.usda"):
        write_usd(tmp_path / "a.fbx", uneven_motion())
