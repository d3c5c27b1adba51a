import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Client, FrameBuffer } from "../../web/client.js";
import { pcm, readFrames } from "../../web/wire.js";

const READY = {
  type: "ready",
  version: 1,
  session: "s",
  token: "t",
  fps: 30,
  delay_frames: 3,
  delay_seconds: 0.1,
  skeleton: { names: ["Hips"] },
  bones: ["hips"],
  rest: [[0, 1, 0]],
  speakers: [],
  gestures: [],
  limits: {},
  received: { 0: 0 },
  messages: 0,
};
const clients = [];
let sockets = [];

globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor(url) {
    this.url = url;
    this.sent = [];
    sockets.push(this);
    queueMicrotask(() => this.onopen());
  }
  send(data) {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : data);
  }
  close(code) {
    this.onclose({ code });
  }
  tell(message) {
    this.onmessage({ data: message instanceof ArrayBuffer ? message : JSON.stringify(message) });
  }
};

afterEach(() => {
  clients.splice(0).forEach((client) => client.close());
  sockets = [];
});

async function connected(options) {
  const connecting = Client.connect("ws://here/v1/stream", options);
  await new Promise((resolve) => setTimeout(resolve));
  sockets[0].tell(READY);
  const client = await connecting;
  clients.push(client);
  return client;
}

/** A message of frames whose hips are at their numbers. */
function frames(first, count) {
  const data = new ArrayBuffer(8 + 28 * count);
  const view = new DataView(data);
  view.setUint8(0, 2);
  view.setUint8(1, 2);
  view.setUint16(2, count, true);
  view.setUint32(4, first, true);
  for (let n = 0; n < count; n++) {
    view.setFloat32(8 + 28 * n + 12, 1, true);
    view.setFloat32(8 + 28 * n + 16, first + n, true);
  }
  return data;
}

test("start says what is wanted, and sound has its header", async () => {
  const client = await connected({ sampleRate: 16000, speaker: "kim", dials: { idle: 0.5 } });
  const [start] = sockets[0].sent;
  assert.deepEqual(start.audio, { encoding: "pcm_s16le", sample_rate: 16000 });
  assert.deepEqual(
    [start.type, start.version, start.frames, start.speaker],
    ["start", 1, "binary", "kim"],
  );
  client.sendAudio(new Float32Array([0, 1, -1]));
  client.sendAudio(new Int16Array([5]), 0);
  const views = sockets[0].sent.slice(1).map((bytes) => new DataView(bytes.buffer));
  assert.deepEqual(
    views.map((view) => [view.getUint8(0), view.getUint32(4, true)]),
    [
      [1, 0],
      [1, 3],
    ],
  );
  assert.deepEqual(
    [8, 10, 12].map((at) => views[0].getInt16(at, true)),
    [0, 32767, -32767],
  );
  assert.equal(views[1].getInt16(8, true), 5);
});

test("samples beyond full scale are cut, not wrapped", () => {
  assert.deepEqual([...pcm(new Float32Array([2, -3, 0.5]))], [32767, -32767, 16384]);
});

test("frames with joints and humanoid are taken apart", () => {
  const ready = { fps: 30, bones: ["hips", "spine"], skeleton: { names: ["a", "b", "c"] } };
  const row = 21 + 8 + 3;
  const data = new ArrayBuffer(8 + 4 * row * 2);
  new Uint8Array(data).set([2, 3, 2, 0, 60, 0, 0, 0]);
  new Float32Array(data, 8).set(Array.from({ length: 2 * row }, (_, n) => n));
  const { first, seconds, joints, rotations, hips } = readFrames(data, ready);
  assert.deepEqual([first, seconds], [60, 2]);
  assert.deepEqual(
    [joints[20], joints[21], rotations[0], rotations[8], hips[2], hips[3]],
    [20, 32, 21, 53, 31, 61],
  );
});

test("a lost connection is resumed, and only what did not come is sent again", async () => {
  const client = await connected({});
  const came = [];
  client.onframes = ({ first, count }) => came.push([first, count]);
  client.sendAudio(new Int16Array(100));
  client.gesture("wave");
  client.sendAudio(new Int16Array(50));
  sockets[0].tell(frames(0, 7));
  sockets[0].tell({ type: "notice", number: 0, text: "" });
  sockets[0].close(1006);
  client.sendAudio(new Int16Array(10)); // while there is no connection
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(sockets.length, 2);
  const [start] = sockets[1].sent;
  assert.deepEqual([start.resume, start.next_frame, start.next_message], ["t", 7, 1]);
  sockets[1].tell({ ...READY, received: { 0: 100 }, messages: 1 });
  const positions = sockets[1].sent.slice(1).map((m) => new DataView(m.buffer).getUint32(4, true));
  assert.deepEqual(positions, [100, 150]);
  sockets[1].tell(frames(7, 2));
  assert.deepEqual(came, [
    [0, 7],
    [7, 2],
  ]);
});

test("what a pong says was received is let go", async () => {
  const client = await connected({});
  client.sendAudio(new Int16Array(100));
  client.text("hello");
  sockets[0].tell({ type: "pong", id: null, received: { 0: 100 }, messages: 1 });
  assert.equal(client.kept.length, 0);
});

test("a refusal is told with its code and is not tried again", async () => {
  const connecting = Client.connect("ws://here", {});
  await new Promise((resolve) => setTimeout(resolve));
  sockets[0].tell({ type: "error", code: "token", message: "the token is wrong" });
  await assert.rejects(connecting, { code: "token", message: "the token is wrong" });
  sockets[0].close(4010);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(sockets.length, 1);
});

test("the buffer gives frames between frames, and replaces what is made anew", () => {
  const buffer = new FrameBuffer(READY);
  assert.equal(buffer.at(0), null);
  buffer.add(readFrames(frames(0, 4), READY));
  assert.ok(Math.abs(buffer.at(1.5 / 30).hips[0] - 1.5) < 1e-6);
  assert.equal(buffer.at(9).hips[0], 3);
  buffer.cut(2);
  assert.equal(buffer.at(9).hips[0], 1);
  buffer.add({
    first: 2,
    count: 1,
    rotations: new Float32Array([0, 0, 0, 1]),
    hips: new Float32Array([9, 0, 0]),
  });
  assert.equal(buffer.at(9).hips[0], 9);
});

test("frames are played the stated delay and a margin late, more when they come late", () => {
  const buffer = new FrameBuffer(READY);
  let heard = 0;
  const run = (seconds, behind) => {
    let playing = 0;
    for (const end = heard + seconds; heard < end; heard += 1 / 60) {
      const have = Math.max(0, Math.floor((heard - behind) * 30));
      if (have > buffer.length)
        buffer.add({
          first: have - 1,
          count: 1,
          rotations: new Float32Array(4),
          hips: new Float32Array(3),
        });
      playing = buffer.playing(heard, 1 / 60);
    }
    return heard - playing;
  };
  assert.ok(Math.abs(run(2, 0.1) - 0.22) < 0.03);
  const late = run(4, 0.6);
  assert.ok(late > 0.6 && late < 1.2, `${late}`);
  assert.ok(run(30, 0.1) < late, "it comes nearer again");
});
