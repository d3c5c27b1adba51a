/** One person on the stage: the body that comes along or a character, moved by a motion. */
import { Group } from "./vendor/three_vrm.js";
import { Body } from "./body.js";
import { Puppet } from "./pose.js";

const COLOURS = [
  { cloth: "#57739f", trousers: "#454e66", hair: "#3a2c26" },
  { cloth: "#b8654a", trousers: "#5a514c", hair: "#57504c" },
  { cloth: "#5c8a68", trousers: "#4b5850", hair: "#2a2523" },
  { cloth: "#8a6a9c", trousers: "#544b5f", hair: "#6b5138" },
];
const SHARED = { skin: "#d3ab92", leather: "#2b2b30" };

export class Person {
  /**
   * @param {{bones: string[], rest: number[][]}} humanoid of the motion
   * @param {string} name
   * @param {number} number by which the colours are chosen
   */
  constructor(humanoid, name, number) {
    this.name = name;
    this.object = new Group();
    this.puppet = new Puppet(humanoid);
    this.body = new Body(this.puppet, { ...COLOURS[number % COLOURS.length], ...SHARED });
    this.object.add(this.body.object);
    this.character = null;
  }

  /** Lends the motion to a character, or to the body that comes along when null. */
  become(character) {
    this.character?.dispose();
    this.character = character;
    this.body.object.visible = !character;
    if (character) this.object.add(character.object);
  }

  /** Gives its character to somebody else. */
  hand() {
    const { character } = this;
    this.character = null;
    return character;
  }

  /** @param {import("./pose.js").Frame} frame @param {number} passed seconds since the last */
  pose(frame, passed = 0) {
    const world = this.puppet.world(frame);
    if (this.character) this.character.pose(world, this.puppet, passed);
    else this.body.pose(world);
    this.head = world.head.place;
  }

  settle() {
    this.puppet.settle();
  }

  /** Height of the floor under a person's feet, metres. */
  get floor() {
    return this.puppet.floor;
  }

  dispose() {
    this.character?.dispose();
    this.body.dispose();
    this.object.removeFromParent();
  }
}
