/** What was made live, kept as a motion that the player shows again. */

import { Motion } from "./motion.js";

const PEAK_SECONDS = 0.02;

/**
 * @param {string} name
 * @param {import("./frame_buffer.js").FrameBuffer} buffer
 * @param {{bones: string[], rest: number[][]}} humanoid
 * @param {{samples: Float32Array, rate: number}} sound of the whole take
 */
export function keptTake(name, buffer, humanoid, { samples, rate }) {
  const { fps, bones, length } = buffer;
  return Motion.of({
    name,
    fps,
    humanoid,
    frames: length,
    rotations: buffer.rotations.slice(0, 4 * bones * length),
    hips: buffer.hips.slice(0, 3 * length),
    ...waveOf(samples, rate),
    audio: URL.createObjectURL(new Blob([wav(samples, rate)], { type: "audio/wav" })),
  });
}

/** Returns peaks, 0 to 1 of the loudest. */
export function waveOf(samples, rate) {
  const step = Math.round(PEAK_SECONDS * rate);
  const wave = new Float32Array(Math.ceil(samples.length / step));
  let loudest = 1e-3;
  for (let at = 0; at < samples.length; at++) {
    const size = Math.abs(samples[at]);
    const slot = Math.floor(at / step);
    if (size > wave[slot]) wave[slot] = size;
    if (size > loudest) loudest = size;
  }
  return { wave: wave.map((peak) => peak / loudest), waveSeconds: step / rate };
}

/** Writes one channel as WAV of 16 bits. @returns {ArrayBuffer} */
export function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) =>
    [...letters].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, at) => {
    view.setInt16(44 + 2 * at, Math.round(Math.max(-1, Math.min(1, value)) * 32767), true);
  });
  return view.buffer;
}
