/**
 * The binary messages of protocol 1: sound, and frames.
 *
 * @typedef {{first: number, count: number, seconds: number, rotations: Float32Array | null,
 *   hips: Float32Array | null, joints: Float32Array | null}} Frames consecutive frames from number
 *   `first` on: VRM-normalised rotations (count x bones x 4, xyzw), places of the hips (count x 3,
 *   metres), joints in the world (count x joints x 7)
 */

const [AUDIO, FRAMES] = [1, 2];
const [JOINTS, HUMANOID] = [1, 2]; // flags of a message of frames
const HEADER_BYTES = 8;

/**
 * Returns the message of a piece of sound.
 *
 * @param {Float32Array | Int16Array} samples
 * @param {number} person whose they are
 * @param {number} position samples of theirs that were sent before
 * @returns {Uint8Array}
 */
export function soundMessage(samples, person, position) {
  const piece = pcm(samples);
  const bytes = new Uint8Array(HEADER_BYTES + piece.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, AUDIO);
  view.setUint8(1, person);
  view.setUint32(4, position, true);
  bytes.set(new Uint8Array(piece.buffer), HEADER_BYTES);
  return bytes;
}

/**
 * Reads a binary message of frames.
 *
 * @param {ArrayBuffer} data
 * @param {{fps: number, bones: string[], skeleton: {names: string[]}}} ready
 * @returns {Frames}
 */
export function readFrames(data, { fps, bones, skeleton }) {
  const view = new DataView(data);
  const [kind, flags, count] = [view.getUint8(0), view.getUint8(1), view.getUint16(2, true)];
  if (kind !== FRAMES) throw new Error(`a binary message of kind ${kind} holds no frames`);
  const first = view.getUint32(4, true);
  const sizes = [flags & JOINTS ? 7 * skeleton.names.length : 0];
  sizes.push(...(flags & HUMANOID ? [4 * bones.length, 3] : [0, 0]));
  const row = sizes.reduce((sum, size) => sum + size);
  const values = new Float32Array(data, HEADER_BYTES, count * row);
  let start = 0;
  const [joints, rotations, hips] = sizes.map((size) => {
    const part = new Float32Array(count * size);
    for (let frame = 0; frame < count; frame++)
      part.set(values.subarray(frame * row + start, frame * row + start + size), frame * size);
    start += size;
    return size ? part : null;
  });
  return { first, count, seconds: first / fps, joints, rotations, hips };
}

/** Returns samples as 16-bit numbers. */
export function pcm(samples) {
  if (samples instanceof Int16Array) return samples.slice();
  return Int16Array.from(samples, (value) => Math.round(Math.max(-1, Math.min(1, value)) * 32767));
}
