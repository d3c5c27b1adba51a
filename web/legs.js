/** Legs for a motion that has none: feet stay where they stand, knees bend (two bones, closed form). */
import {
  add,
  between,
  conjugate,
  cross,
  dot,
  multiply,
  normalise,
  rotate,
  scale,
  subtract,
} from "./quaternions.js";

const STRAIGHTEST = 0.9995; // of the whole leg, so that the knee never snaps

/**
 * Finds the rotations of thigh and shin that bring the ankle to a place.
 *
 * @param {{hip: number[], knee: number[], ankle: number[]}} rest places in the T-pose, metres
 * @param {{hip: number[], ankle: number[], forward: number[]}} wanted where they are to be, and
 *   where the knee points
 * @returns {{upper: number[], lower: number[], ankle: number[]}} world rotations relative to the
 *   T-pose, and where the ankle comes to be
 */
export function bentLeg(rest, wanted) {
  const [thigh, shin] = [subtract(rest.knee, rest.hip), subtract(rest.ankle, rest.knee)];
  const [a, b] = [Math.hypot(...thigh), Math.hypot(...shin)];
  const way = subtract(wanted.ankle, wanted.hip);
  const reach = Math.max(
    Math.abs(a - b) * 1.001,
    Math.min(Math.hypot(...way), (a + b) * STRAIGHTEST),
  );
  const down = normalise(way);
  const side = normalise(subtract(wanted.forward, scale(down, dot(wanted.forward, down))));
  const cosine = (a * a + reach * reach - b * b) / (2 * a * reach);
  const sine = Math.sqrt(Math.max(0, 1 - cosine * cosine));
  const knee = add(wanted.hip, add(scale(down, a * cosine), scale(side, a * sine)));
  const ankle = add(wanted.hip, scale(down, reach));
  return {
    upper: aimed(thigh, subtract(knee, wanted.hip), wanted.forward),
    lower: aimed(shin, subtract(ankle, knee), wanted.forward),
    ankle,
  };
}

/** Turns a bone of the T-pose into a direction, with its front towards `forward`. */
function aimed(bone, direction, forward) {
  const swing = between(bone, direction);
  const along = normalise(direction);
  const front = flat(rotate(swing, [0, 0, 1]), along);
  const wanted = flat(forward, along);
  const sine = dot(cross(front, wanted), along);
  const half = Math.atan2(sine, dot(front, wanted)) / 2;
  return multiply([...scale(along, Math.sin(half)), Math.cos(half)], swing);
}

const flat = (vector, along) => normalise(subtract(vector, scale(along, dot(vector, along))));

/** Returns a child's rotation in its parent's, both in the world. */
export const local = (parent, child) => multiply(conjugate(parent), child);
