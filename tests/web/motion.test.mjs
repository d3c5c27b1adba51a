import assert from "node:assert/strict";
import { test } from "node:test";
import { Motion, wordAt } from "../../web/motion.js";
import { Puppet } from "../../web/pose.js";
import { turn } from "../../web/quaternions.js";
import { wav, waveOf } from "../../web/take.js";
import { clockText } from "../../web/transport.js";

const base64 = (values) => Buffer.from(new Float32Array(values).buffer).toString("base64");

test("between two frames a motion is between their poses", () => {
  const rotations = [0, 0, 0, 1, ...turn([0, 0, 1], 1)];
  const humanoid = {
    bones: ["hips"],
    rest: [[0, 1, 0]],
    rotations: base64(rotations),
    hips: base64([0, 1, 0, 0, 1, 1]),
  };
  const motion = new Motion({ name: "m", fps: 10, humanoid });
  assert.equal(motion.seconds, 0.2);
  const pose = motion.pose(0.025);
  turn([0, 0, 1], 0.25).forEach((value, n) =>
    assert.ok(Math.abs(value - pose.rotations[n]) < 1e-6),
  );
  assert.ok(Math.abs(pose.hips[2] - 0.25) < 1e-6);
  assert.deepEqual([...motion.pose(7).hips], [0, 1, 1]);
});

test("a word is found while it is spoken", () => {
  const words = [
    { start: 1, end: 2 },
    { start: 2, end: 2.5 },
    { start: 4, end: 5 },
  ];
  assert.deepEqual(
    [0, 1, 1.9, 2, 3, 4.5, 9].map((t) => wordAt(words, t)),
    [-1, 0, 0, 1, -1, 2, -1],
  );
});

test("a motion of the upper body stands on its feet, which do not move", () => {
  const bones = [
    "hips",
    "spine",
    "leftUpperArm",
    "leftLowerArm",
    "leftHand",
    "rightUpperArm",
    "rightLowerArm",
    "rightHand",
  ];
  const rest = [
    [0, 0.886, 0],
    [0, 1.18, 0],
    [0.13, 1.4, 0],
    [0.42, 1.4, 0],
    [0.67, 1.4, 0],
    [-0.13, 1.4, 0],
    [-0.42, 1.4, 0],
    [-0.67, 1.4, 0],
  ];
  const puppet = new Puppet({ bones, rest });
  const still = bones.flatMap(() => [0, 0, 0, 1]);
  const first = puppet.world({ rotations: still, hips: [0, 0.86, 0] });
  const leaning = puppet.world({
    rotations: [...turn([0, 1, 0], 0.2), ...still.slice(4)],
    hips: [0.03, 0.84, 0.02],
  });
  for (const bone of ["leftFoot", "rightFoot"])
    first[bone].place.forEach((value, n) =>
      assert.ok(Math.abs(value - leaning[bone].place[n]) < 0.002),
    );
  assert.ok(Math.abs(leaning.leftHand.place[1] - (1.4 - 0.046)) < 1e-9);
  const length = Math.hypot(
    ...leaning.leftFoot.place.map((v, n) => v - leaning.leftLowerLeg.place[n]),
  );
  const whole = Math.hypot(...puppet.rest.leftFoot.map((v, n) => v - puppet.rest.leftLowerLeg[n]));
  assert.ok(Math.abs(length - whole) < 1e-6, "the shin is as long as before");
});

test("a take's sound is a WAV file, and its peaks are of the loudest", () => {
  const view = new DataView(wav(new Float32Array([0, 0.5, -1]), 16000));
  assert.deepEqual([view.getUint32(24, true), view.getUint32(40, true)], [16000, 6]);
  assert.deepEqual(
    [44, 46, 48].map((at) => view.getInt16(at, true)),
    [0, 16384, -32767],
  );
  const samples = new Float32Array(800).fill(0.1).fill(0.4, 400, 500);
  const { wave, waveSeconds } = waveOf(samples, 10000);
  assert.deepEqual([wave.length, waveSeconds], [4, 0.02]);
  assert.ok(Math.abs(wave[2] - 1) < 1e-6 && Math.abs(wave[0] - 0.25) < 1e-6);
});

test("times are minutes, seconds and tenths", () => {
  assert.deepEqual([0, 59.96, 75.3, 600].map(clockText), ["0:00.0", "0:59.9", "1:15.3", "10:00.0"]);
});
