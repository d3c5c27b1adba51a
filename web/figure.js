/**
 * The body that comes along, as solids around a person's own bones: sweater, trousers, shoes, head
 * and hands. They are modelled in an A-pose, in which shoulders bend least in use.
 *
 * @typedef {{name: string, material: string, solid: import("./surface.js").Solid, low: number[],
 *   high: number[], step: number, side?: string}} Part a solid in its box, metres
 */
import { SIDES, signOf } from "./bones.js";
import { hand } from "./hand.js";
import { hair, head } from "./head.js";
import { Measures, share } from "./measures.js";
import { carve, melt } from "./surface.js";

export const LOWERED = (Math.PI / 180) * 48; // of the arms, from the T-pose

/**
 * Returns all bones' places with the arms lowered.
 *
 * @param {Record<string, number[]>} rest places in the T-pose
 */
export function modelled(rest) {
  return Object.fromEntries(
    Object.entries(rest).map(([bone, place]) => {
      const side = armSide(bone);
      return [bone, side ? lowered(place, rest[`${side}UpperArm`], signOf(side)) : place];
    }),
  );
}

/** Turns a place about an arm's shoulder from the T-pose into the A-pose. */
function lowered(place, shoulder, sign) {
  const [x, y] = [place[0] - shoulder[0], place[1] - shoulder[1]];
  const [cos, sin] = [Math.cos(LOWERED), Math.sin(LOWERED) * sign];
  return [shoulder[0] + x * cos + y * sin, shoulder[1] - x * sin + y * cos, place[2]];
}

/** Returns the side of an arm, hand or finger bone, else null. */
export function armSide(bone) {
  const side = SIDES.find((name) => bone.startsWith(name));
  return side && !/Shoulder|Leg|Foot|Toes|Eye/.test(bone) ? side : null;
}

/**
 * Models a person.
 *
 * @param {Record<string, number[]>} rest places in the T-pose, metres
 * @param {number} size beside a person of 1.70 m
 * @returns {Part[]}
 */
export function modelPerson(rest, size) {
  const measures = new Measures(modelled(rest), size);
  const sided = SIDES.flatMap((side) => [hand(measures, side), shoe(measures, side)]);
  return [sweater(measures), trousers(measures), head(measures), hair(measures), ...sided];
}

function sweater(measures) {
  const { places, size, at, egg, taper, ring } = measures;
  const [left, right] = SIDES.map((side) => places[`${side}UpperArm`]);
  const middle = share(left, right, 0.5);
  const { hips } = places;
  const tall = (middle[1] - hips[1]) / size / 0.519;
  const wide = (left[0] - right[0]) / size / 0.264;
  const between = (part, x, z) => {
    const place = share(hips, middle, part);
    return [hips[0] + x * size, place[1], place[2] + z * size];
  };
  const torso = measures.melt(
    0.09,
    egg(between(0.7, 0, 0), [0.138 * wide, 0.17 * tall, 0.099]),
    egg(between(0.32, 0, 0.006), [0.129, 0.2 * tall, 0.091]),
    egg(between(0.0, 0, -0.004), [0.141, 0.13, 0.104]),
    taper(at("leftUpperLeg", -0.01, -0.02, 0), at("rightUpperLeg", 0.01, -0.02, 0), 0.0825, 0.0825),
    taper(between(0.95, -0.075 * wide, -0.012), between(0.95, 0.075 * wide, -0.012), 0.056, 0.056),
  );
  const slopes = SIDES.map((side) => {
    const sign = signOf(side);
    const shoulder = at(`${side}UpperArm`, -sign * 0.012, 0.006, -0.012);
    return taper(shoulder, at("neck", sign * 0.028, 0.006, 0.002), 0.042, 0.034);
  });
  const arms = SIDES.map((side) => {
    const [upper, lower, wrist] = ["UpperArm", "LowerArm", "Hand"].map((b) => places[side + b]);
    return measures.melt(
      0.004,
      taper(at(`${side}UpperArm`, 0, -0.002, 0), lower, 0.0535, 0.043),
      taper(lower, share(lower, wrist, 0.93), 0.043, 0.0342),
      ...cuff(measures, share(lower, wrist, 0.9), share(lower, wrist, 0.965)),
    );
  });
  const body = melt(0.045 * size, measures.melt(0.07, torso, ...slopes), ...arms);
  const collar = ring(at("neck", 0, 0.012, 0.006), 0.32, 0.0495, 0.0125);
  const hem = hips[1] - 0.1 * size;
  const solid = carve(0.022 * size, measures.melt(0.02, body, collar), (x, y) => y - hem);
  const corners = [places.leftHand, places.rightHand, at("neck", 0, 0.03, 0)];
  corners.push([hips[0], hem, hips[2]], between(0.7, 0, 0.08), between(0.7, 0, -0.08));
  return measures.part("sweater", "cloth", solid, corners, 0.08, 0.0125);
}

const cuff = (measures, start, end) => [measures.taper(start, end, 0.0365, 0.0355)];

function trousers(measures) {
  const { places, size, at, egg, taper } = measures;
  const legs = SIDES.map((side) => {
    const [upper, lower, foot] = ["UpperLeg", "LowerLeg", "Foot"].map((b) => places[side + b]);
    return measures.melt(
      0.006,
      taper(upper, lower, 0.077, 0.061),
      taper(lower, share(lower, foot, 0.96), 0.061, 0.047),
    );
  });
  const seat = egg(at("hips", 0, -0.045, -0.008), [0.128, 0.09, 0.09]);
  const corners = ["hips", "leftUpperLeg", "rightUpperLeg", "leftFoot", "rightFoot"];
  const solid = melt(0.05 * size, seat, ...legs);
  const places_ = corners.map((bone) => places[bone]);
  return measures.part("trousers", "trousers", solid, places_, 0.13, 0.018);
}

function shoe(measures, side) {
  const { places, size, at, taper } = measures;
  const [foot, toes] = [places[`${side}Foot`], places[`${side}Toes`]];
  const floor = foot[1] - 0.078 * size;
  const above = (place, up, ahead) => [place[0], floor + up * size, place[2] + ahead * size];
  const [heel, ball] = [above(foot, 0.036, -0.03), above(toes, 0.03, -0.01)];
  const tip = above(toes, 0.025, 0.055);
  const upper = measures.melt(
    0.035,
    taper(heel, ball, 0.038, 0.041),
    taper(ball, tip, 0.041, 0.033),
    taper(heel, at(`${side}Foot`, 0, 0.02, -0.008), 0.04, 0.036),
  );
  const solid = carve(0.012 * size, upper, (x, y) => y - floor);
  return measures.part("shoe", "leather", solid, [heel, tip, foot], 0.07, 0.0115, side);
}
