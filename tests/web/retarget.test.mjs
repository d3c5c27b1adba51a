import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bentLeg } from "../../web/legs.js";
import { findHumanoid } from "../../web/names.js";
import * as q from "../../web/quaternions.js";
import { retarget, tPose } from "../../web/retarget.js";
import { Quaternion, Vector3 } from "../../web/vendor/three_vrm.js";

const tables = JSON.parse(
  readFileSync(new URL("../../llavataros_jax/rig/names.json", import.meta.url), "utf8"),
);
const close = (one, other, within = 1e-9) =>
  one.forEach((value, at) => assert.ok(Math.abs(value - other[at]) < within, `${one} ${other}`));
// A rotation and its negative are one.
const same = (one, other) => {
  const sign = Math.sign(q.dot(one, other));
  close(
    one,
    other.map((value) => value * sign),
    1e-7,
  );
};
let seed = 1;
const random = () => ((seed = (seed * 16807) % 2147483647) / 2147483647) * 2 - 1;
const anyTurn = () => q.normalise([random(), random(), random(), random()]);

test("quaternions agree with three.js", () => {
  for (let n = 0; n < 20; n++) {
    const [a, b, v] = [anyTurn(), anyTurn(), [random(), random(), random()]];
    const [A, B] = [new Quaternion(...a), new Quaternion(...b)];
    close(q.multiply(a, b), A.clone().multiply(B).toArray());
    close(q.rotate(a, v), new Vector3(...v).applyQuaternion(A).toArray());
    same(q.slerp(a, b, 0.3), A.clone().slerp(B, 0.3).toArray());
    const [from, to] = [q.normalise(v), q.rotate(a, q.normalise(v))];
    same(
      q.between(from, to),
      new Quaternion().setFromUnitVectors(new Vector3(...from), new Vector3(...to)).toArray(),
    );
    same(
      q.fromAxes(
        ...[
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ].map((axis) => q.rotate(a, axis)),
      ),
      a,
    );
  }
});

const NAMES = ["root", "Hips", "Spine", "Spine1", "Spine2", "LeftArm", "LeftForeArm", "LeftHand"];
NAMES.push("RightArm", "RightForeArm", "RightHand");
const PARENTS = [-1, 0, 1, 2, 3, 4, 5, 6, 4, 8, 9];
const T_PLACES = [
  [0, 0, 0],
  [0, 1, 0],
  [0, 1.1, 0],
  [0, 1.2, 0],
  [0, 1.3, 0],
];
T_PLACES.push(
  [0.2, 1.4, 0],
  [0.5, 1.4, 0],
  [0.75, 1.4, 0],
  [-0.2, 1.4, 0],
  [-0.5, 1.4, 0],
  [-0.75, 1.4, 0],
);

/** The rig in another rest pose, with joints that are rolled anyhow. */
function rigged({ lowered, whole }) {
  const arm = (joint) => (joint >= 8 ? 8 : joint >= 5 ? 5 : -1);
  const places = T_PLACES.map((place, joint) => {
    const pivot = T_PLACES[arm(joint)];
    if (!pivot) return place;
    const sign = joint >= 8 ? 1 : -1;
    return q.add(pivot, q.rotate(q.turn([0, 0, 1], sign * lowered), q.subtract(place, pivot)));
  });
  const { found } = findHumanoid(
    NAMES.map((name) => `mixamorig:${name}`),
    PARENTS,
    tables,
  );
  return {
    places: places.map((place) => q.rotate(whole, place)),
    turns: places.map(anyTurn),
    parents: PARENTS,
    humanoid: found,
  };
}

test("a rig in an A-pose that lies on its back is brought into the T-pose", () => {
  for (const whole of [q.IDENTITY, q.turn([1, 0, 0], -Math.PI / 2), q.turn([0, 1, 0], Math.PI)]) {
    const rig = rigged({ lowered: 0.8, whole });
    const { places } = tPose(rig);
    const off = q.subtract(places[0], T_PLACES[0]);
    places.forEach((place, joint) => close(q.subtract(place, off), T_PLACES[joint], 1e-6));
  }
});

test("each bone of any rig points where the motion's points", () => {
  const rig = rigged({ lowered: 0.7, whole: q.IDENTITY });
  const upright = tPose(rig);
  const turned = Object.fromEntries(Object.keys(rig.humanoid).map((bone) => [bone, anyTurn()]));
  const local = retarget(rig, upright.turns, (bone) => turned[bone]);
  const world = [];
  const places = [];
  local.forEach((turn, joint) => {
    const parent = PARENTS[joint];
    world[joint] = parent < 0 ? turn : q.multiply(world[parent], turn);
    if (parent < 0) return (places[joint] = rig.places[joint]);
    // The offset in the parent's frame is the file's own.
    const offset = q.rotate(
      q.conjugate(rig.turns[parent]),
      q.subtract(rig.places[joint], rig.places[parent]),
    );
    return (places[joint] = q.add(places[parent], q.rotate(world[parent], offset)));
  });
  const bones = [
    ["leftUpperArm", 5, 6],
    ["leftLowerArm", 6, 7],
    ["rightUpperArm", 8, 9],
    ["rightLowerArm", 9, 10],
  ];
  for (const [bone, joint, child] of bones) {
    const rest = q.subtract(T_PLACES[child], T_PLACES[joint]);
    close(q.subtract(places[child], places[joint]), q.rotate(turned[bone], rest), 1e-6);
  }
});

test("a bone that the motion lacks keeps its place on the bone above it", () => {
  const rig = rigged({ lowered: 0, whole: q.IDENTITY });
  const turn = anyTurn();
  const local = retarget(rig, rig.turns, (bone) => (bone === "rightUpperArm" ? turn : null));
  same(local[9], q.multiply(q.conjugate(rig.turns[8]), rig.turns[9]));
});

test("names of several makers are known, whatever case and prefix", () => {
  const named = {
    unreal: [
      "root",
      "pelvis",
      "spine_01",
      "spine_02",
      "spine_03",
      "upperarm_l",
      "lowerarm_l",
      "hand_l",
      "upperarm_r",
      "lowerarm_r",
      "hand_r",
    ],
    biped: [
      "Root",
      "Bip01 Pelvis",
      "Bip01 Spine",
      "Bip01 Spine1",
      "Bip01 Spine2",
      "Bip01 L UpperArm",
      "Bip01 L Forearm",
      "Bip01 L Hand",
      "Bip01 R UpperArm",
      "Bip01 R Forearm",
      "Bip01 R Hand",
    ],
  };
  for (const names of Object.values(named)) {
    const { found, missing } = findHumanoid(names, PARENTS, tables);
    assert.deepEqual(missing, []);
    assert.deepEqual([found.hips, found.spine, found.leftUpperArm, found.rightHand], [1, 2, 5, 10]);
  }
  const { missing } = findHumanoid(["a", "b"], [-1, 0], tables);
  assert.ok(missing.includes("hips") && missing.includes("leftUpperArm"));
});

test("a leg reaches its foot, with bones as long as before", () => {
  const rest = { hip: [0.08, 0.85, 0], knee: [0.085, 0.45, 0.01], ankle: [0.085, 0.08, -0.02] };
  const wanted = { hip: [0.1, 0.78, 0.05], ankle: [0.06, 0.08, -0.04], forward: [0.1, 0, 1] };
  const { upper, lower, ankle } = bentLeg(rest, wanted);
  const knee = q.add(wanted.hip, q.rotate(upper, q.subtract(rest.knee, rest.hip)));
  close(q.add(knee, q.rotate(lower, q.subtract(rest.ankle, rest.knee))), wanted.ankle, 1e-6);
  close(ankle, wanted.ankle, 1e-6);
  assert.ok(knee[2] > (wanted.hip[2] + wanted.ankle[2]) / 2, "the knee bends to the front");
  const far = bentLeg(rest, { ...wanted, ankle: [0.06, -1, 0] });
  assert.ok(Number.isFinite(far.upper[0]) && far.ankle[1] > -0.1);
});
