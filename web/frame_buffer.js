/** Frames as they come, given out by a clock of sound: a jitter buffer. */
import { mixed } from "./motion.js";

const FIRST_MARGIN_SECONDS = 0.12; // by which frames are played later than they could be
const MOST_MARGIN_SECONDS = 1.5;
const GROWTH_SECONDS = 0.04; // at each frame that came too late
const SHRINK_PER_SECOND = 0.02;
const EASE = 0.06; // share of a change of the delay that a picture takes

export class FrameBuffer {
  /** @param {{fps: number, bones: string[], delay_seconds: number}} ready of the client */
  constructor({ fps, bones, delay_seconds: delay }) {
    this.fps = fps;
    this.bones = bones.length;
    this.delay = delay;
    this.margin = FIRST_MARGIN_SECONDS;
    this.shown = delay + FIRST_MARGIN_SECONDS;
    this.length = 0;
    this.late = 0;
    this.rotations = new Float32Array(0);
    this.hips = new Float32Array(0);
  }

  /** Seconds of motion that have come. */
  get seconds() {
    return this.length / this.fps;
  }

  /** Takes frames; those with numbers that were there before replace them and what followed. */
  add({ first, count, rotations, hips }) {
    this.length = first + count;
    this.rotations = put(this.rotations, rotations, 4 * this.bones * first);
    this.hips = put(this.hips, hips, 3 * first);
  }

  /** Forgets frames from one on, as after an interruption. */
  cut(frame) {
    this.length = Math.min(this.length, frame);
  }

  /**
   * Returns the pose of a time of the stream; the last one that came if that is not there yet.
   *
   * @param {number} seconds
   * @returns {import("./pose.js").Frame | null} null before the first frame
   */
  at(seconds) {
    if (!this.length) return null;
    const place = Math.min(Math.max(seconds * this.fps, 0), this.length - 1);
    const first = Math.floor(place);
    const share = place - first;
    return share < 1e-3
      ? this.#frame(first)
      : mixed(this.#frame(first), this.#frame(first + 1), share);
  }

  /**
   * Returns the time of the stream to show while it is heard: by the delay that the server states
   * and a margin, which grows when frames come late and shrinks while they do not.
   *
   * @param {number} heard seconds of sound until now, by the clock of the sound
   * @param {number} passed seconds since the last call
   */
  playing(heard, passed) {
    const isLate = heard - this.shown > this.seconds && this.length > 0;
    if (isLate) {
      this.late++;
      this.margin = Math.min(MOST_MARGIN_SECONDS, this.margin + GROWTH_SECONDS);
    } else this.margin = Math.max(FIRST_MARGIN_SECONDS, this.margin - SHRINK_PER_SECOND * passed);
    this.shown += (this.delay + this.margin - this.shown) * EASE;
    return heard - this.shown;
  }

  #frame(number) {
    const { bones, rotations, hips } = this;
    return {
      rotations: rotations.subarray(4 * bones * number, 4 * bones * (number + 1)),
      hips: hips.subarray(3 * number, 3 * number + 3),
    };
  }
}

/** Writes values at a place of a list that grows. */
function put(list, values, at) {
  let grown = list;
  if (at + values.length > list.length) {
    grown = new Float32Array(Math.max(2 * list.length, at + values.length));
    grown.set(list);
  }
  grown.set(values, at);
  return grown;
}
