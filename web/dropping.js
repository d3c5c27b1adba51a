/** Files that are dropped onto the page or chosen by a button. */
import { notice } from "./notice.js";

/**
 * Hands files to what knows them.
 *
 * @param {{character: (file: File) => void, recording: (file: File) => void,
 *   motion: (data: object) => void}} takers
 */
export function joinDropping(takers) {
  const take = (file) => takeFile(file, takers);
  const { body } = document;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    body.classList.add("dropping");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    body.classList.remove("dropping");
    Array.from(event.dataTransfer.files).forEach(take);
  });
  for (const id of ["character", "recording"])
    document.getElementById(id).addEventListener("change", ({ target }) => {
      Array.from(target.files).forEach(take);
      target.value = "";
    });
}

async function takeFile(file, takers) {
  const suffix = file.name.split(".").at(-1).toLowerCase();
  if (suffix === "glb" || suffix === "vrm") return takers.character(file);
  if (/^(audio|video)\//.test(file.type)) return takers.recording(file);
  if (suffix === "json") return takers.motion(await file.text());
  return notice(`${file.name} is neither a character (.glb, .vrm) nor a recording`);
}
