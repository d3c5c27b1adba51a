"""Motion as USD: a skeleton, a simple body on it and an animation, by UsdSkel.

Source: openusd.org, UsdSkel "Schemas" and "Pose computation": bind transforms are world matrices,
rest transforms are relative to the parent, an animation has one array of all joints for each time.
Time codes are frames. Lengths are in metres, y is up, and the person faces +z.
"""

import importlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.motion.kinematics import local_rotations_of
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.packages import require_packages
from llavataros_jax.rig.body import BodyMesh, body
from llavataros_jax.rig.body_part import COLOURS, in_light
from llavataros_jax.rig.t_pose import rest_pose

USD_SUFFIXES = (".usda", ".usdc", ".usdz", ".usd")
_ROOT = "/Person"


def write_usd(
    path: Path | str, motion: Motion, *, name: str = "motion", with_body: bool = True
) -> None:
    """Writes a motion as USD, atomically: text, binary or a package, by the suffix.

    Args:
        path: Ends in `.usda`, `.usdc`, `.usd` (binary) or `.usdz`.
        motion: What.
        name: Of the animation.
        with_body: Draw a person around the skeleton.

    Raises:
        UserError: When usd-core is missing, the suffix is another, or no body fits.
    """
    path = Path(path)
    require_packages("writing USD", "pxr", extra="usd")
    if path.suffix.lower() not in USD_SUFFIXES:
        raise UserError(f"{path} must end in one of {', '.join(USD_SUFFIXES)} to be USD; rename it")
    (UsdUtils,) = _pxr("UsdUtils")

    meshes = body(motion.skeleton) if with_body else ()
    with atomic_path(path) as temporary:
        if path.suffix.lower() != ".usdz":
            _write(temporary, motion, meshes, name)
            return
        # A package names the file in it, which is not called as a temporary one is.
        folder = Path(tempfile.mkdtemp(prefix="llavataros-"))
        try:
            inner = folder / "motion.usdc"
            _write(inner, motion, meshes, name)
            if not UsdUtils.CreateNewUsdzPackage(str(inner), str(temporary)):
                raise UserError(f"{path} could not be packed; write .usdc instead")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _pxr(*names: str) -> list[Any]:
    """Imports modules of USD, which say nothing of their types."""
    return [importlib.import_module(f"pxr.{name}") for name in names]


def _write(path: Path, motion: Motion, meshes: tuple[BodyMesh, ...], name: str) -> None:
    Usd, UsdGeom, UsdSkel = _pxr("Usd", "UsdGeom", "UsdSkel")

    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(motion.fps)
    stage.SetFramesPerSecond(motion.fps)
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(motion.num_frames - 1)
    root = UsdSkel.Root.Define(stage, _ROOT)
    stage.SetDefaultPrim(root.GetPrim())
    Usd.ModelAPI(root).SetKind("component")
    skeleton = UsdSkel.Skeleton.Define(stage, f"{_ROOT}/Skeleton")
    joints = _add_skeleton(skeleton, motion.skeleton)
    animation = _add_animation(stage, motion, joints, name)
    binding = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
    binding.CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    for mesh in meshes:
        _add_mesh(stage, mesh, skeleton)
    stage.GetRootLayer().Save()


def _add_skeleton(prim: Any, skeleton: Skeleton) -> list[str]:
    """Fills in a skeleton and returns the paths of its joints."""
    Gf, Tf, Vt = _pxr("Gf", "Tf", "Vt")

    paths: list[str] = []
    for name, parent in zip(skeleton.names, skeleton.parents, strict=True):
        path = Tf.MakeValidIdentifier(name)
        path = path if parent < 0 else f"{paths[parent]}/{path}"
        paths.append(path if path not in paths else f"{path}_{len(paths)}")
    places, turns = rest_pose(skeleton)
    local = np.asarray(local_rotations_of(turns, skeleton.parents))
    prim.CreateJointsAttr(paths)
    prim.CreateJointNamesAttr(list(skeleton.names))
    for create, matrices in (
        (prim.CreateBindTransformsAttr, _matrices(places, turns)),
        (prim.CreateRestTransformsAttr, _matrices(skeleton.offsets, local)),
    ):
        create(Vt.Matrix4dArray([Gf.Matrix4d(*matrix.reshape(-1)) for matrix in matrices]))
    return paths


def _matrices(
    places: Float[np.ndarray, "J 3"], turns: Float[np.ndarray, "J 4"]
) -> Float[np.ndarray, "J 4 4"]:
    """Returns matrices that act on rows, as USD's do."""
    matrices = np.tile(np.eye(4), (len(places), 1, 1))
    matrices[:, :3, :3] = np.asarray(rotations.to_matrix(turns)).swapaxes(1, 2)
    matrices[:, 3, :3] = places
    return matrices


def _add_animation(stage: Any, motion: Motion, joints: list[str], name: str) -> Any:
    Tf, UsdSkel, Vt = _pxr("Tf", "UsdSkel", "Vt")

    path = f"{_ROOT}/{Tf.MakeValidIdentifier(name)}"
    animation = UsdSkel.Animation.Define(stage, path if name != "Skeleton" else f"{path}_")
    animation.CreateJointsAttr(joints)
    shifts = motion.local_offsets().astype(np.float32)
    turns = motion.local_quaternions().astype(np.float32)
    animation.CreateScalesAttr(Vt.Vec3hArray.FromNumpy(np.ones((len(joints), 3), np.float16)))
    places, rotated = animation.CreateTranslationsAttr(), animation.CreateRotationsAttr()
    for frame in range(motion.num_frames):
        places.Set(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(shifts[frame])), frame)
        rotated.Set(Vt.QuatfArray.FromNumpy(np.ascontiguousarray(turns[frame])), frame)
    return animation


def _add_mesh(stage: Any, mesh: BodyMesh, skeleton: Any) -> None:
    UsdGeom, UsdSkel, Vt = _pxr("UsdGeom", "UsdSkel", "Vt")

    geometry = UsdGeom.Mesh.Define(stage, f"{_ROOT}/{mesh.colour}")
    points = Vt.Vec3fArray.FromNumpy(mesh.vertices.astype(np.float32))
    geometry.CreatePointsAttr(points)
    geometry.CreateExtentAttr(UsdGeom.PointBased.ComputeExtent(points))
    geometry.CreateFaceVertexCountsAttr([3] * len(mesh.triangles))
    geometry.CreateFaceVertexIndicesAttr(
        Vt.IntArray.FromNumpy(mesh.triangles.reshape(-1).astype(np.int32))
    )
    geometry.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(mesh.normals.astype(np.float32)))
    geometry.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    geometry.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    binding = UsdSkel.BindingAPI.Apply(geometry.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    size = mesh.joints.shape[1]
    indices = binding.CreateJointIndicesPrimvar(False, size)
    indices.Set(Vt.IntArray.FromNumpy(mesh.joints.reshape(-1).astype(np.int32)))
    weights = binding.CreateJointWeightsPrimvar(False, size)
    weights.Set(Vt.FloatArray.FromNumpy(mesh.weights.reshape(-1).astype(np.float32)))
    _add_material(stage, geometry, mesh.colour)


def _add_material(stage: Any, geometry: Any, name: str) -> None:
    Gf, Sdf, UsdShade = _pxr("Gf", "Sdf", "UsdShade")

    colour, roughness = COLOURS[name]
    light = Gf.Vec3f(*in_light(np.array(colour)).tolist())
    geometry.CreateDisplayColorAttr([light])
    material = UsdShade.Material.Define(stage, f"{_ROOT}/Materials/{name}")
    shader = UsdShade.Shader.Define(stage, f"{_ROOT}/Materials/{name}/Surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set(light)
    shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(roughness)
    surface = shader.CreateOutput("surface", Sdf.ValueTypeNames.Token)
    material.CreateSurfaceOutput().ConnectToSource(surface)
    UsdShade.MaterialBindingAPI.Apply(geometry.GetPrim()).Bind(material)
