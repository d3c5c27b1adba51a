/** Head, neck and hair of the body that comes along. */
import { carve, melt } from "./surface.js";

/** @param {import("./measures.js").Measures} measures */
export function head(measures) {
  const { size, at, ball, egg, taper } = measures;
  const from = (x, y, z) => at("head", x, y, z);
  const cranium = measures.melt(
    0.05,
    egg(from(0, 0.118, -0.008), [0.077, 0.083, 0.094]),
    egg(from(0, 0.068, 0.022), [0.062, 0.08, 0.07]),
  );
  const jaws = [1, -1].map((sign) =>
    taper(from(sign * 0.036, 0.03, 0.022), from(sign * 0.009, 0.0, 0.066), 0.027, 0.02),
  );
  const brow = taper(from(-0.028, 0.101, 0.074), from(0.028, 0.101, 0.074), 0.0105, 0.0105);
  let solid = measures.melt(0.03, cranium, ...jaws, ball(from(0, 0.0, 0.069), 0.0185));
  solid = melt(0.022 * size, solid, brow);
  for (const sign of [1, -1]) {
    const socket = egg(from(sign * 0.031, 0.08, 0.104), [0.021, 0.013, 0.015]);
    const ear = egg(from(sign * 0.077, 0.07, -0.004), [0.008, 0.028, 0.017]);
    solid = melt(0.012 * size, carve(0.022 * size, solid, socket), ear);
  }
  const nose = taper(from(0, 0.09, 0.086), from(0, 0.054, 0.103), 0.0065, 0.0105);
  const lips = egg(from(0, 0.023, 0.085), [0.022, 0.007, 0.009]);
  solid = melt(0.014 * size, solid, nose, lips);
  const neck = taper(at("neck", 0, -0.04, -0.004), from(0, 0.03, 0.0), 0.049, 0.047);
  solid = melt(0.035 * size, solid, neck);
  const corners = [at("neck", 0, -0.03, 0), from(0, 0.2, 0), from(0, 0, 0.07), from(0, 0, -0.06)];
  return measures.part("head", "skin", solid, corners, 0.085, 0.0068);
}

/** Short hair: a shell around the skull that leaves face and ears free. */
export function hair(measures) {
  const { size, at, egg, taper } = measures;
  const from = (x, y, z) => at("head", x, y, z);
  const cap = measures.melt(
    0.03,
    egg(from(0, 0.124, -0.013), [0.0835, 0.0885, 0.1]),
    egg(from(0, 0.06, -0.046), [0.062, 0.075, 0.05]),
  );
  const face = egg(from(0, 0.03, 0.105), [0.1, 0.118, 0.088]);
  const sides = taper(from(-0.12, 0.045, 0.006), from(0.12, 0.045, 0.006), 0.046, 0.046);
  let solid = carve(0.02 * size, cap, face);
  solid = carve(0.016 * size, solid, sides);
  const corners = [from(0, 0.21, 0), from(0, 0, -0.1), from(0.08, 0.1, 0.08), from(-0.08, 0.1, 0)];
  return measures.part("hair", "hair", solid, corners, 0.03, 0.009);
}
