/**
 * A motion on another skeleton: its rest pose is brought into the T-pose, from which every bone is
 * then turned as the motion's is. What hangs between bones keeps its place at rest.
 *
 * @typedef {{places: number[][], turns: number[][], parents: number[],
 *   humanoid: Record<string, number>}} Rig world places in metres and world quaternions at rest,
 *   parents of joints (they come first, -1 where there is none), and the joint of each bone
 */
import { SIDES, signOf } from "./bones.js";
import {
  IDENTITY,
  add,
  conjugate,
  cross,
  dot,
  fromAxes,
  multiply,
  normalise,
  rotate,
  scale,
  subtract,
  turn,
} from "./quaternions.js";

const STRAIGHT = (5 * Math.PI) / 180; // T-poses as people draw them are within this of straight
const UPRIGHT = (30 * Math.PI) / 180; // bodies lean at rest; beyond this they face elsewhere
const LIMBS = [
  ["UpperArm", "LowerArm"],
  ["LowerArm", "Hand"],
  ["UpperLeg", "LowerLeg"],
  ["LowerLeg", "Foot"],
];

/**
 * Brings a rig into the T-pose: upright, facing +z, arms along x, palms down, legs straight.
 *
 * @param {Rig} rig
 * @returns {{places: number[][], turns: number[][]}} in the world, in the T-pose
 */
export function tPose({ places, turns, parents, humanoid }) {
  const pose = { places: places.map((p) => [...p]), turns: turns.map((q) => [...q]), parents };
  let top = humanoid.hips;
  while (parents[top] >= 0) top = parents[top];
  turnAt(pose, top, toUpright(pose.places, humanoid));
  for (const side of SIDES) {
    for (const [start, end] of LIMBS) {
      const [joint, child] = [humanoid[side + start], humanoid[side + end]];
      if (joint === undefined || child === undefined) continue;
      const aim = start.endsWith("Leg") ? [0, -1, 0] : [signOf(side), 0, 0];
      turnAt(pose, joint, toAim(subtract(pose.places[child], pose.places[joint]), aim));
    }
    const [index, little] = ["Index", "Little"].map((f) => humanoid[`${side}${f}Proximal`]);
    if (index !== undefined && little !== undefined) {
      const across = subtract(pose.places[index], pose.places[little]);
      turnAt(pose, humanoid[`${side}LowerArm`], toPalmDown(across));
    }
  }
  return { places: pose.places, turns: pose.turns };
}

/**
 * Turns the joints of a rig as a pose is turned.
 *
 * @param {Rig} rig
 * @param {number[][]} upright world rotations of its joints in the T-pose
 * @param {(bone: string) => number[] | null} turned world rotation of a bone relative to the
 *   T-pose, or null where the pose does not know it
 * @returns {number[][]} rotation of each joint in its parent's frame; in the world for roots
 */
export function retarget({ parents, humanoid }, upright, turned) {
  const boneOf = new Map(Object.entries(humanoid).map(([bone, joint]) => [joint, bone]));
  const world = [];
  return parents.map((parent, joint) => {
    const above = parent < 0 ? IDENTITY : world[parent];
    const rest = parent < 0 ? upright[joint] : multiply(conjugate(upright[parent]), upright[joint]);
    const own = boneOf.has(joint) ? turned(boneOf.get(joint)) : null;
    world[joint] = own ? multiply(own, upright[joint]) : multiply(above, rest);
    return multiply(conjugate(above), world[joint]);
  });
}

function turnAt({ places, turns, parents }, joint, rotation) {
  if (Math.abs(rotation[3]) > 1 - 1e-12) return;
  const pivot = [...places[joint]];
  const moves = parents.map(() => false);
  parents.forEach((parent, other) => {
    moves[other] = other === joint || (parent >= 0 && moves[parent]);
    if (!moves[other]) return;
    places[other] = add(pivot, rotate(rotation, subtract(places[other], pivot)));
    turns[other] = multiply(rotation, turns[other]);
  });
}

/** Returns the turn after which a body stands and faces +z: by quarters where that is near. */
function toUpright(places, humanoid) {
  const [left, right] = SIDES.map((side) => places[humanoid[`${side}UpperArm`]]);
  const up = subtract(scale(add(left, right), 0.5), places[humanoid.hips]);
  const y = normalise(up);
  const across = subtract(left, right);
  const x = normalise(subtract(across, scale(y, dot(across, y))));
  const exact = conjugate(fromAxes(x, y, cross(x, y)));
  const near = quarters().map((quarter) => [angleOf(multiply(exact, conjugate(quarter))), quarter]);
  const [angle, best] = near.reduce((least, one) => (one[0] < least[0] ? one : least));
  return angle < UPRIGHT ? best : exact;
}

/** The 24 turns that bring a cube onto itself. */
function quarters() {
  const found = [];
  for (const x of [0, 1, 2, 3])
    for (const y of [0, 1, 2, 3])
      for (const z of [0, 1, 2, 3]) {
        const [a, b, c] = [x, y, z].map((n, axis) => turn(unitOf(axis), (n * Math.PI) / 2));
        found.push(multiply(multiply(a, b), c));
      }
  return found;
}

const unitOf = (axis) => [0, 1, 2].map((other) => (other === axis ? 1 : 0));
const angleOf = (q) => 2 * Math.acos(Math.min(1, Math.abs(q[3])));

function toAim(bone, aim) {
  const length = Math.hypot(...bone);
  if (length < 1e-4) return IDENTITY;
  const axis = cross(scale(bone, 1 / length), aim);
  const sine = Math.hypot(...axis);
  const angle = Math.atan2(sine, dot(bone, aim) / length);
  if (angle < STRAIGHT) return IDENTITY;
  return turn(sine < 1e-9 ? [0, 0, 1] : scale(axis, 1 / sine), angle);
}

/** Returns the roll about x that brings the index finger's side of a hand to the front. */
function toPalmDown([, y, z]) {
  const angle = Math.atan2(y, z);
  return Math.hypot(y, z) < 1e-4 || Math.abs(angle) < UPRIGHT ? IDENTITY : turn([1, 0, 0], angle);
}
