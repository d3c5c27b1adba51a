/** A person's places and size, and solids in lengths of the person of 1.70 m. */
import { ball, egg, melt, ring, taper } from "./surface.js";

export class Measures {
  /**
   * @param {Record<string, number[]>} places of the bones as modelled, metres
   * @param {number} size beside a person of 1.70 m
   */
  constructor(places, size) {
    this.places = places;
    this.size = size;
  }

  /** Returns a place beside a bone: x to the left, y up, z forward. */
  at = (bone, x = 0, y = 0, z = 0) =>
    [x, y, z].map((value, axis) => this.places[bone][axis] + value * this.size);
  taper = (start, end, first, last) => taper(start, end, first * this.size, last * this.size);
  ball = (centre, radius) => ball(centre, radius * this.size);
  ring = (centre, tilt, radius, thick) => ring(centre, tilt, radius * this.size, thick * this.size);
  melt = (blend, ...solids) => melt(blend * this.size, ...solids);
  egg = (centre, radii) =>
    egg(
      centre,
      radii.map((radius) => radius * this.size),
    );

  /**
   * Puts a solid into the box around some corners.
   *
   * @param {number} margin around the corners, and @param {number} step of the mesh: lengths of
   *   the person of 1.70 m
   * @returns {import("./figure.js").Part}
   */
  part(name, material, solid, corners, margin, step, side) {
    const axes = [0, 1, 2];
    const low = axes.map((axis) => Math.min(...corners.map((c) => c[axis])) - margin * this.size);
    const high = axes.map((axis) => Math.max(...corners.map((c) => c[axis])) + margin * this.size);
    return { name, material, solid, low, high, step: step * this.size, side };
  }
}

/** Returns the place at a share of the way between two. */
export const share = (start, end, part) =>
  start.map((value, axis) => value + (end[axis] - value) * part);
