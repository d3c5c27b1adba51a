/**
 * Which joint of a character is which bone of VRM, by the names in `names.json`: the convention
 * that knows most of them goes first, the others fill in; the trunk is counted from the hips up.
 */
import { PARENTS, SIDES } from "./bones.js";

const NEEDED = ["hips", "spine", ...SIDES.flatMap((s) => [`${s}UpperArm`, `${s}LowerArm`])];
const SIDE = /^(left|right)[\W_]*|^([lr])[\W_]+|[\W_]+([lr])$|[\W_]*(left|right)$/i;
const MARKS = /[^\p{L}\p{N}]/gu;

/**
 * @typedef {{prefixes: string[], suffixes: string[],
 *   conventions: Record<string, Record<string, string[]>>}} Tables
 */

/** Returns the tables, from the page itself or from beside it. @returns {Promise<Tables>} */
export async function readTables() {
  const element = document.getElementById("names");
  if (element) return JSON.parse(element.textContent);
  const answer = await fetch(new URL("./names.json", document.baseURI));
  if (!answer.ok) throw new Error(`names.json: ${answer.status}`);
  return answer.json();
}

/**
 * Finds bones among joints.
 *
 * @param {string[]} names
 * @param {number[]} parents of each joint, -1 where there is none
 * @param {Tables} tables
 * @returns {{found: Record<string, number>, missing: string[]}} joint of each bone, and what is
 *   needed but not there
 */
export function findHumanoid(names, parents, tables) {
  const spelt = names.map((name) => readings(name, tables));
  const offers = Object.values(tables.conventions).map((table) =>
    Object.entries(table).flatMap(([bone, wanted]) => {
      const keys = new Set(wanted.flatMap((name) => [...readings(name, tables)]));
      return spelt.flatMap((has, joint) =>
        [...has].some((key) => keys.has(key)) ? [[bone, joint]] : [],
      );
    }),
  );
  offers.sort((a, b) => known(b) - known(a));
  const found = {};
  const fits = (bone, joint) =>
    !Object.values(found).includes(joint) &&
    Object.entries(found).every(([other, taken]) => {
      if (isAbove(other, bone) && !above(joint, parents).includes(taken)) return false;
      return !(isAbove(bone, other) && !above(taken, parents).includes(joint));
    });
  for (const offer of offers)
    for (const [bone, joint] of offer)
      if (!(bone in found) && fits(bone, joint)) found[bone] = joint;
  countTrunk(found, parents);
  return { found, missing: NEEDED.filter((bone) => !(bone in found)) };
}

const known = (offer) => new Set(offer.map(([bone]) => bone)).size;

/** Returns a name without prefix, case and punctuation, as it is and with its side in front. */
function readings(name, { prefixes, suffixes }) {
  let text = name.normalize("NFKC").split(/[:|]/).at(-1);
  for (const prefix of prefixes)
    if (text.toLowerCase().startsWith(prefix.toLowerCase()))
      text = text.slice(prefix.length).replace(/^\d+/, "");
  for (const suffix of suffixes)
    if (text.toLowerCase().endsWith(suffix)) text = text.slice(0, -suffix.length);
  const side = text.match(SIDE)?.slice(1).find(Boolean)?.[0].toLowerCase();
  const plain = text.replace(MARKS, "").toLowerCase();
  const rest = text.replace(SIDE, "").replace(MARKS, "").toLowerCase();
  return new Set(side && rest ? [plain, `${side} ${rest}`] : [plain]);
}

function isAbove(bone, other) {
  for (let at = PARENTS[other]; at; at = PARENTS[at]) if (at === bone) return true;
  return false;
}

/** Lists the ancestors of a joint, the nearest first. */
export function above(joint, parents) {
  const chain = [];
  for (let at = parents[joint]; at >= 0; at = parents[at]) chain.push(at);
  return chain;
}

function countTrunk(found, parents) {
  const ends = SIDES.map((side) => found[`${side}UpperArm`]);
  if (found.hips === undefined || ends.includes(undefined)) return;
  const [left, right] = ends.map((joint) => above(joint, parents));
  const shared = left.filter((joint) => right.includes(joint));
  const end = shared.indexOf(found.hips);
  if (end < 0) return;
  const others = [found.neck, found.head];
  const trunk = shared
    .slice(0, end)
    .reverse()
    .filter((joint) => !others.includes(joint));
  for (const bone of ["spine", "chest", "upperChest"]) delete found[bone];
  if (trunk.length) found.spine = trunk[0];
  if (trunk.length > 1) found.chest = trunk[trunk.length < 3 ? 1 : (trunk.length - 1) >> 1];
  if (trunk.length > 2) found.upperChest = trunk.at(-1);
}
