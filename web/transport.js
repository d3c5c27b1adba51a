/** The buttons below the timeline, and what they show of the clock. */

const $ = (id) => document.getElementById(id);

/** Joins the buttons with the clock. @param {import("./clock.js").Clock} clock */
export function joinTransport(clock) {
  $("play").addEventListener("click", () => clock.toggle());
  $("back").addEventListener("click", () => clock.step(-1));
  $("forward").addEventListener("click", () => clock.step(1));
  $("loop").addEventListener("click", () => clock.set({ isLooping: !clock.isLooping }));
  $("mute").addEventListener("click", () => clock.set({ isMuted: !clock.isMuted }));
  $("speed").addEventListener("change", ({ target }) => clock.set({ speed: Number(target.value) }));
  $("position").addEventListener("input", ({ target }) => clock.seek(Number(target.value)));
  clock.addEventListener("change", () => showClock(clock));
}

/** Shows the clock's time and state. */
export function showClock(clock) {
  const { seconds, length, isPlaying } = clock;
  $("player").classList.toggle("playing", isPlaying);
  $("play").setAttribute("aria-label", isPlaying ? "Pause" : "Play");
  $("loop").setAttribute("aria-pressed", String(clock.isLooping));
  $("mute").setAttribute("aria-pressed", String(clock.isMuted));
  $("speed").value = String(clock.speed);
  const position = $("position");
  position.max = String(length);
  position.value = String(seconds);
  position.setAttribute("aria-valuetext", `${clockText(seconds)} of ${clockText(length)}`);
  $("time").textContent = clockText(seconds);
  $("length").textContent = `/ ${clockText(length)}`;
}

/** Writes seconds as minutes and seconds. */
export function clockText(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const [minutes, rest] = [Math.floor(tenths / 600), tenths % 600];
  return `${minutes}:${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
}
