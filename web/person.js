/** One person on the stage: the body that comes along or a character, moved by a motion. */
import { Group } from "./vendor/three_vrm.js";
import { Body } from "./body.js";
import { Puppet } from "./pose.js";
import { rotate } from "./quaternions.js";

const LOOKS = 100; // at a motion, to see where it is on the whole
const LOWEST = 0.1; // of the looks have their feet below the floor that is taken

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
    this.ground = new Group(); // brings the motion's own place and facing to the stage's
    this.object.add(this.ground);
    this.puppet = new Puppet(humanoid);
    this.ground.position.y = -this.puppet.floor;
    this.body = new Body(this.puppet, { ...COLOURS[number % COLOURS.length], ...SHARED });
    this.ground.add(this.body.object);
    this.character = null;
  }

  /** Lends the motion to a character, or to the body that comes along when null. */
  become(character) {
    this.character?.dispose();
    this.character = character;
    this.body.object.visible = !character;
    if (character) this.ground.add(character.object);
    if (this.frame) this.pose(this.frame);
  }

  /** Gives its character, if it has one, to somebody else. */
  handTo(person) {
    const { character } = this;
    this.character = null;
    if (character) person.become(character);
  }

  /** @param {import("./pose.js").Frame} frame @param {number} passed seconds since the last */
  pose(frame, passed = 0) {
    this.frame = frame;
    const world = this.puppet.world(frame);
    if (this.character) this.character.pose(world, this.puppet, passed);
    else this.body.pose(world);
    this.head = world.head.place;
  }

  settle() {
    this.puppet.settle();
  }

  /** Stands where a motion is on the whole, feet on the floor, and faces the stage's front. */
  stand(motion) {
    const { x, z, radians, floor } = wholeOf(motion, this.puppet);
    const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
    this.ground.rotation.y = -radians;
    this.ground.position.set(-(x * cos - z * sin), -floor, -(x * sin + z * cos));
  }

  dispose() {
    this.character?.dispose();
    this.body.dispose();
    this.object.removeFromParent();
  }
}

/** Returns the mean place (metres) and facing (radians) of a motion, and the height of its floor. */
function wholeOf(motion, puppet) {
  const step = Math.max(1, Math.floor(motion.frames / LOOKS)) / motion.fps;
  const worlds = [];
  for (let seconds = 0; seconds < motion.seconds; seconds += step)
    worlds.push(puppet.world(motion.pose(seconds)));
  puppet.settle();
  const mean = (value) => worlds.reduce((sum, world) => sum + value(world), 0) / worlds.length;
  const ahead = worlds.map(({ hips }) => rotate(hips.turn, [0, 0, 1]));
  const radians = Math.atan2(sum(ahead, 0), sum(ahead, 2));
  const feet = worlds.map(({ leftFoot, rightFoot }) =>
    Math.min(leftFoot.place[1], rightFoot.place[1]),
  );
  feet.sort((a, b) => a - b);
  const low = feet[Math.floor(feet.length * LOWEST)];
  const sole = Math.min(puppet.rest.leftFoot[1], puppet.rest.rightFoot[1]) - puppet.floor;
  const floor = puppet.hasLegs ? low - sole : puppet.floor;
  return {
    x: mean(({ hips }) => hips.place[0]),
    z: mean(({ hips }) => hips.place[2]),
    radians,
    floor,
  };
}

const sum = (vectors, axis) => vectors.reduce((total, vector) => total + vector[axis], 0);
