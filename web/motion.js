/**
 * A motion as the page gets it, and its pose at any time.
 *
 * @typedef {{text: string, start: number, end: number}} Word seconds
 * @typedef {{name: string, fps: number, humanoid: {bones: string[], rest: number[][],
 *   rotations: string, hips: string}, words?: Word[], beats?: number[], wave?: number[],
 *   wave_seconds?: number, audio?: string | {same_as: number} | null}} MotionData base64 of
 *   little-endian float32: rotations (frames x bones x 4), hips (frames x 3, metres); `wave` has
 *   peaks 0 to 1 of `wave_seconds` each
 */
import { slerp } from "./quaternions.js";

export class Motion {
  /** @param {MotionData} data */
  constructor(data) {
    const { humanoid, fps, name } = data;
    this.name = name;
    this.fps = fps;
    this.humanoid = { bones: humanoid.bones, rest: humanoid.rest };
    this.rotations = floats(humanoid.rotations);
    this.hips = floats(humanoid.hips);
    this.frames = this.hips.length / 3;
    this.words = data.words ?? [];
    this.beats = data.beats ?? [];
    this.wave = data.wave ?? [];
    this.waveSeconds = data.wave_seconds ?? 0.02;
    this.audio = data.audio ?? null;
  }

  /** Makes one of values that are no base64, as a live take has them. */
  static of(values) {
    const motion = Object.create(Motion.prototype);
    return Object.assign(motion, { words: [], beats: [], wave: [], waveSeconds: 0.02 }, values);
  }

  /** Length in seconds. */
  get seconds() {
    return this.frames / this.fps;
  }

  /**
   * Returns the pose at a time, between frames the way between them.
   *
   * @param {number} seconds
   * @returns {import("./pose.js").Frame}
   */
  pose(seconds) {
    const bones = this.humanoid.bones.length;
    const at = Math.min(Math.max(seconds * this.fps, 0), this.frames - 1);
    const [first, share] = [Math.floor(at), at % 1];
    const frame = (number) => ({
      rotations: this.rotations.subarray(4 * bones * number, 4 * bones * (number + 1)),
      hips: this.hips.subarray(3 * number, 3 * number + 3),
    });
    const before = frame(first);
    return share < 1e-3 || first + 1 >= this.frames
      ? before
      : mixed(before, frame(first + 1), share);
  }
}

/** Returns the pose a share of the way from one to another. */
export function mixed(first, second, share) {
  const rotations = new Float32Array(first.rotations.length);
  for (let at = 0; at < rotations.length; at += 4) {
    const turn = slerp(part(first.rotations, at), part(second.rotations, at), share);
    rotations.set(turn, at);
  }
  const hips = Array.from(first.hips, (value, axis) => value + (second.hips[axis] - value) * share);
  return { rotations, hips };
}

const part = (values, at) => [values[at], values[at + 1], values[at + 2], values[at + 3]];

/** Reads base64 of float32. */
export function floats(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** Returns the word that is spoken at a time, or -1. */
export function wordAt(words, seconds) {
  let [low, high] = [0, words.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle].start <= seconds) low = middle + 1;
    else high = middle;
  }
  const found = low - 1;
  return found >= 0 && seconds < words[found].end ? found : -1;
}
