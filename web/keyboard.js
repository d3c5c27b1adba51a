/** Keys of the page; they do nothing while somebody types or moves a control. */

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

/**
 * Joins the keys with what they do.
 *
 * @param {import("./clock.js").Clock} clock
 * @param {Record<string, () => void>} others what further keys do
 */
export function joinKeyboard(clock, others) {
  const words = () => clock.words ?? [];
  const keys = {
    " ": () => clock.toggle(),
    ArrowLeft: ({ shiftKey }) => (shiftKey ? clock.step(-1) : clock.seek(clock.seconds - 1)),
    ArrowRight: ({ shiftKey }) => (shiftKey ? clock.step(1) : clock.seek(clock.seconds + 1)),
    ArrowUp: () => clock.set({ speed: beside(clock.speed, 1) }),
    ArrowDown: () => clock.set({ speed: beside(clock.speed, -1) }),
    "[": () => toWord(words().findLast(({ start }) => start < clock.seconds - 0.1)),
    "]": () => toWord(words().find(({ start }) => start > clock.seconds)),
    l: () => clock.set({ isLooping: !clock.isLooping }),
    m: () => clock.set({ isMuted: !clock.isMuted }),
    ...others,
  };
  const toWord = (word) => word && clock.seek(word.start + 1e-3);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]"))
      return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || isTaken(event)) return;
    event.preventDefault();
    act(event);
  });
}

/** Says whether the control that has the focus needs the key itself. */
function isTaken({ target, key }) {
  if (/^(TEXTAREA|SELECT)$/.test(target.tagName)) return true;
  if (target.tagName === "INPUT") return target.type !== "file" || key === " ";
  return target.tagName === "BUTTON" && key === " ";
}

function beside(speed, step) {
  const at = SPEEDS.indexOf(speed) + step;
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at))];
}
