/**
 * Where live speech comes from. Both kinds have `heard(context)`, the seconds of sound until now by
 * the clock of the context, and give samples to `take`.
 */
import { FrameBuffer } from "./frame_buffer.js";

const AHEAD_SECONDS = 4; // that a recording is sent before it is heard
const PIECE_SECONDS = 0.2;
const PUMP_MILLISECONDS = 40;
const ENOUGH_SECONDS = 0.35; // of motion before a recording begins to sound

/** A microphone: without echo cancellation, which would change the voice. */
export class Microphone {
  isLive = true;

  /** @param {AudioContext} context @throws {DOMException} when it may not be used */
  static async open(context) {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    await context.audioWorklet.addModule(new URL("./microphone_worklet.js", document.baseURI));
    return new Microphone(context, stream);
  }

  constructor(context, stream) {
    this.stream = stream;
    this.source = context.createMediaStreamSource(stream);
    this.ear = new AudioWorkletNode(context, "ear", { numberOfOutputs: 0 });
    this.pieces = [];
    this.sent = 0;
  }

  /** @param {(samples: Float32Array) => void} take */
  begin(take) {
    this.ear.port.onmessage = ({ data: { samples, frame } }) => {
      this.sent += samples.length;
      this.begun = frame - this.sent;
      this.pieces.push(samples);
      take(samples);
    };
    this.source.connect(this.ear);
  }

  heard({ currentTime, sampleRate }) {
    return this.begun === undefined ? 0 : currentTime - this.begun / sampleRate;
  }

  stop() {
    this.source.disconnect();
    this.ear.port.onmessage = null;
    this.stream.getTracks().forEach((track) => track.stop());
  }

  get samples() {
    return joined(this.pieces);
  }
}

/** A recording, sent a little ahead and heard when its first frames are there. */
export class Recording {
  isLive = false;

  /** @param {AudioContext} context @param {File} file @throws {DOMException} when it is no sound */
  static async open(context, file) {
    const sound = await context.decodeAudioData(await file.arrayBuffer());
    return new Recording(context, sound, file);
  }

  constructor(context, sound, file) {
    Object.assign(this, { context, sound });
    this.key = [file.name, file.size, file.lastModified].join(" ");
    const channels = Array.from({ length: sound.numberOfChannels }, (_, n) =>
      sound.getChannelData(n),
    );
    this.samples = channels.length === 1 ? channels[0] : mean(channels);
    this.sent = 0;
  }

  /**
   * @param {(samples: Float32Array) => void} take
   * @param {FrameBuffer} buffer that frames come into
   * @param {() => void} end is called when all was sent
   */
  begin(take, buffer, end) {
    const rate = this.sound.sampleRate;
    const piece = Math.round(PIECE_SECONDS * rate);
    const pump = () => {
      const until = (Math.max(0, this.heard(this.context)) + AHEAD_SECONDS) * rate;
      while (this.sent < Math.min(until, this.samples.length)) {
        take(this.samples.subarray(this.sent, this.sent + piece));
        this.sent = Math.min(this.sent + piece, this.samples.length);
        if (this.sent === this.samples.length) end();
      }
      if (!this.node && buffer.seconds >= Math.min(ENOUGH_SECONDS, this.sound.duration / 2))
        this.#play();
    };
    pump();
    this.timer = setInterval(pump, PUMP_MILLISECONDS);
  }

  #play() {
    const { context } = this;
    this.node = new AudioBufferSourceNode(context, { buffer: this.sound });
    this.node.connect(context.destination);
    this.begun = context.currentTime + 0.02;
    this.node.start(this.begun);
    this.node.onended = () => this.onended?.();
  }

  /** Seconds of the recording that have been heard; the loudspeaker is later than the clock. */
  heard({ currentTime, outputLatency }) {
    return this.begun === undefined ? 0 : currentTime - this.begun - (outputLatency || 0);
  }

  /** Falls silent; time goes on. Returns when, in seconds of the recording. */
  hush() {
    const seconds = Math.max(0, this.heard(this.context));
    this.stop();
    this.node = null;
    this.samples = this.samples.subarray(0, Math.round(seconds * this.sound.sampleRate));
    return seconds;
  }

  stop() {
    clearInterval(this.timer);
    if (this.node) {
      this.node.onended = null;
      this.node.stop();
    }
  }
}

function mean(channels) {
  return Float32Array.from(
    channels[0],
    (_, at) => channels.reduce((sum, channel) => sum + channel[at], 0) / channels.length,
  );
}

function joined(pieces) {
  const all = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
