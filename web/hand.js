/** The hands of the body that comes along, with the end of the forearm, which a sleeve covers. */
import { signOf } from "./bones.js";
import { FINGERS, fingerBones, hasFingers } from "./fingers.js";
import { add, cross, normalise, scale, subtract } from "./quaternions.js";

const RADII = [0.0094, 0.0085, 0.0077, 0.0066];
// Of each finger: where it begins (along the hand, towards the thumb, out of its back), how it
// spreads, lengths of its bones, and by how many radians each bends further.
const RELAXED = [
  {
    start: [0.084, 0.027, 0.0],
    spread: 0.06,
    bones: [0.04, 0.024, 0.019],
    bends: [0.22, 0.3, 0.2],
  },
  {
    start: [0.088, 0.008, 0.002],
    spread: 0.01,
    bones: [0.044, 0.028, 0.02],
    bends: [0.27, 0.34, 0.22],
  },
  {
    start: [0.084, -0.011, 0.0],
    spread: -0.03,
    bones: [0.041, 0.026, 0.019],
    bends: [0.33, 0.4, 0.25],
  },
  {
    start: [0.077, -0.028, -0.003],
    spread: -0.08,
    bones: [0.032, 0.02, 0.016],
    bends: [0.4, 0.44, 0.28],
  },
];

/**
 * @param {import("./measures.js").Measures} measures
 * @param {"left" | "right"} side
 */
export function hand(measures, side) {
  return hasFingers(measures.places, side)
    ? movingHand(measures, side)
    : restingHand(measures, side);
}

/** A hand around the finger bones of the motion, as they rest in the T-pose. */
function movingHand(measures, side) {
  const { places, taper } = measures;
  const [elbow, wrist] = [places[`${side}LowerArm`], places[`${side}Hand`]];
  const out = normalise(subtract(wrist, elbow));
  const at = (metres) => add(wrist, scale(out, metres * measures.size));
  const bones = fingerBones(places, side);
  const roots = bones.filter(({ bone }) => /(Index|Middle|Ring|Little)Proximal/.test(bone));
  const palm = roots.map(({ start }) => taper(at(0.014), start, 0.0185, 0.0125));
  const thumb = bones.filter(({ finger }) => finger === "Thumb");
  const ball = thumb.slice(0, 1).map(({ start }) => taper(at(0.014), start, 0.0185, 0.0145));
  const fingers = Object.keys(FINGERS).map((finger) => {
    const parts = bones.filter((bone) => bone.finger === finger);
    return parts.map(({ start, end, first, last }) => taper(start, end, first, last));
  });
  const solids = fingers
    .filter((parts) => parts.length)
    .map((parts) => measures.melt(0.003, ...parts));
  const arm = taper(at(-0.06), at(0.012), 0.026, 0.0225);
  const solid = measures.melt(0.012, measures.melt(0.022, arm, ...palm, ...ball), ...solids);
  const corners = [at(-0.06), at(0.05), ...bones.flatMap(({ start, end }) => [start, end])];
  return measures.part("hand", "skin", solid, corners, 0.035, 0.0048, side);
}

/** A relaxed hand for motions without fingers. */
function restingHand(measures, side) {
  const { places, size, taper } = measures;
  const wrist = places[`${side}Hand`];
  const out = normalise(subtract(wrist, places[`${side}LowerArm`]));
  const thumb = [0, 0, 1];
  const back = scale(normalise(cross(thumb, out)), signOf(side));
  const at = (along, towards, above) =>
    wrist.map((v, i) => v + (along * out[i] + towards * thumb[i] + above * back[i]) * size);
  const fingers = RELAXED.map((finger) => bent(measures, at, finger));
  const palm = measures.melt(
    0.026,
    taper(at(0.012, 0.0, 0), at(0.035, 0.0, 0), 0.0235, 0.021),
    taper(at(0.03, 0.013, -0.002), at(0.082, 0.025, 0), 0.0165, 0.011),
    taper(at(0.03, 0, -0.002), at(0.086, 0.006, 0.001), 0.0165, 0.0115),
    taper(at(0.03, -0.011, -0.003), at(0.078, -0.025, -0.002), 0.0165, 0.0105),
  );
  const ball = measures.melt(
    0.006,
    taper(at(0.02, 0.014, -0.008), at(0.05, 0.038, -0.018), 0.0155, 0.0115),
    taper(at(0.05, 0.038, -0.018), at(0.078, 0.048, -0.022), 0.0108, 0.0092),
    taper(at(0.078, 0.048, -0.022), at(0.1, 0.05, -0.026), 0.0092, 0.0075),
  );
  const arm = taper(at(-0.06, 0, 0), at(0.012, 0, 0), 0.026, 0.0235);
  const solid = measures.melt(0.014, measures.melt(0.009, palm, ...fingers), ball, arm);
  const corners = [at(-0.06, 0, 0), at(0.17, 0.03, -0.06), at(0.1, 0.055, 0), at(0.1, -0.05, 0)];
  return measures.part("hand", "skin", solid, corners, 0.035, 0.0053, side);
}

function bent(measures, at, { start, spread, bones, bends }) {
  const parts = [];
  let [place, angle] = [start, 0];
  bones.forEach((length, index) => {
    angle += bends[index];
    const [x, y, z] = place;
    place = [x + length * Math.cos(angle), y + spread * length, z - length * Math.sin(angle)];
    parts.push(measures.taper(at(x, y, z), at(...place), RADII[index], RADII[index + 1]));
  });
  return measures.melt(0.004, ...parts);
}
