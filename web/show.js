/** What is shown: motions with their people, joined with clock, timeline and stage. */
import { Motion } from "./motion.js";
import { Person } from "./person.js";
import { showClock } from "./transport.js";

export class Show {
  /**
   * @param {{clock: import("./clock.js").Clock, timeline: import("./timeline.js").Timeline,
   *   cast: import("./cast.js").Cast, stage: import("./stage.js").Stage}} parts
   */
  constructor(parts) {
    Object.assign(this, parts);
    this.motions = [];
    this.live = null; // moves its own person while somebody speaks
    this.shown = -1;
    this.clock.addEventListener("seek", () => {
      this.cast.people.forEach((person) => person.settle());
      this.shown = -1;
    });
    this.clock.addEventListener("change", () => (this.shown = -1));
    this.stage.before = (now) => this.#tick(now);
  }

  /**
   * Shows motions, each by a person of its own.
   *
   * @param {import("./motion.js").MotionData[]} data
   */
  load(data) {
    this.motions = data.map((one) => (one instanceof Motion ? one : new Motion(one)));
    const sounds = this.motions.map(({ audio }) => audio).filter((a) => typeof a === "string");
    const length = Math.max(...this.motions.map(({ seconds }) => seconds));
    this.cast.show(
      this.motions.map((motion, index) => {
        const person = new Person(motion.humanoid, motion.name, index);
        person.stand(motion);
        return person;
      }),
    );
    this.clock.load({ length, fps: this.motions[0].fps, sounds: sounds.map(address) });
    this.clock.words = this.motions.find(({ words }) => words.length)?.words ?? [];
    this.timeline.load(speeches(this.motions));
    const player = document.getElementById("player");
    player.hidden = player.inert = false;
    document.getElementById("invitation").hidden = true;
    this.onload?.();
  }

  /** Shows the sound of a recording that is heard live, which cannot be led. */
  preview(track, seconds) {
    this.clock.load({ length: seconds, fps: this.clock.fps, sounds: [] });
    this.timeline.load([{ words: [], beats: [], ...track }]);
    const player = document.getElementById("player");
    player.hidden = false;
    player.inert = true;
  }

  /** Shows the time of what is heard live. */
  follow(seconds) {
    this.clock.seconds = Math.min(Math.max(seconds, 0), this.clock.length);
    showClock(this.clock);
    this.timeline.draw();
  }

  #tick(now) {
    const passed = (now - (this.last ?? now)) / 1000;
    this.last = now;
    if (this.live?.tick(now, passed)) this.stage.changed = true;
    const { clock } = this;
    clock.tick(now);
    const moves = this.cast.people.some(({ character }) => character?.isAlive) && clock.isPlaying;
    if ((clock.seconds === this.shown && !moves) || !this.motions.length) return;
    this.shown = clock.seconds;
    this.motions.forEach((motion, index) =>
      this.cast.people[index]?.pose(motion.pose(clock.seconds), passed),
    );
    this.stage.changed = true;
    showClock(clock);
    this.timeline.draw();
  }
}

/** Returns the motions whose speech differs from that of those before. */
function speeches(motions) {
  const key = ({ audio, words }) => audio ?? JSON.stringify(words);
  const seen = new Set();
  return motions.filter((motion) => {
    if (motion.audio && typeof motion.audio === "object") return false;
    const known = seen.has(key(motion));
    seen.add(key(motion));
    return !known;
  });
}

/** Turns a data: address into one that players can seek in. */
function address(data) {
  if (!data.startsWith("data:")) return data;
  const [head, body] = data.split(",");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: head.slice(5).split(";")[0] }));
}
