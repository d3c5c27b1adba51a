/** The time of the player: of the sound where there is any, else of the computer. */

const FAR_SECONDS = 0.15; // from the sound, beyond which the time jumps to it
const APART_SECONDS = 0.06; // by which two sounds may differ before one is moved
const NUDGE = 0.08; // share of a smaller difference that is taken back at each picture

export class Clock extends EventTarget {
  constructor() {
    super();
    this.seconds = 0;
    this.length = 0;
    this.fps = 30;
    this.speed = 1;
    this.isPlaying = false;
    this.isLooping = false;
    this.isMuted = false;
    this.sounds = [];
  }

  /**
   * Takes what is to be played, from its beginning.
   *
   * @param {{length: number, fps: number, sounds: string[]}} show seconds, frames per second and
   *   addresses of sounds that begin together
   */
  load({ length, fps, sounds }) {
    this.pause();
    this.sounds.forEach((sound) => sound.removeAttribute("src"));
    this.sounds = sounds.map((address) => {
      const sound = new Audio(address);
      sound.preload = "auto";
      return sound;
    });
    Object.assign(this, { length, fps });
    this.#apply();
    this.seek(0);
  }

  play() {
    if (!this.length || this.isPlaying) return;
    if (this.seconds >= this.length - 0.5 / this.fps) this.seek(0);
    this.isPlaying = true;
    this.#start();
    this.#tell();
  }

  pause() {
    this.isPlaying = false;
    this.sounds.forEach((sound) => sound.pause());
    this.#tell();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  /** Goes to a time in seconds. */
  seek(seconds) {
    this.seconds = Math.min(Math.max(seconds, 0), this.length);
    this.sounds.forEach((sound) => (sound.currentTime = this.seconds));
    if (this.isPlaying) this.#start();
    this.dispatchEvent(new Event("seek"));
    this.#tell();
  }

  /** Goes on by frames, and stops there. */
  step(frames) {
    this.pause();
    this.seek((Math.round(this.seconds * this.fps) + frames) / this.fps);
  }

  set(values) {
    Object.assign(this, values);
    this.#apply();
    this.#tell();
  }

  /** Goes on to the time of a picture. @param {number} now milliseconds @returns whether it moved */
  tick(now) {
    const passed = Math.min((now - (this.last ?? now)) / 1000, 0.25);
    this.last = now;
    if (!this.isPlaying) return false;
    this.seconds += passed * this.speed;
    const [lead, ...others] = this.sounds.filter((sound) => !sound.paused && !sound.ended);
    if (lead && lead.readyState > 1) {
      const error = lead.currentTime - this.seconds;
      this.seconds += Math.abs(error) > FAR_SECONDS ? error : error * NUDGE;
      for (const other of others)
        if (Math.abs(other.currentTime - lead.currentTime) > APART_SECONDS)
          other.currentTime = lead.currentTime;
    }
    if (this.seconds >= this.length) {
      if (this.isLooping) this.seek(0);
      else {
        this.seconds = this.length;
        this.pause();
      }
    }
    return true;
  }

  #start() {
    for (const sound of this.sounds)
      if (this.seconds < (sound.duration || Infinity)) sound.play().catch(() => {});
  }

  #apply() {
    for (const sound of this.sounds) {
      sound.playbackRate = this.speed;
      sound.muted = this.isMuted;
    }
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
