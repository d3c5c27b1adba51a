/** Fingers of a motion that moves them: their bones as chains of places, with their thickness. */
import { add, dot, scale, subtract } from "./quaternions.js";

const RADII = [0.0098, 0.0088, 0.0079, 0.0068]; // at the joints of a finger and at its tip
const PARTS = ["Proximal", "Intermediate", "Distal"];
const THUMB = ["Metacarpal", "Proximal", "Distal"];
export const FINGERS = {
  Thumb: { parts: THUMB, thick: 1.18 },
  Index: { parts: PARTS, thick: 1 },
  Middle: { parts: PARTS, thick: 1 },
  Ring: { parts: PARTS, thick: 0.97 },
  Little: { parts: PARTS, thick: 0.88 },
};
const TIP = 0.85; // of its last but one bone is a finger's last one long

/** Says whether a hand's fingers are known. */
export const hasFingers = (places, side) => `${side}IndexProximal` in places;

/**
 * Returns the bones of a hand's fingers.
 *
 * @param {Record<string, number[]>} places metres
 * @returns {{bone: string, finger: string, start: number[], end: number[], first: number,
 *   last: number}[]} each with its radii in metres of the person of 1.70 m
 */
export function fingerBones(places, side) {
  return Object.entries(FINGERS).flatMap(([finger, { parts, thick }]) => {
    const bones = parts.map((part) => side + finger + part).filter((bone) => bone in places);
    return bones.map((bone, index) => {
      const start = places[bone];
      const next = bones[index + 1];
      const before = places[bones[index - 1]] ?? places[`${side}Hand`];
      const end = next ? places[next] : add(start, scale(subtract(start, before), TIP));
      const [first, last] = RADII.slice(index, index + 2).map((radius) => radius * thick);
      return { bone, finger, start, end, first, last };
    });
  });
}

/** Returns how far a point is from a bone's skin, metres; negative inside. */
export function distanceTo({ start, end, first, last }, point, size) {
  const [way, off] = [subtract(end, start), subtract(point, start)];
  const share = Math.min(1, Math.max(0, dot(off, way) / (dot(way, way) || 1e-12)));
  return Math.hypot(...subtract(off, scale(way, share))) - (first + (last - first) * share) * size;
}
