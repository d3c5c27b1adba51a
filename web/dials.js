/** The dials and gestures of the live panel. */

const DIALS = [
  { name: "temperature", label: "Temperature", most: 1.5, first: 1 },
  { name: "expressiveness", label: "Expressiveness", most: 2, first: 1 },
  { name: "size", label: "Size of gestures", most: 2, first: 1 },
  { name: "idle", label: "Stillness in pauses", most: 1, first: 0 },
];

/**
 * Makes the dials; those that nobody turned stay as the run has them.
 *
 * @param {HTMLElement} element
 * @param {(turned: Record<string, number>) => void} onturn is told of each that is turned
 * @returns {() => Record<string, number>} all that were turned
 */
export function makeDials(element, onturn) {
  const turned = {};
  for (const { name, label, most, first } of DIALS) {
    const dial = document.createElement("label");
    dial.className = "dial";
    const text = Object.assign(document.createElement("span"), { textContent: label });
    const value = Object.assign(document.createElement("output"), { textContent: "as trained" });
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: 0, max: most, step: 0.05, value: first, name });
    input.addEventListener("input", () => {
      turned[name] = Number(input.value);
      value.textContent = turned[name].toFixed(2);
      onturn({ [name]: turned[name] });
    });
    dial.append(text, value, input);
    element.append(dial);
  }
  return () => ({ ...turned });
}

/** Makes a button for each gesture. @param {(name: string) => void} onask */
export function makeGestures(element, names, onask) {
  element.hidden = !names.length;
  element.querySelector(".chips").replaceChildren(
    ...names.map((name) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "chip" });
      button.textContent = name.replaceAll("_", " ");
      button.addEventListener("click", () => onask(name));
      return button;
    }),
  );
}
