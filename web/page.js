/** The page: its parts, joined. */
import { Cast } from "./cast.js";
import { Clock } from "./clock.js";
import { joinDropping } from "./dropping.js";
import { joinKeyboard } from "./keyboard.js";
import { notice } from "./notice.js";
import { Show } from "./show.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";
import { joinTransport } from "./transport.js";

const $ = (id) => document.getElementById(id);
const SERVERLESS =
  "This page has no server to move the body: run “llavataros serve” and drop the recording there.";

/** Returns what the maker of a page of one file wrote into it. */
function embedded(id) {
  const element = $(id);
  return element ? JSON.parse(element.textContent) : null;
}

function start() {
  const stage = new Stage($("picture"));
  const clock = new Clock();
  const cast = new Cast(stage, $("labels"));
  const show = new Show({ stage, clock, cast, timeline: new Timeline($("timeline"), clock) });
  paint(stage);
  joinTransport(clock);
  const whole = () => {
    cast.set({ isWhole: !cast.isWhole });
    $("frame").textContent = cast.isWhole ? "Upper body" : "Whole body";
  };
  const facing = () => {
    if (cast.people.length < 2) return;
    cast.set({ isFacing: !cast.isFacing });
    $("facing").setAttribute("aria-pressed", String(cast.isFacing));
  };
  show.onload = () => ($("facing").hidden = cast.people.length < 2);
  $("frame").addEventListener("click", whole);
  $("facing").addEventListener("click", facing);
  $("open-help").addEventListener("click", () => $("help").showModal());
  const help = () => $("help").showModal();
  joinKeyboard(clock, { f: whole, o: facing, "?": help, i: () => $("interrupt").click() });
  const options = embedded("options") ?? {};
  joinDropping({
    character: (file) => put(file, show),
    recording: (file) => (show.live ? show.live.play(file) : notice(SERVERLESS)),
    motion: (text) => showMotion(text, show),
  });
  $("own-body").addEventListener("click", () => {
    cast.people.forEach((person) => person.become(null));
    $("own-body").hidden = true;
    clock.seek(clock.seconds);
  });
  if (options.title) document.title = $("title").textContent = options.title;
  if (options.subtitle) $("subtitle").textContent = options.subtitle;
  const motions = embedded("motions");
  if (motions) {
    show.load(motions);
    if (options.facing) facing();
  } else openLive(show);
  document.documentElement.dataset.ready = "true";
}

async function openLive(show) {
  const { Live } = await import("./live.js");
  show.live = new Live(show);
}

async function put(file, show) {
  try {
    const { Character } = await import("./character.js");
    for (const person of show.cast.people) person.become(await Character.read(file));
    $("own-body").hidden = false;
    show.clock.seek(show.clock.seconds);
    show.stage.changed = true;
  } catch (problem) {
    notice(problem.isForPeople ? problem.message : `${file.name} cannot be read as a character`);
    if (!problem.isForPeople) console.warn(problem);
  }
}

function showMotion(text, show) {
  try {
    const data = JSON.parse(text);
    show.load(Array.isArray(data) ? data : [data]);
  } catch {
    notice("That file holds no motion that this page knows; “format=json” of the server makes one");
  }
}

/** Gives the stage the colours of the page, and again when day turns to night. */
function paint(stage) {
  const night = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const [backdrop, floor] = [colour("--backdrop"), colour("--floor")];
    stage.paint({ backdrop, floor, isDark: night.matches });
  };
  night.addEventListener("change", apply);
  apply();
}

start();
