/**
 * Which bones carry each point of the body that comes along, and how much.
 *
 * Besides the bones themselves there are helpers that turn half as far as a joint does, so that
 * elbows and shoulders keep their volume.
 *
 * @typedef {{name: string, bone: string, half: boolean}} Carrier
 */
import { SIDES, TORSO, signOf } from "./bones.js";
import { distanceTo, fingerBones, hasFingers } from "./fingers.js";
import { dot, normalise, subtract } from "./quaternions.js";

const HALVES = ["UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg"];
const FINGER_BLEND = 0.0022; // metres over which the bones of fingers mix
const REACH = 0.07; // metres to each side of a joint over which its bones mix

/** @returns {Carrier[]} */
export function carriers(bones) {
  const whole = bones.map((bone) => ({ name: bone, bone, half: false }));
  const half = SIDES.flatMap((side) => HALVES.map((part) => side + part))
    .filter((bone) => bones.includes(bone))
    .map((bone) => ({ name: `${bone}½`, bone, half: true }));
  return [...whole, ...half];
}

/** The weights of a person's points. */
export class Skin {
  /**
   * @param {Record<string, number[]>} places of the bones as modelled, metres
   * @param {string[]} moving bones that the motion has
   * @param {number} size
   */
  constructor(places, moving, size) {
    this.places = places;
    this.size = size;
    this.fingers = {};
    this.torso = this.#torsoKnots(TORSO.filter((bone) => moving.includes(bone)));
  }

  /**
   * Returns the shares of carriers at a point of a part.
   *
   * @param {{name: string, side?: string}} part
   * @param {number[]} point metres, as modelled
   * @returns {Record<string, number>} by carrier; they add up to 1
   */
  shares(part, point) {
    if (part.name === "shoe") return { [`${part.side}Foot`]: 1 };
    if (part.name === "hand") return this.#hand(part.side, point);
    if (part.name === "trousers")
      return this.#leg(point[0] > this.places.hips[0] ? "left" : "right", point);
    const torso = mixed(this.torso, point[1]);
    if (part.name === "hair") return { head: 1 };
    if (part.name === "head") return torso;
    const side =
      SIDES.find((name) => signOf(name) * (point[0] - this.places.hips[0]) > 0) ?? "left";
    const [, off] = this.#along(side, point);
    const share = 1 - smooth((off / this.size - 0.068) / 0.045);
    return blended(torso, this.#arm(side, point, torso), share);
  }

  #torsoKnots(chain) {
    const { places } = this;
    const heights = chain.map((bone) => places[bone][1]);
    const knots = chain.map((bone, i) => [
      bone,
      i + 1 < chain.length ? (heights[i] + heights[i + 1]) / 2 : heights[i] + 0.03 * this.size,
    ]);
    knots.push(["neck", places.neck[1] + 0.045 * this.size]);
    knots.push(["head", places.head[1] + 0.035 * this.size]);
    // What is between the shoulders and the neck belongs to the chest.
    knots.splice(-2, 0, [chain.at(-1), places.neck[1] - 0.015 * this.size]);
    return knots;
  }

  /** Returns how far along an arm a point is, and how far from its axis, in metres. */
  #along(side, point) {
    const [shoulder, wrist] = [this.places[`${side}UpperArm`], this.places[`${side}Hand`]];
    const axis = normalise(subtract(wrist, shoulder));
    const way = subtract(point, shoulder);
    const on = dot(way, axis);
    return [on, Math.sqrt(Math.max(0, dot(way, way) - on * on))];
  }

  #arm(side, point, torso) {
    const [on] = this.#along(side, point);
    const reach = REACH * this.size;
    const knots = this.#joints(side, ["UpperArm", "LowerArm", "Hand"], reach);
    if (torso && on < 0) return blended(torso, { [`${side}UpperArm½`]: 1 }, smooth(on / reach + 1));
    return mixed(knots, on);
  }

  /** Beyond the wrist the nearest bones of the fingers carry what the hand does not. */
  #hand(side, point) {
    const { places, size } = this;
    const arm = this.#arm(side, point);
    if (!hasFingers(places, side)) return arm;
    const bones = (this.fingers[side] ??= fingerBones(places, side));
    const root = bones.find(({ bone }) => bone.endsWith("MiddleProximal")) ?? bones[0];
    const palm = { start: places[`${side}Hand`], end: root.start, first: 0.03, last: 0.03 };
    const near = [[`${side}Hand`, distanceTo(palm, point, size)]];
    near.push(...bones.map((one) => [one.bone, distanceTo(one, point, size)]));
    const least = Math.min(...near.map(([, away]) => away));
    const raw = near.map(([bone, away]) => [
      bone,
      Math.exp((least - away) / (FINGER_BLEND * size)),
    ]);
    const whole = raw.reduce((sum, [, value]) => sum + value, 0);
    const fingers = Object.fromEntries(raw.map(([bone, value]) => [bone, value / whole]));
    return blended(arm, fingers, arm[`${side}Hand`] ?? 0);
  }

  #leg(side, point) {
    const { places, size } = this;
    const [hip, knee] = [places[`${side}UpperLeg`], places[`${side}LowerLeg`]];
    const on = hip[1] - point[1];
    const reach = 0.08 * size;
    const length = hip[1] - knee[1];
    const inner = smooth((signOf(side) * (point[0] - places.hips[0])) / (0.05 * size));
    const shares = mixed(
      [
        ["hips", -0.6 * reach],
        [`${side}UpperLeg½`, 0.2 * reach],
        [`${side}UpperLeg`, 1.4 * reach],
        [`${side}UpperLeg`, length - reach],
        [`${side}LowerLeg½`, length],
        [`${side}LowerLeg`, length + reach],
      ],
      on,
    );
    return on < reach ? blended({ hips: 1 }, shares, 0.4 + 0.6 * inner) : shares;
  }

  #joints(side, parts, reach) {
    const start = this.places[side + parts[0]];
    const knots = [];
    for (const part of parts) {
      const on = Math.hypot(...subtract(this.places[side + part], start));
      if (part !== parts[0]) knots.push([knots.at(-1)[0], on - reach]);
      knots.push([`${side + part}½`, on], [side + part, on + reach]);
    }
    return knots;
  }
}

/** Mixes the two carriers between whose knots a coordinate lies. */
function mixed(knots, coordinate) {
  const after = knots.findIndex(([, at]) => coordinate < at);
  if (after === 0) return { [knots[0][0]]: 1 };
  if (after < 0) return { [knots.at(-1)[0]]: 1 };
  const [[first, start], [second, end]] = [knots[after - 1], knots[after]];
  if (first === second) return { [first]: 1 };
  const share = smooth((coordinate - start) / (end - start));
  return { [first]: 1 - share, [second]: share };
}

function blended(first, second, share) {
  const sum = {};
  for (const [name, value] of Object.entries(first)) sum[name] = value * (1 - share);
  for (const [name, value] of Object.entries(second)) sum[name] = (sum[name] ?? 0) + value * share;
  return sum;
}

function smooth(share) {
  const x = Math.min(1, Math.max(0, share));
  return x * x * (3 - 2 * x);
}
