/**
 * Unit quaternions [x, y, z, w] and vectors [x, y, z] as plain arrays.
 *
 * @typedef {number[]} Quaternion
 * @typedef {number[]} Vector
 */

export const IDENTITY = Object.freeze([0, 0, 0, 1]);

/** Returns the rotation that does `second` first and `first` after it. */
export function multiply(first, second) {
  const [ax, ay, az, aw] = first;
  const [bx, by, bz, bw] = second;
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

export const conjugate = ([x, y, z, w]) => [-x, -y, -z, w];

export function normalise(values) {
  const length = Math.hypot(...values) || 1;
  return values.map((value) => value / length);
}

/** Turns a vector. */
export function rotate(quaternion, vector) {
  const [x, y, z, w] = quaternion;
  const t = cross([x, y, z], vector).map((value) => 2 * value);
  const u = cross([x, y, z], t);
  return vector.map((value, axis) => value + w * t[axis] + u[axis]);
}

/** Goes a share of the shorter way between two rotations, at even speed. */
export function slerp(start, end, share) {
  let cosine = start.reduce((sum, value, axis) => sum + value * end[axis], 0);
  const near = cosine < 0 ? end.map((value) => -value) : end;
  cosine = Math.min(1, Math.abs(cosine));
  const angle = Math.acos(cosine);
  if (angle < 1e-4) return normalise(start.map((v, axis) => v + (near[axis] - v) * share));
  const [from, to] = [Math.sin((1 - share) * angle), Math.sin(share * angle)];
  return normalise(start.map((v, axis) => (v * from + near[axis] * to) / Math.sin(angle)));
}

/** Returns the rotation about an axis of unit length. */
export function turn(axis, radians) {
  const sine = Math.sin(radians / 2);
  return [axis[0] * sine, axis[1] * sine, axis[2] * sine, Math.cos(radians / 2)];
}

/** Returns the shortest rotation from one direction to another. */
export function between(start, end) {
  const [from, to] = [normalise(start), normalise(end)];
  const cosine = dot(from, to);
  if (cosine < -0.999999) {
    const other = Math.abs(from[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0];
    return [...normalise(cross(from, other)), 0];
  }
  return normalise([...cross(from, to), 1 + cosine]);
}

/** Returns the rotation that takes the columns of the identity to three perpendicular axes. */
export function fromAxes(x, y, z) {
  const trace = x[0] + y[1] + z[2];
  const candidates = [
    [1 + x[0] - y[1] - z[2], x[1] + y[0], z[0] + x[2], y[2] - z[1]],
    [x[1] + y[0], 1 - x[0] + y[1] - z[2], y[2] + z[1], z[0] - x[2]],
    [z[0] + x[2], y[2] + z[1], 1 - x[0] - y[1] + z[2], x[1] - y[0]],
    [y[2] - z[1], z[0] - x[2], x[1] - y[0], 1 + trace],
  ];
  const sizes = candidates.map((row, index) => row[index]);
  return normalise(candidates[sizes.indexOf(Math.max(...sizes))]);
}

export const add = (a, b) => a.map((value, axis) => value + b[axis]);
export const subtract = (a, b) => a.map((value, axis) => value - b[axis]);
export const scale = (a, factor) => a.map((value) => value * factor);
export const dot = (a, b) => a.reduce((sum, value, axis) => sum + value * b[axis], 0);
export const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
