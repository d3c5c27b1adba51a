/** Somebody's own character, a .glb or .vrm, moved by the pose of a person. */
import {
  Box3,
  GLTFLoader,
  Group,
  Quaternion,
  VRMLoaderPlugin,
  VRMUtils,
  Vector3,
} from "./vendor/three_vrm.js";
import { ancestor } from "./bones.js";
import { findHumanoid, readTables } from "./names.js";
import { IDENTITY, conjugate, multiply, subtract } from "./quaternions.js";
import { retarget, tPose } from "./retarget.js";

const USUAL_METRES = { least: 0.3, most: 4, made: 1.7 };

/** What is wrong with a file, in a sentence for the person at the page. */
export class CharacterError extends Error {
  isForPeople = true;
}

export class Character {
  /**
   * Reads a file.
   *
   * @param {File} file
   * @returns {Promise<Character>}
   * @throws {CharacterError} when it is no character
   */
  static async read(file) {
    const loader = new GLTFLoader();
    loader.register((parser) => new VRMLoaderPlugin(parser));
    let gltf;
    try {
      gltf = await loader.parseAsync(await file.arrayBuffer(), "");
    } catch (problem) {
      throw new CharacterError(`${file.name} is no GLB file that can be read: ${problem.message}`);
    }
    const { vrm } = gltf.userData;
    if (vrm) return new Character(new Vrm(vrm), vrm.scene);
    return new Character(new Rigged(gltf.scene, await readTables(), file.name), gltf.scene);
  }

  constructor(rig, scene) {
    this.rig = rig;
    this.isAlive = rig.isAlive; // moves on its own, as hair does
    this.object = new Group();
    this.object.add(scene);
    scene.traverse((part) => {
      part.frustumCulled = false;
      if (part.isMesh) part.castShadow = part.receiveShadow = true;
    });
    const size = new Box3().setFromObject(scene).getSize(new Vector3());
    const { least, most, made } = USUAL_METRES;
    if (size.y && (size.y < least || size.y > most)) this.object.scale.setScalar(made / size.y);
  }

  /**
   * @param {import("./pose.js").World} world
   * @param {import("./pose.js").Puppet} puppet whose pose it is
   * @param {number} passed seconds since the last pose
   */
  pose(world, puppet, passed) {
    const moved = subtract(world.hips.place, puppet.rest.hips);
    const height = puppet.rest.hips[1] - puppet.floor;
    this.rig.pose(
      world,
      moved.map((metres) => metres / height),
      passed,
    );
    this.object.position.y = puppet.floor;
  }

  dispose() {
    VRMUtils.deepDispose(this.object);
    this.object.removeFromParent();
  }
}

/** A VRM, which has its T-pose and its bones' names from its maker. */
class Vrm {
  isAlive = true;

  constructor(vrm) {
    this.vrm = vrm;
    VRMUtils.rotateVRM0(vrm);
    this.sign = vrm.meta?.metaVersion === "0" ? -1 : 1; // VRM 0 faces -z
    this.rest = vrm.humanoid.normalizedRestPose.hips.position;
  }

  pose(world, moved, passed) {
    const { humanoid } = this.vrm;
    const has = (bone) => bone in world && humanoid.getNormalizedBoneNode(bone);
    for (const bone of Object.keys(world)) {
      const node = humanoid.getNormalizedBoneNode(bone);
      if (!node) continue;
      const parent = ancestor(bone, has);
      const above = parent ? world[parent].turn : IDENTITY;
      const [x, y, z, w] = multiply(conjugate(above), world[bone].turn);
      node.quaternion.set(this.sign * x, y, this.sign * z, w);
    }
    const [x, y, z] = moved.map(
      (share, axis) => this.rest[axis] + share * this.rest[1] * (axis === 1 ? 1 : this.sign),
    );
    humanoid.getNormalizedBoneNode("hips").position.set(x, y, z);
    this.vrm.update(passed);
  }
}

/** A rig whose bones are known by their names. */
class Rigged {
  isAlive = false;

  constructor(scene, tables, name) {
    scene.updateMatrixWorld(true);
    this.nodes = nodesOf(scene);
    const index = new Map(this.nodes.map((node, number) => [node, number]));
    const parents = this.nodes.map((node) => index.get(node.parent) ?? -1);
    const names = this.nodes.map((node) => node.userData.name ?? node.name);
    const { found, missing } = findHumanoid(names, parents, tables);
    if (missing.length) throw new CharacterError(complaint(name, missing, names));
    const places = this.nodes.map((node) => node.getWorldPosition(new Vector3()).toArray());
    const turns = this.nodes.map((node) => node.getWorldQuaternion(new Quaternion()).toArray());
    this.data = { places, turns, parents, humanoid: found };
    const upright = tPose(this.data);
    this.upright = upright.turns;
    this.hips = this.nodes[found.hips];
    this.rest = upright.places[found.hips];
    const feet = ["leftFoot", "rightFoot", "leftToes", "rightToes"].filter((bone) => bone in found);
    const low = feet.map((bone) => upright.places[found[bone]][1]);
    this.height = this.rest[1] - Math.min(...low, new Box3().setFromObject(scene).min.y);
  }

  pose(world, moved) {
    const turns = retarget(this.data, this.upright, (bone) => world[bone]?.turn ?? null);
    turns.forEach((turn, index) => this.nodes[index].quaternion.set(...turn));
    const place = new Vector3(
      ...this.rest.map((metres, axis) => metres + moved[axis] * this.height),
    );
    this.hips.parent.updateWorldMatrix(true, false);
    const { scene } = this;
    this.hips.position.copy(this.#local(place, scene));
  }

  /** Takes a place of the file's own world into the frame of the hips' parent. */
  #local(place) {
    const chain = [];
    for (let node = this.hips.parent; node && this.nodes.includes(node); node = node.parent)
      chain.push(node);
    return chain.reverse().reduce((at, node) => {
      node.updateMatrix();
      return at.applyMatrix4(node.matrix.clone().invert());
    }, place);
  }
}

function nodesOf(scene) {
  const nodes = [];
  scene.traverse((node) => nodes.push(node));
  return nodes;
}

function complaint(file, missing, names) {
  const shown = names.filter(Boolean).slice(0, 8).join(", ") || "none";
  return `${file} has no joint that is known to be ${missing.join(", ")}, but ${shown}…; name its joints as VRM, Mixamo or Unreal do`;
}
