/**
 * Smooth solids by their distance to a surface, and the mesh of that surface (naive surface nets:
 * Gibson 1998, one vertex for each cell that the surface crosses).
 *
 * A solid is a function of x, y, z in metres that returns the signed distance in metres, negative
 * inside.
 *
 * @typedef {(x: number, y: number, z: number) => number} Solid
 * @typedef {{positions: Float32Array, normals: Float32Array, indices: Uint32Array}} Surface
 */

const BLOCK = 4; // samples along the edge of what is looked at at once

/** The hull of two balls (exact distance after Quilez' round cone). @returns {Solid} */
export function taper(start, end, startRadius, endRadius) {
  const [ax, ay, az] = start;
  const along = [end[0] - ax, end[1] - ay, end[2] - az];
  const length2 = along[0] ** 2 + along[1] ** 2 + along[2] ** 2 || 1e-12;
  const shrink = startRadius - endRadius;
  const slope2 = length2 - shrink * shrink;
  if (slope2 <= 0) return ball(shrink > 0 ? start : end, Math.max(startRadius, endRadius));
  return (x, y, z) => {
    const [px, py, pz] = [x - ax, y - ay, z - az];
    const on = px * along[0] + py * along[1] + pz * along[2];
    const past = on - length2;
    const side2 =
      (px * length2 - along[0] * on) ** 2 +
      (py * length2 - along[1] * on) ** 2 +
      (pz * length2 - along[2] * on) ** 2;
    const k = Math.sign(shrink) * shrink * shrink * side2;
    if (Math.sign(past) * slope2 * past * past * length2 > k)
      return Math.sqrt(side2 / (length2 * length2) + (past * past) / length2) - endRadius;
    if (Math.sign(on) * slope2 * on * on * length2 < k)
      return Math.sqrt(side2 / (length2 * length2) + (on * on) / length2) - startRadius;
    return (Math.sqrt((side2 * slope2) / length2) + on * shrink) / length2 - startRadius;
  };
}

/** @returns {Solid} */
export function ball(centre, radius) {
  const [cx, cy, cz] = centre;
  return (x, y, z) => Math.hypot(x - cx, y - cy, z - cz) - radius;
}

/** An ellipsoid; the distance is that of its first order. @returns {Solid} */
export function egg(centre, radii) {
  const [cx, cy, cz] = centre;
  const [rx, ry, rz] = radii;
  return (x, y, z) => {
    const [px, py, pz] = [(x - cx) / rx, (y - cy) / ry, (z - cz) / rz];
    const near = Math.hypot(px, py, pz);
    const slope = Math.hypot(px / rx, py / ry, pz / rz);
    return slope < 1e-9 ? -Math.min(rx, ry, rz) : (near * (near - 1)) / slope;
  };
}

/** Melts solids into one, over `blend` metres (Quilez' quadratic minimum). @returns {Solid} */
export function melt(blend, ...solids) {
  const [first, ...others] = solids;
  return (x, y, z) => {
    let distance = first(x, y, z);
    for (const solid of others) {
      const other = solid(x, y, z);
      const share = Math.max(blend - Math.abs(distance - other), 0) / blend;
      distance = Math.min(distance, other) - (share * share * blend) / 4;
    }
    return distance;
  };
}

/** A ring about an axis that is near the vertical. @returns {Solid} */
export function ring(centre, tilt, radius, thickness) {
  const [cx, cy, cz] = centre;
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  return (x, y, z) => {
    const [px, dy, dz] = [x - cx, y - cy, z - cz];
    const [py, pz] = [dy * cos - dz * sin, dy * sin + dz * cos];
    return Math.hypot(Math.hypot(px, pz) - radius, py) - thickness;
  };
}

/** Takes one solid away from another, with an edge rounded over `blend`. @returns {Solid} */
export function carve(blend, solid, tool) {
  const inverse = melt(
    blend,
    (x, y, z) => -solid(x, y, z),
    (x, y, z) => tool(x, y, z),
  );
  return (x, y, z) => -inverse(x, y, z);
}

/**
 * Makes a mesh of a solid within a box.
 *
 * @param {Solid} solid
 * @param {{low: number[], high: number[], step: number}} box corners and edge of a cell, metres
 * @returns {Surface} closed where the box holds the whole solid; triangles turn outwards
 */
export function meshed(solid, { low, high, step }) {
  const [nx, ny, nz] = low.map((value, axis) => Math.ceil((high[axis] - value) / step) + 1);
  const values = sampled(solid, low, [nx, ny, nz], step);
  const strides = [1, nx, nx * ny];
  const vertexOf = new Int32Array(values.length).fill(-1);
  const positions = [];
  for (let k = 0; k + 1 < nz; k++)
    for (let j = 0; j + 1 < ny; j++)
      for (let i = 0; i + 1 < nx; i++) {
        const at = i + nx * (j + ny * k);
        const place = crossing(values, at, strides);
        if (!place) continue;
        vertexOf[at] = positions.length / 3;
        positions.push(low[0] + (i + place[0]) * step);
        positions.push(low[1] + (j + place[1]) * step);
        positions.push(low[2] + (k + place[2]) * step);
      }
  const indices = faces(values, vertexOf, [nx, ny, nz], strides);
  return { ...settled(solid, positions, step), indices };
}

/** Samples a solid on a grid; a block far from the surface has the value of its middle. */
function sampled(solid, low, [nx, ny, nz], step) {
  const values = new Float32Array(nx * ny * nz);
  const far = BLOCK * step * 1.4; // more than from a block's middle to its corner, twice
  for (let k0 = 0; k0 < nz; k0 += BLOCK)
    for (let j0 = 0; j0 < ny; j0 += BLOCK)
      for (let i0 = 0; i0 < nx; i0 += BLOCK) {
        const [x, y, z] = [i0, j0, k0].map((at, axis) => low[axis] + (at + (BLOCK - 1) / 2) * step);
        const middle = solid(x, y, z);
        for (let k = k0; k < Math.min(k0 + BLOCK, nz); k++)
          for (let j = j0; j < Math.min(j0 + BLOCK, ny); j++)
            for (let i = i0; i < Math.min(i0 + BLOCK, nx); i++)
              values[i + nx * (j + ny * k)] =
                Math.abs(middle) > far
                  ? middle
                  : solid(low[0] + i * step, low[1] + j * step, low[2] + k * step);
      }
  return values;
}

/** Returns the mean of where a cell's edges are crossed, in cells, or null if none is. */
function crossing(values, at, [dx, dy, dz]) {
  let [count, sx, sy, sz] = [0, 0, 0, 0];
  for (let corner = 0; corner < 8; corner++) {
    const [x, y, z] = [corner & 1, (corner >> 1) & 1, (corner >> 2) & 1];
    const here = values[at + x * dx + y * dy + z * dz];
    for (let axis = 0; axis < 3; axis++) {
      if ((corner >> axis) & 1) continue;
      const there = values[at + x * dx + y * dy + z * dz + [dx, dy, dz][axis]];
      if (here < 0 === there < 0) continue;
      const share = here / (here - there);
      sx += x + (axis === 0 ? share : 0);
      sy += y + (axis === 1 ? share : 0);
      sz += z + (axis === 2 ? share : 0);
      count++;
    }
  }
  return count ? [sx / count, sy / count, sz / count] : null;
}

/** Joins the four cells around each edge that is crossed. */
function faces(values, vertexOf, sizes, strides) {
  const indices = [];
  const at = [0, 0, 0];
  for (at[2] = 1; at[2] + 1 < sizes[2]; at[2]++)
    for (at[1] = 1; at[1] + 1 < sizes[1]; at[1]++)
      for (at[0] = 1; at[0] + 1 < sizes[0]; at[0]++) {
        const here = at[0] + strides[1] * at[1] + strides[2] * at[2];
        for (let axis = 0; axis < 3; axis++) {
          const inside = values[here] < 0;
          if (inside === values[here + strides[axis]] < 0) continue;
          const u = strides[(axis + 1) % 3];
          const v = strides[(axis + 2) % 3];
          const [a, b] = [vertexOf[here - u - v], vertexOf[here - v]];
          const [c, d] = [vertexOf[here], vertexOf[here - u]];
          indices.push(...(inside ? [a, b, c, a, c, d] : [a, c, b, a, d, c]));
        }
      }
  return new Uint32Array(indices);
}

/** Moves vertices onto the surface and gives them its normals. */
function settled(solid, list, step) {
  const positions = new Float32Array(list);
  const normals = new Float32Array(list.length);
  const far = step / 4;
  for (let at = 0; at < list.length; at += 3) {
    for (let turn = 0; turn < 2; turn++) {
      const [x, y, z] = positions.subarray(at, at + 3);
      const slope = [
        solid(x + far, y, z) - solid(x - far, y, z),
        solid(x, y + far, z) - solid(x, y - far, z),
        solid(x, y, z + far) - solid(x, y, z - far),
      ];
      const length = Math.hypot(...slope) || 1;
      const miss = Math.max(
        -step,
        Math.min(step, solid(x, y, z) / Math.max(1, length / (2 * far))),
      );
      for (let axis = 0; axis < 3; axis++) {
        normals[at + axis] = slope[axis] / length;
        positions[at + axis] -= (slope[axis] / length) * miss;
      }
    }
  }
  return { positions, normals };
}
