import assert from "node:assert/strict";
import { test } from "node:test";
import { wholeRest } from "../../web/bones.js";
import { modelPerson, modelled } from "../../web/figure.js";
import { Skin, carriers } from "../../web/skin.js";
import { ball, egg, melt, meshed, taper } from "../../web/surface.js";

const BOX = { low: [-0.2, -0.2, -0.2], high: [0.4, 0.2, 0.2], step: 0.02 };

function edges({ indices }) {
  const seen = new Map();
  for (let face = 0; face < indices.length; face += 3)
    for (let corner = 0; corner < 3; corner++) {
      const [from, to] = [indices[face + corner], indices[face + ((corner + 1) % 3)]];
      seen.set(`${from} ${to}`, (seen.get(`${from} ${to}`) ?? 0) + 1);
    }
  return seen;
}

function volume({ positions, indices }) {
  let sum = 0;
  for (let face = 0; face < indices.length; face += 3) {
    const [a, b, c] = [0, 1, 2].map((n) => positions.subarray(3 * indices[face + n]));
    sum += a[0] * (b[1] * c[2] - b[2] * c[1]);
    sum += a[1] * (b[2] * c[0] - b[0] * c[2]);
    sum += a[2] * (b[0] * c[1] - b[1] * c[0]);
  }
  return sum / 6;
}

test("a taper is as far as the nearest of the balls between its ends", () => {
  const solid = taper([0, 0, 0], [0.3, 0, 0], 0.05, 0.03);
  for (const point of [
    [0.15, 0.09, 0.02],
    [-0.1, 0.03, 0],
    [0.4, -0.05, 0.01],
    [0.1, 0.01, 0],
  ]) {
    let least = Infinity;
    for (let t = 0; t <= 1; t += 1e-4)
      least = Math.min(least, ball([0.3 * t, 0, 0], 0.05 - 0.02 * t)(...point));
    assert.ok(Math.abs(solid(...point) - least) < 1e-6, `${point}: ${solid(...point)} ${least}`);
  }
});

test("a ball becomes a closed mesh of its volume, turned outwards, with its normals", () => {
  const mesh = meshed(ball([0, 0, 0], 0.15), BOX);
  for (let at = 0; at < mesh.positions.length; at += 3) {
    const [point, normal] = [mesh.positions, mesh.normals].map((v) => v.subarray(at, at + 3));
    assert.ok(Math.abs(Math.hypot(...point) - 0.15) < 1e-6);
    point.forEach((value, axis) => assert.ok(Math.abs(value / 0.15 - normal[axis]) < 1e-3));
  }
  const seen = edges(mesh);
  for (const [edge, count] of seen) {
    assert.equal(count, 1);
    assert.ok(seen.has(edge.split(" ").reverse().join(" ")), "an edge has one side alone");
  }
  assert.ok(Math.abs(volume(mesh) / ((4 / 3) * Math.PI * 0.15 ** 3) - 1) < 0.02);
});

test("solids that melt are one surface without a hole", () => {
  const mesh = meshed(melt(0.05, ball([0, 0, 0], 0.12), egg([0.18, 0, 0], [0.1, 0.14, 0.08])), BOX);
  const vertices = mesh.positions.length / 3;
  const faces = mesh.indices.length / 3;
  assert.equal(vertices - edges(mesh).size / 2 + faces, 2);
});

test("the parts of any person's body lie within their boxes", () => {
  for (const size of [0.6, 1, 1.3]) {
    const rest = [
      [0, 0.886, 0],
      [0, 1.18, 0.01],
      [0.133, 1.407, 0.02],
      [0.42, 1.407, 0.02],
    ];
    rest.push(
      [0.68, 1.401, 0.02],
      [-0.129, 1.404, 0.02],
      [-0.425, 1.404, 0.02],
      [-0.654, 1.404, 0.02],
    );
    const arms = ["left", "right"].flatMap((s) =>
      ["UpperArm", "LowerArm", "Hand"].map((b) => s + b),
    );
    const bones = ["hips", "spine", ...arms];
    const scaled = rest.map((place) => place.map((value) => value * size));
    const whole = wholeRest({ bones, rest: scaled });
    assert.ok(Math.abs(whole.size / size - 1) < 0.02);
    for (const { name, solid, low, high } of modelPerson(whole.rest, whole.size))
      for (let u = 0; u <= 1; u += 0.1)
        for (let v = 0; v <= 1; v += 0.1)
          for (const axis of [0, 1, 2])
            for (const wall of [low, high]) {
              const point = [u, v].map((t, n) => {
                const other = (axis + 1 + n) % 3;
                return [other, low[other] + t * (high[other] - low[other])];
              });
              const place = [0, 0, 0];
              place[axis] = wall[axis];
              for (const [other, value] of point) place[other] = value;
              assert.ok(solid(...place) > 0, `${name} is cut at ${place}`);
            }
  }
});

test("every point of a person with fingers is carried, fingertips by the fingers' last bones", () => {
  const places = { hips: [0, 0.886, 0], spine: [0, 1, 0], chest: [0, 1.2, 0] };
  const fingers = { Index: 0.025, Middle: 0.005, Ring: -0.015, Little: -0.033 };
  for (const [side, sign] of Object.entries({ left: 1, right: -1 })) {
    Object.assign(places, {
      [`${side}UpperArm`]: [sign * 0.13, 1.4, 0],
      [`${side}LowerArm`]: [sign * 0.42, 1.4, 0],
      [`${side}Hand`]: [sign * 0.67, 1.4, 0],
    });
    for (const [finger, z] of Object.entries(fingers))
      ["Proximal", "Intermediate", "Distal"].forEach((part, index) => {
        places[side + finger + part] = [sign * (0.76 + 0.035 * index), 1.4, z];
      });
  }
  const bones = Object.keys(places);
  const { rest, size } = wholeRest({ bones, rest: Object.values(places) });
  const skin = new Skin(modelled(rest), bones, size);
  const known = new Set(carriers(Object.keys(rest)).map(({ name }) => name));
  const parts = modelPerson(rest, size);
  for (const part of parts) {
    const { positions } = meshed(part.solid, { ...part, step: part.step * 2 });
    for (let at = 0; at < positions.length; at += 3) {
      const shares = skin.shares(part, Array.from(positions.subarray(at, at + 3)));
      const sum = Object.values(shares).reduce((total, share) => total + share, 0);
      assert.ok(Math.abs(sum - 1) < 1e-6, `${part.name}: ${JSON.stringify(shares)}`);
      for (const [name, share] of Object.entries(shares)) {
        assert.ok(share >= 0 && known.has(name), name);
        // Nothing of one side is carried by the other.
        if (part.side) assert.ok(!/^(left|right)/.test(name) || name.startsWith(part.side));
      }
    }
  }
  const tip = modelled(rest).rightIndexDistal.map(
    (value, axis) => value + 0.4 * (value - modelled(rest).rightIndexIntermediate[axis]),
  );
  const hand = parts.find(({ name, side }) => name === "hand" && side === "right");
  assert.ok(hand.solid(...tip) < 0, "the fingertip is there");
  assert.ok(skin.shares(hand, tip).rightIndexDistal > 0.95);
});
