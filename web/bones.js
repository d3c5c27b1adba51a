/**
 * The bones of a humanoid as VRM 1.0 names them, and a whole skeleton around those that are known.
 *
 * Positions are metres in the T-pose: y up, facing +z, the left side at positive x.
 *
 * @typedef {[number, number, number]} Vector metres
 * @typedef {{bones: string[], rest: number[][]}} Humanoid bones, parents first, and their places
 */

const FINGERS = ["Thumb", "Index", "Middle", "Ring", "Little"];

/** @type {Record<string, string | null>} Parent of each bone; parents come first. */
export const PARENTS = {
  hips: null,
  spine: "hips",
  chest: "spine",
  upperChest: "chest",
  neck: "upperChest",
  head: "neck",
  ...bothSides((side) => ({
    [`${side}Shoulder`]: "upperChest",
    [`${side}UpperArm`]: `${side}Shoulder`,
    [`${side}LowerArm`]: `${side}UpperArm`,
    [`${side}Hand`]: `${side}LowerArm`,
    ...Object.fromEntries(FINGERS.flatMap((finger) => fingerBones(side, finger))),
    [`${side}UpperLeg`]: "hips",
    [`${side}LowerLeg`]: `${side}UpperLeg`,
    [`${side}Foot`]: `${side}LowerLeg`,
    [`${side}Toes`]: `${side}Foot`,
  })),
};

export const SIDES = /** @type {const} */ (["left", "right"]);
export const TORSO = ["hips", "spine", "chest", "upperChest"];
const HIPS_METRES = 0.886; // above the floor, of the person whom all measures here are of
const ARM_METRES = 0.545;

/** Returns the nearest ancestor of a bone for which `has` is true, or null. */
export function ancestor(bone, has) {
  let parent = PARENTS[bone];
  while (parent && !has(parent)) parent = PARENTS[parent];
  return parent ?? null;
}

/** Returns 1 for the left side, which is at positive x, and -1 for the right. */
export const signOf = (side) => (side === "left" ? 1 : -1);

/**
 * Adds what a motion of the upper body lacks: neck, head, feet, legs.
 *
 * @param {Humanoid} humanoid
 * @returns {{rest: Record<string, Vector>, size: number, floor: number}} place of every bone, how
 *   large the person is beside one of 1.70 m, and the height of the floor
 */
export function wholeRest({ bones, rest }) {
  const places = Object.fromEntries(bones.map((bone, index) => [bone, [...rest[index]]]));
  const hips = (places.hips ??= [0, HIPS_METRES, 0]);
  const size = sizeOf(places);
  const add = (bone, from, offset) =>
    (places[bone] ??= from.map((value, axis) => value + offset[axis] * size));
  for (const side of SIDES) {
    const sign = signOf(side);
    add(`${side}UpperArm`, hips, [sign * 0.132, 0.519, 0.01]);
    add(`${side}LowerArm`, places[`${side}UpperArm`], [sign * 0.29, 0, 0]);
    add(`${side}Hand`, places[`${side}LowerArm`], [sign * 0.255, 0, 0]);
    add(`${side}UpperLeg`, hips, [sign * 0.082, -0.035, 0]);
    add(`${side}LowerLeg`, places[`${side}UpperLeg`], [sign * 0.004, -0.395, 0.004]);
    add(`${side}Foot`, places[`${side}LowerLeg`], [0, -0.378, -0.022]);
    add(`${side}Toes`, places[`${side}Foot`], [sign * 0.008, -0.06, 0.125]);
  }
  const collar = places.leftUpperArm.map((left, axis) => (left + places.rightUpperArm[axis]) / 2);
  add("neck", collar, [0, 0.055, -0.03]);
  add("head", places.neck, [0, 0.085, 0.014]);
  const feet = SIDES.map((side) => places[`${side}Foot`][1]);
  return { rest: places, size, floor: Math.min(...feet) - 0.078 * size };
}

/** Measures a person by the arms; those of the person of 1.70 m are 0.545 m long. */
function sizeOf(places) {
  const lengths = SIDES.map((side) => {
    const [upper, lower, hand] = ["UpperArm", "LowerArm", "Hand"].map((b) => places[side + b]);
    return upper && lower && hand ? distance(upper, lower) + distance(lower, hand) : null;
  }).filter((length) => length !== null);
  if (!lengths.length) return Math.max(places.hips[1], 0.1) / HIPS_METRES;
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return Math.min(20, Math.max(0.05, mean / ARM_METRES));
}

/** Returns the metres between two places. */
export function distance(first, second) {
  return Math.hypot(...first.map((value, axis) => value - second[axis]));
}

function bothSides(make) {
  return { ...make("left"), ...make("right") };
}

function fingerBones(side, finger) {
  const parts = finger === "Thumb" ? ["Metacarpal", "Proximal", "Distal"] : null;
  const names = (parts ?? ["Proximal", "Intermediate", "Distal"]).map((p) => side + finger + p);
  return names.map((name, index) => [name, index ? names[index - 1] : `${side}Hand`]);
}
