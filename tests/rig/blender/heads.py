"""Runs inside Blender: opens motion files and writes where the heads of their bones are.

blender -b --factory-startup --python heads.py -- JOBS.json, whose jobs are [file, frames, fps] and
whose answers go to JOBS.out.json: for each file {bone: [[x, y, z] of each frame]} in Blender's
world, where z is up.
"""

import json
import sys
from pathlib import Path

import bpy  # pyright: ignore[reportMissingImports]
from io_anim_bvh import import_bvh  # pyright: ignore[reportMissingImports]

# Debian's Blender 3.4 opens a BVH in mode rU, which Python 3.11 knows no more.
import_bvh.open = lambda path, mode: open(path, mode.replace("U", ""))  # noqa: SIM115


def heads(path: str, frames: int, fps: float) -> dict[str, list[list[float]]]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    # Keys are set at seconds × rate, so the scene must have the motion's before it is opened.
    scene.render.fps, scene.render.fps_base = round(fps), round(fps) / fps
    if path.endswith(".bvh"):
        first = 1
        # As Euler angles, its default, Blender is 0.4 mm off where two axes fall together.
        options = {"global_scale": 0.01, "frame_start": first, "rotate_mode": "QUATERNION"}
        bpy.ops.import_anim.bvh(filepath=path, **options)
    else:
        first = 0
        bpy.ops.import_scene.gltf(filepath=path)
    found: dict[str, list[list[float]]] = {}
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    for frame in range(first, first + frames):
        scene.frame_set(frame)
        for bone in armature.pose.bones:
            place = armature.matrix_world @ bone.head
            found.setdefault(bone.name, []).append(list(place))
    return found


jobs = Path(sys.argv[sys.argv.index("--") + 1])
answers = [heads(*job) for job in json.loads(jobs.read_text())]
jobs.with_suffix(".out.json").write_text(json.dumps(answers))
