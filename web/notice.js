/** Sentences for the person at the page. */

const SHOWN_MILLISECONDS = 7000;
let timer = 0;

/** Shows a sentence for a while. @param {string} text */
export function notice(text) {
  const element = document.getElementById("notice");
  element.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => (element.textContent = ""), SHOWN_MILLISECONDS);
}
