/** The sound below the stage: waveform, words and beats, with the time that is shown. */
import { wordAt } from "./motion.js";

const PIXELS_PER_SECOND = { least: 18, first: 96, most: 480 };
const AHEAD = 0.38; // share of the strip that lies before the time shown
const WAVE_PIXELS = 44;

export class Timeline {
  /**
   * @param {HTMLElement} element that holds a canvas and a list of words
   * @param {import("./clock.js").Clock} clock
   */
  constructor(element, clock) {
    this.element = element;
    this.canvas = element.querySelector("canvas");
    this.list = element.querySelector("[data-words]");
    this.clock = clock;
    this.tracks = [];
    this.scale = PIXELS_PER_SECOND.first;
    this.#listen();
    new ResizeObserver(() => this.draw()).observe(element);
  }

  /**
   * Shows the speech of motions, one row for each that differs.
   *
   * @param {import("./motion.js").Motion[]} tracks
   */
  load(tracks) {
    this.tracks = tracks.slice(0, 2);
    this.element.dataset.rows = String(Math.max(1, this.tracks.length));
    this.scale = PIXELS_PER_SECOND.first;
    this.list.replaceChildren();
    this.buttons = new Map();
    this.draw();
  }

  #listen() {
    const { canvas, clock } = this;
    const seek = (event) => clock.seek(this.start + event.offsetX / this.#pixels());
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.held = true;
      seek(event);
    });
    canvas.addEventListener("pointermove", (event) => this.held && seek(event));
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, () => {
        this.held = false;
        this.draw();
      });
    const zoom = (event) => {
      event.preventDefault();
      const { least, most } = PIXELS_PER_SECOND;
      this.scale = Math.min(most, Math.max(least, this.#pixels() * Math.exp(-event.deltaY / 500)));
      this.draw();
    };
    this.element.addEventListener("wheel", zoom, { passive: false });
    this.list.addEventListener("click", ({ target }) => {
      const { row, word } = target.dataset;
      if (word) clock.seek(this.tracks[row].words[word].start + 1e-3);
    });
  }

  /** Pixels of a second; a short recording fills the strip. */
  #pixels() {
    return Math.max(this.scale, this.element.clientWidth / (this.clock.length || 1));
  }

  /** Draws the part around the clock's time. */
  draw() {
    const { element, clock, canvas } = this;
    const [wide, tall] = [element.clientWidth, element.clientHeight];
    if (!wide || !tall) return;
    const [ratio, pixels] = [Math.min(devicePixelRatio, 2), this.#pixels()];
    const latest = Math.max(0, clock.length - wide / pixels);
    if (!this.held)
      this.start = Math.min(latest, Math.max(0, clock.seconds - (AHEAD * wide) / pixels));
    if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(tall * ratio)) {
      canvas.width = Math.round(wide * ratio);
      canvas.height = Math.round(tall * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, tall);
    const style = getComputedStyle(element);
    const colour = (name) => style.getPropertyValue(name);
    const rows = Math.max(1, this.tracks.length);
    this.tracks.forEach((track, row) => {
      const box = { top: (row * tall) / rows, wide, pixels };
      this.#wave(pen, track, box, colour);
      this.#beats(pen, track, box, colour);
    });
    const x = (clock.seconds - this.start) * pixels;
    pen.fillStyle = colour("--accent");
    pen.fillRect(x - 1, 0, 2, tall);
    pen.beginPath();
    pen.arc(x, 4, 4, 0, 7);
    pen.fill();
    this.#words(wide, pixels, tall / rows);
  }

  #wave(pen, { wave, waveSeconds }, { top, wide, pixels }, colour) {
    const middle = top + WAVE_PIXELS / 2 + 4;
    const [played, coming] = [colour("--accent"), colour("--wave")];
    for (let x = 0; x < wide; x += 3) {
      const from = this.start + x / pixels;
      const first = Math.floor(from / waveSeconds);
      const last = Math.max(first + 1, Math.floor((from + 3 / pixels) / waveSeconds));
      let peak = 0;
      for (let at = first; at < last && at < wave.length; at++) peak = Math.max(peak, wave[at]);
      if (from > this.clock.length) break;
      const half = Math.max(0.75, (peak * WAVE_PIXELS) / 2);
      pen.fillStyle = from < this.clock.seconds ? played : coming;
      pen.fillRect(x, middle - half, 2, 2 * half);
    }
  }

  #beats(pen, { beats }, { top, wide, pixels }, colour) {
    pen.fillStyle = colour("--beat");
    for (const beat of beats) {
      const x = (beat - this.start) * pixels;
      if (x < 0 || x > wide) continue;
      pen.beginPath();
      pen.arc(x, top + WAVE_PIXELS + 11, 2, 0, 7);
      pen.fill();
    }
  }

  #words(wide, pixels, height) {
    const seen = new Set();
    const { start, clock } = this;
    this.tracks.forEach(({ words }, row) => {
      const lit = wordAt(words, clock.seconds);
      const end = start + wide / pixels;
      words.forEach((word, index) => {
        if (word.end < start || word.start > end) return;
        const key = `${row} ${index}`;
        const button = this.buttons.get(key) ?? this.#button(word, row, index, key);
        seen.add(key);
        const space = (word.end - word.start) * pixels;
        button.style.left = `${(word.start - start) * pixels}px`;
        button.style.top = `${row * height + WAVE_PIXELS + 16}px`;
        button.style.width = `${Math.max(4, space - 2)}px`;
        const letters = Math.min(13, space / (0.6 * word.text.length));
        button.style.fontSize = `${Math.max(letters, 9)}px`;
        button.classList.toggle("narrow", letters < 9);
        if (index === lit) button.setAttribute("aria-current", "true");
        else button.removeAttribute("aria-current");
      });
    });
    for (const [key, button] of this.buttons ?? [])
      if (!seen.has(key)) {
        button.remove();
        this.buttons.delete(key);
      }
  }

  #button(word, row, index, key) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: word.text, tabIndex: -1 });
    Object.assign(button.dataset, { row, word: index });
    button.setAttribute("aria-label", `${word.text}, at ${word.start.toFixed(1)} s`);
    this.buttons.set(key, button);
    this.list.append(button);
    return button;
  }
}
