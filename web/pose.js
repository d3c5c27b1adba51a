/**
 * One frame of a motion as rotations and places of a whole person.
 *
 * @typedef {{rotations: ArrayLike<number>, hips: ArrayLike<number>}} Frame VRM-normalised rotations
 *   (bones x 4, xyzw) of a motion's bones, and the place of the hips in metres
 * @typedef {Record<string, {turn: number[], place: number[]}>} World of each bone: rotation
 *   relative to the T-pose, and place in metres, both in the world
 */
import { PARENTS, SIDES, signOf, wholeRest } from "./bones.js";
import { bentLeg } from "./legs.js";
import { IDENTITY, add, multiply, rotate, slerp, subtract } from "./quaternions.js";

const UPRIGHT = 0.5; // of the chest's lean is taken back by neck and head, where a motion has none
const STANCE_METRES = 0.22; // beyond which the feet follow the hips

/** A person's bones, and their pose of each frame. */
export class Puppet {
  /** @param {{bones: string[], rest: number[][]}} humanoid of the motion */
  constructor(humanoid) {
    Object.assign(this, wholeRest(humanoid));
    this.bones = humanoid.bones;
    this.index = Object.fromEntries(humanoid.bones.map((bone, index) => [bone, index]));
    this.all = Object.keys(PARENTS).filter((bone) => bone in this.rest);
    this.parents = Object.fromEntries(this.all.map((bone) => [bone, this.#parent(bone)]));
    this.hasLegs = "leftUpperLeg" in this.index && "rightUpperLeg" in this.index;
    this.hasHead = "head" in this.index || "neck" in this.index;
    this.standing = null;
  }

  #parent(bone) {
    let parent = PARENTS[bone];
    while (parent && !(parent in this.rest)) parent = PARENTS[parent];
    return parent;
  }

  /** Lets the feet find new places, as after a jump to another time. */
  settle() {
    this.standing = null;
  }

  /** @param {Frame} frame @returns {World} */
  world(frame) {
    const world = {};
    for (const bone of this.all) {
      const parent = this.parents[bone];
      const own = this.#own(bone, frame);
      if (!parent) {
        world[bone] = { turn: own, place: Array.from(frame.hips) };
        continue;
      }
      const { turn, place } = world[parent];
      const offset = subtract(this.rest[bone], this.rest[parent]);
      world[bone] = { turn: multiply(turn, own), place: add(place, rotate(turn, offset)) };
      if (!this.hasHead && (bone === "neck" || bone === "head"))
        world[bone].turn = slerp(world[bone].turn, facing(world.hips.turn), UPRIGHT / 2);
    }
    if (!this.hasLegs) this.#stand(world);
    return world;
  }

  #own(bone, frame) {
    const at = this.index[bone];
    return at === undefined ? IDENTITY : Array.from(frame.rotations).slice(4 * at, 4 * at + 4);
  }

  /** Puts both feet on the floor beneath the hips, where they stay until the hips are far. */
  #stand(world) {
    const { place } = world.hips;
    const here = { place: [...place], turn: facing(world.hips.turn) };
    const away = this.standing && subtract(place, this.standing.place);
    if (!away || Math.hypot(away[0], away[2]) > 4 * STANCE_METRES * this.size) this.standing = here;
    else this.#follow(away, here.turn);
    const { place: ground, turn } = this.standing;
    for (const side of SIDES) {
      const [hip, knee, ankle] = ["UpperLeg", "LowerLeg", "Foot"].map((b) => this.rest[side + b]);
      const base = [this.rest.hips[0], 0, this.rest.hips[2]];
      const foot = add([ground[0], 0, ground[2]], rotate(turn, subtract(ankle, base)));
      const start = world[`${side}UpperLeg`].place;
      const forward = rotate(turn, [0.12 * signOf(side), 0, 1]);
      const bent = bentLeg({ hip, knee, ankle }, { hip: start, ankle: foot, forward });
      world[`${side}UpperLeg`].turn = bent.upper;
      const kneePlace = add(start, rotate(bent.upper, subtract(knee, hip)));
      world[`${side}LowerLeg`] = { turn: bent.lower, place: kneePlace };
      world[`${side}Foot`] = { turn, place: bent.ankle };
      const toes = subtract(this.rest[`${side}Toes`], ankle);
      world[`${side}Toes`] = { turn, place: add(bent.ankle, rotate(turn, toes)) };
    }
  }

  /** Draws the feet along, softly, when the hips leave their stance. */
  #follow(away, turn) {
    const far = Math.hypot(away[0], away[2]) / (STANCE_METRES * this.size);
    const share = Math.min(1, Math.max(0, far - 0.5)) * 0.1;
    this.standing.place = add(
      this.standing.place,
      away.map((value) => value * share),
    );
    this.standing.turn = slerp(this.standing.turn, turn, 0.01 + share);
  }
}

/** Returns the part of a rotation that is about the vertical. */
function facing([, y, , w]) {
  const length = Math.hypot(y, w);
  return length < 1e-6 ? IDENTITY : [0, y / length, 0, w / length];
}
