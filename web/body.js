/** The body that comes along: skinned meshes around a person's own bones. */
import {
  Bone,
  BufferAttribute,
  BufferGeometry,
  Group,
  Matrix4,
  MeshStandardMaterial,
  Quaternion,
  Skeleton,
  SkinnedMesh,
  Uint16BufferAttribute,
  Vector3,
} from "./vendor/three_vrm.js";
import { signOf } from "./bones.js";
import { LOWERED, armSide, modelPerson, modelled } from "./figure.js";
import { IDENTITY, slerp, turn } from "./quaternions.js";
import { Skin, carriers } from "./skin.js";
import { meshed } from "./surface.js";

const kept = new Map(); // meshes by the person's measures, which two people may share

/** A person's body in a group of its own, whose axes are those of the motion. */
export class Body {
  /**
   * @param {import("./pose.js").Puppet} puppet
   * @param {{cloth: string, trousers: string, skin: string, leather: string,
   *   hair: string}} colours
   */
  constructor(puppet, colours) {
    this.puppet = puppet;
    this.object = new Group();
    this.carriers = carriers(puppet.all);
    const places = modelled(puppet.rest);
    this.bones = this.carriers.map(({ name, bone, half }) => {
      const object = new Bone();
      object.name = name;
      object.position.set(...places[bone]);
      object.quaternion.set(...bindTurn(bone, half, puppet));
      return object;
    });
    const one = new Vector3(1, 1, 1);
    const inverses = this.bones.map((b) =>
      new Matrix4().compose(b.position, b.quaternion, one).invert(),
    );
    const skeleton = new Skeleton(this.bones, inverses);
    this.object.add(...this.bones);
    this.materials = materials(colours);
    for (const { part, geometry } of geometries(puppet, places, this.carriers)) {
      const mesh = new SkinnedMesh(geometry, this.materials[part.material]);
      mesh.bind(skeleton, new Matrix4());
      mesh.castShadow = mesh.receiveShadow = true;
      mesh.frustumCulled = false;
      this.object.add(mesh);
    }
  }

  /** @param {import("./pose.js").World} world */
  pose(world) {
    this.carriers.forEach(({ bone, half }, index) => {
      const { turn: own, place } = world[bone];
      const parent = this.puppet.parents[bone];
      const turned = half && parent ? slerp(world[parent].turn, own, 0.5) : own;
      this.bones[index].position.set(...place);
      this.bones[index].quaternion.set(...turned);
    });
  }

  /** Frees what the graphics card holds for this person alone. */
  dispose() {
    for (const material of Object.values(this.materials)) material.dispose();
    this.object.removeFromParent();
  }
}

/** Returns how a bone is turned in the modelled pose: arms hang by `LOWERED`. */
function bindTurn(bone, half, puppet) {
  const side = armSide(bone);
  if (!side) return IDENTITY;
  const arm = turn([0, 0, 1], -signOf(side) * LOWERED);
  const above = armSide(puppet.parents[bone]) ? arm : IDENTITY;
  return half ? slerp(above, arm, 0.5) : arm;
}

function geometries(puppet, places, list) {
  const key = JSON.stringify([puppet.rest, puppet.bones, puppet.size]);
  if (!kept.has(key)) {
    const numbers = Object.fromEntries(list.map(({ name }, index) => [name, index]));
    const skin = new Skin(places, puppet.bones, puppet.size);
    kept.set(
      key,
      modelPerson(puppet.rest, puppet.size).map((part) => ({
        part,
        geometry: geometry(part, meshed(part.solid, part), skin, numbers),
      })),
    );
  }
  return kept.get(key);
}

function geometry(part, { positions, normals, indices }, skin, numbers) {
  const count = positions.length / 3;
  const weights = new Float32Array(4 * count);
  const joints = new Uint16Array(4 * count);
  for (let vertex = 0; vertex < count; vertex++) {
    const point = Array.from(positions.subarray(3 * vertex, 3 * vertex + 3));
    const shares = Object.entries(skin.shares(part, point)).sort((a, b) => b[1] - a[1]);
    const sum = shares.slice(0, 4).reduce((total, [, share]) => total + share, 0);
    shares.slice(0, 4).forEach(([name, share], slot) => {
      joints[4 * vertex + slot] = numbers[name];
      weights[4 * vertex + slot] = share / sum;
    });
  }
  const made = new BufferGeometry();
  made.setAttribute("position", new BufferAttribute(positions, 3));
  made.setAttribute("normal", new BufferAttribute(normals, 3));
  made.setAttribute("skinIndex", new Uint16BufferAttribute(joints, 4));
  made.setAttribute("skinWeight", new BufferAttribute(weights, 4));
  made.setIndex(new BufferAttribute(indices, 1));
  return made;
}

function materials({ cloth, trousers, skin, leather, hair }) {
  const matt = (color, roughness) => new MeshStandardMaterial({ color, roughness });
  return {
    cloth: matt(cloth, 0.95),
    trousers: matt(trousers, 0.95),
    skin: matt(skin, 0.65),
    hair: matt(hair, 0.7),
    leather: matt(leather, 0.5),
  };
}
