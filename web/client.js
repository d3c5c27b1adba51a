/**
 * A client of `llavataros serve`, protocol 1: speech goes in, frames come out.
 *
 *     const client = await Client.connect("ws://127.0.0.1:8317/v1/stream", { sampleRate: 48000 });
 *     const buffer = new FrameBuffer(client.ready);
 *     client.onframes = (frames) => buffer.add(frames);
 *     client.sendAudio(samples);            // Float32Array (-1 to 1) or Int16Array, one channel
 *     client.end();                         // the last frames follow, then client.onend
 *
 * A lost connection is resumed by itself: what the server did not get is sent again, and frames go
 * on where they stopped. Every message and code is described by `/v1/schema` of the server.
 */
import { readFrames, soundMessage } from "./wire.js";

export { FrameBuffer } from "./frame_buffer.js";

const VERSION = 1;
const PING_MILLISECONDS = 5000;
const RETRY_MILLISECONDS = [100, 300, 800, 1500, 3000];
const PIECE_SAMPLES = 1 << 15; // of one message at most
const NORMAL = 1000;

/** A refusal of the server: `code` as in its schema. */
export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Client {
  // What comes is told by these; each may be replaced.
  onframes = (/** @type {import("./wire.js").Frames} */ _frames) => {};
  oninterrupted = (/** @type {number} first frame that is made anew */ _frame) => {};
  onutterance = (/** @type {number} seconds */ _start) => {};
  ongesture = (/** @type {{name: string, start_seconds: number}} */ _gesture) => {};
  onnotice = (/** @type {string} */ _text) => {};
  onend = (/** @type {{frames: number, seconds: number}} */ _ended) => {};
  onrefused = (/** @type {Refused} */ _refusal) => {};
  onlost = () => {};
  onresumed = () => {};

  /**
   * Begins a session.
   *
   * @param {string} url of `/v1/stream`
   * @param {{sampleRate?: number, token?: string | null, people?: 1 | 2,
   *   words?: "none" | "timed" | "untimed", silence?: "wait" | "fill", speaker?: string | null,
   *   seed?: number, dials?: object, poses?: ("joints" | "humanoid")[]}} options
   * @returns {Promise<Client>} with `ready`, which says fps, delay, bones, speakers and gestures
   * @throws {Refused} when the server refuses or cannot be reached
   */
  static async connect(url, options = {}) {
    const client = new Client(url, options);
    await client.#open({});
    client.timer = setInterval(() => client.#send({ type: "ping", id: null }), PING_MILLISECONDS);
    return client;
  }

  /** Use `Client.connect`. */
  constructor(url, { sampleRate = 48000, poses = ["humanoid"], ...options }) {
    this.url = url;
    this.start = { type: "start", version: VERSION, frames: "binary", poses };
    this.start.audio = { encoding: "pcm_s16le", sample_rate: sampleRate };
    Object.assign(this.start, options);
    this.positions = [0, 0]; // samples sent of each person
    this.nextFrame = 0;
    this.nextNumber = 0; // of replies that are counted
    this.messages = 0; // JSON messages sent, start and pings not counted
    this.kept = []; // what was sent and is not known to have come, in order
    this.isOver = false;
  }

  /** Sends sound of one channel at the session's rate. */
  sendAudio(samples, person = 0) {
    for (let from = 0; from < samples.length; from += PIECE_SAMPLES) {
      const piece = samples.subarray(from, from + PIECE_SAMPLES);
      const data = soundMessage(piece, person, this.positions[person]);
      this.positions[person] += piece.length;
      this.#keep({ person, end: this.positions[person], data });
    }
  }

  /**
   * Sends words with times, ahead of their sound.
   *
   * @param {{word: string, start: number, end: number}[]} words seconds
   * @param {{person?: number, from?: "utterance" | "stream", knownUntil?: number | null}} options
   */
  words(words, { person = 0, from = "utterance", knownUntil = null } = {}) {
    this.#tell({ type: "words", person, words, from, known_until: knownUntil });
  }

  /** Sends what is said, without times. */
  text(text, person = 0) {
    this.#tell({ type: "text", person, text });
  }

  /** Begins an utterance; words count from there. */
  utterance() {
    this.#tell({ type: "utterance" });
  }

  endUtterance() {
    this.#tell({ type: "end_utterance" });
  }

  /** Stops the sentence; the body comes to rest. */
  interrupt(atSeconds = null) {
    this.#tell({ type: "interrupt", at_seconds: atSeconds });
  }

  /** Turns dials: temperature, guidance, expressiveness, idle, size. */
  dials(dials) {
    Object.assign((this.start.dials ??= {}), dials);
    this.#tell({ type: "dials", ...dials });
  }

  /** Asks for a gesture by its name in `ready.gestures`. */
  gesture(name, { atSeconds = null, strength = 1 } = {}) {
    this.#tell({ type: "gesture", name, at_seconds: atSeconds, strength });
  }

  /** Says that no more comes; the delayed frames follow, then `onend`. */
  end() {
    this.#tell({ type: "end" });
  }

  /** Leaves at once. */
  close() {
    this.isOver = true;
    clearInterval(this.timer);
    this.socket?.close(NORMAL);
  }

  #tell(message) {
    this.#keep({ number: this.messages++, data: JSON.stringify(message) });
  }

  #keep(item) {
    if (this.isOver) return;
    this.kept.push(item);
    if (this.#canSend) this.socket.send(item.data);
  }

  #send(message) {
    if (this.#canSend) this.socket.send(JSON.stringify(message));
  }

  /** A connection may be closing before that is told. */
  get #canSend() {
    return this.isOpen && this.socket.readyState === WebSocket.OPEN;
  }

  /** Opens a connection and waits for `ready`. */
  #open(more) {
    return new Promise((resolve, reject) => {
      const socket = (this.socket = new WebSocket(this.url));
      let opened = false;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => socket.send(JSON.stringify({ ...this.start, ...more }));
      socket.onmessage = ({ data }) => {
        if (typeof data !== "string") return this.#frames(data);
        const message = JSON.parse(data);
        if (message.type === "error") {
          this.isOver = true;
          const refusal = new Refused(message.code, message.message);
          if (!this.ready) return reject(refusal);
          return this.onrefused(refusal);
        }
        if (message.type !== "ready") return this.#reply(message);
        this.ready = message;
        this.isOpen = opened = true;
        this.#forget(message);
        for (const { data: item } of this.kept) socket.send(item);
        return resolve();
      };
      socket.onclose = ({ code }) => {
        if (!opened) return reject(new Refused("unreachable", `${this.url} does not answer`));
        this.isOpen = false;
        if (!this.isOver && code !== NORMAL) this.#mend();
      };
    });
  }

  /** Tries to go on after a lost connection. */
  async #mend() {
    this.onlost();
    for (const wait of RETRY_MILLISECONDS) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.isOver) return;
      const place = { next_frame: this.nextFrame, next_message: this.nextNumber };
      try {
        await this.#open({ resume: this.ready.token, ...place });
      } catch {
        continue;
      }
      this.onresumed();
      return;
    }
    this.isOver = true;
    this.onrefused(new Refused("lost", "the connection to the server was lost"));
  }

  #reply(message) {
    if ("number" in message) this.nextNumber = message.number + 1;
    if (message.type === "pong") this.#forget(message);
    else if (message.type === "notice") this.onnotice(message.text);
    else if (message.type === "utterance") this.onutterance(message.start_seconds);
    else if (message.type === "gesture") this.ongesture(message);
    else if (message.type === "interrupted") {
      this.nextFrame = message.from_frame;
      this.oninterrupted(message.from_frame);
    } else if (message.type === "end") {
      this.close();
      this.onend(message);
    }
  }

  /** Lets go of what the server has. */
  #forget({ received, messages }) {
    this.kept = this.kept.filter(({ person, end, number }) =>
      number === undefined ? end > (received[person] ?? 0) : number >= messages,
    );
  }

  #frames(data) {
    const frames = readFrames(data, this.ready);
    this.nextFrame = frames.first + frames.count;
    this.onframes(frames);
  }
}
