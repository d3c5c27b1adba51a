/** The people on the stage: where each stands, what is looked at, and their names above them. */

const APART_METRES = 1.15; // between two who stand side by side
const NARROW_METRES = 0.85; // where the picture is higher than wide
const ACROSS_METRES = 1.0; // between two who face each other
const FACING_RADIANS = 1.12; // by which each is turned to the other

export class Cast {
  /** @param {import("./stage.js").Stage} stage @param {HTMLElement} labels */
  constructor(stage, labels) {
    this.stage = stage;
    this.labels = labels;
    this.people = [];
    this.isFacing = false;
    this.isWhole = false;
    stage.after = () => this.#place();
    stage.onresize = () => this.arrange();
  }

  /** Takes people, who get the characters of those who leave. @param {import("./person.js").Person[]} people */
  show(people) {
    this.people.forEach((old, index) => {
      if (people[index]) old.handTo(people[index]);
      old.dispose();
    });
    this.people = people;
    this.labels.replaceChildren(
      ...people.map(({ name }) => {
        const label = document.createElement("span");
        label.textContent = name;
        return label;
      }),
    );
    this.labels.hidden = people.length < 2;
    people.forEach(({ object }) => this.stage.people.add(object));
    this.arrange();
  }

  /** Puts people beside each other, or across from each other. */
  arrange() {
    const count = this.people.length;
    const facing = this.isFacing && count > 1;
    const apart = this.stage.camera.aspect < 1 ? NARROW_METRES : APART_METRES;
    const gap = facing ? ACROSS_METRES : apart;
    this.people.forEach((person, index) => {
      const size = person.puppet.size;
      person.object.position.x = (index - (count - 1) / 2) * gap * size;
      const side = index < count / 2 ? 1 : -1;
      person.object.rotation.y = facing ? side * FACING_RADIANS : 0;
    });
    this.look();
  }

  /** Turns the camera to where all are well seen. */
  look() {
    if (!this.people.length) return;
    const { people, isWhole } = this;
    const size = Math.max(...people.map(({ puppet }) => puppet.size));
    const spread = people.map(({ object }) => object.position.x);
    const half = (people.length > 1 ? 0.5 : 0.48) * size;
    const box = {
      low: [Math.min(...spread) - half, (isWhole ? 0 : 0.78) * size, -0.2 * size],
      high: [Math.max(...spread) + half, (people.length > 1 ? 1.88 : 1.78) * size, 0.25 * size],
    };
    this.stage.frame(box, people.length > 1 ? 0 : 0.32);
  }

  set(values) {
    Object.assign(this, values);
    this.arrange();
  }

  #place() {
    if (this.labels.hidden) return;
    this.people.forEach(({ ground, puppet, head }, index) => {
      const label = this.labels.children[index];
      const place = head ?? puppet.rest.head;
      const turned = [place[0], place[1] + 0.27 * puppet.size, place[2]];
      const { x, y, z } = ground.localToWorld(ground.position.clone().set(...turned));
      const spot = this.stage.project([x, y, z]);
      label.hidden = !spot;
      if (spot)
        label.style.transform = `translate(${spot[0]}px, ${spot[1]}px) translate(-50%, -100%)`;
    });
  }
}
