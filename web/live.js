/** The live panel: speech by microphone or from a recording moves the body as it is heard. */
import { FrameBuffer, Refused } from "./client.js";
import { makeDials, makeGestures } from "./dials.js";
import { delayText, problemText, stepText } from "./live_text.js";
import { notice } from "./notice.js";
import { Person } from "./person.js";
import { turn } from "./quaternions.js";
import { connect } from "./server.js";
import { Microphone, Recording } from "./sound_source.js";
import { keptTake, waveOf } from "./take.js";

const $ = (id) => document.getElementById(id);
const HANGING_RADIANS = 1.25; // of arms of somebody who waits
const VITALS_MILLISECONDS = 400;
const REST_SECONDS = 1.5; // that a body is given to come to rest after a sentence is cut
const INVITATION = "Press “Speak”, or drop a recording here, and see it move.";

export class Live {
  /** @param {import("./show.js").Show} show */
  constructor(show) {
    this.show = show;
    this.takes = [];
    this.run = null;
    $("live").hidden = $("open-live").hidden = false;
    this.dials = makeDials($("dials"), (turned) => this.run?.client.dials(turned));
    $("microphone").addEventListener("click", () => this.speak());
    $("interrupt").addEventListener("click", () => this.#interrupt());
    $("compare").addEventListener("click", () => this.#compare());
    $("speaker").addEventListener("change", () => this.run?.source.isLive && this.#again());
    $("token").addEventListener("change", () => this.look());
    $("token-field").addEventListener("submit", (event) => event.preventDefault());
    $("open-live").addEventListener("click", () => {
      $("live").hidden = !$("live").hidden;
      $("open-live").setAttribute("aria-expanded", String(!$("live").hidden));
    });
    if (matchMedia("(max-width: 640px)").matches) $("open-live").click();
    this.look();
  }

  /** Asks the server what it has, and shows its body at rest. */
  async look() {
    this.#say("connecting …");
    try {
      const client = await connect({});
      client.close();
      const { ready } = client;
      this.ready = ready;
      const chosen = $("speaker").value;
      $("speaker").replaceChildren(...ready.speakers.map((name) => new Option(name, name)));
      if (chosen) $("speaker").value = chosen;
      makeGestures($("gestures"), ready.gestures, (name) => this.run?.client.gesture(name));
      $("token-field").hidden = true;
      if (!this.show.motions.length && !this.run) this.#stand();
      this.#say(`ready; motion comes ${ready.delay_seconds.toFixed(2)} s after its sound`);
    } catch (problem) {
      this.#complain(problem);
    }
  }

  /** Begins to listen to the microphone, or stops. */
  async speak() {
    if (this.run) return this.#finish();
    await this.#start((context) => Microphone.open(context), "microphone");
  }

  /** Streams a recording. @param {File} file */
  async play(file) {
    if (this.run) this.#drop();
    await this.#start((context) => Recording.open(context, file), file.name.replace(/\.\w+$/, ""));
  }

  /** Moves the person on the stage; says whether there is one to move. */
  tick(now, passed) {
    const { run } = this;
    if (!run?.person) return false;
    const heard = run.source.heard(run.context);
    run.seconds = run.source.isLive ? run.buffer.playing(heard, passed) : heard;
    const frame = run.buffer.at(run.seconds);
    if (frame) run.person.pose(frame, passed);
    if (!run.source.isLive) this.show.follow(heard);
    const isOver = run.isCut && run.isComplete && heard > run.buffer.seconds;
    if (isOver) this.#keep(run);
    else if (now - (run.told ?? 0) > VITALS_MILLISECONDS) {
      run.told = now;
      this.#vitals(run, heard);
    }
    return Boolean(frame);
  }

  async #start(open, name) {
    const context = new AudioContext();
    const run = (this.run = { context, name });
    this.show.clock.pause();
    try {
      await context.resume();
      run.source = await open(context);
      run.speaker = $("speaker").value;
      run.client = await connect({ sampleRate: context.sampleRate, dials: this.dials() });
      if (this.run !== run) return run.client.close();
      this.#listen(run);
    } catch (problem) {
      this.#drop();
      this.#complain(problem, name);
    }
    return undefined;
  }

  #listen(run) {
    const { client, source } = run;
    const { ready } = client;
    run.buffer = new FrameBuffer(ready);
    run.person = this.#stand();
    if (!source.isLive)
      this.show.preview(waveOf(source.samples, source.sound.sampleRate), source.sound.duration);
    client.onframes = (frames) => run.buffer.add(frames);
    client.oninterrupted = (frame) => run.buffer.cut(frame);
    client.onnotice = notice;
    client.onlost = () => this.#say("the connection was lost; trying again …");
    client.onrefused = (refusal) => {
      this.#drop();
      this.#complain(refusal);
    };
    client.onend = () => {
      if (source.isLive) this.#keep(run);
      run.isComplete = true;
    };
    source.onended = () => this.#keep(run);
    source.begin(
      (samples) => client.sendAudio(samples),
      run.buffer,
      () => this.#end(run),
    );
    $("microphone").setAttribute("aria-pressed", "true");
    $("microphone").querySelector("span").textContent = "Stop";
    $("interrupt").disabled = false;
  }

  /** Ends the speech; what was made stays to be played again. */
  #finish() {
    const { run } = this;
    if (!run.client || !run.source.isLive) {
      if (run.buffer?.length) this.#keep(run);
      else this.#drop();
      return;
    }
    run.source.stop();
    this.#end(run);
    this.#say("the last frames come …");
  }

  #end(run) {
    run.isEnded = true;
    run.client.end();
  }

  /** Cuts the sentence: the sound stops and the body comes to rest. */
  #interrupt() {
    const { run } = this;
    if (!run?.buffer) return;
    const { client, source, context } = run;
    if (source.isLive) return client.interrupt();
    const seconds = source.hush();
    run.isCut = true;
    if (run.isEnded) return; // the last frames are there already
    client.interrupt(seconds);
    client.sendAudio(new Float32Array(Math.round(REST_SECONDS * context.sampleRate)));
    this.#end(run);
  }

  #keep(run) {
    if (this.run !== run) return;
    const { source, buffer, context } = run;
    const { bones, rest } = run.client.ready;
    const rate = source.sound?.sampleRate ?? context.sampleRate;
    const name = [run.speaker, run.name].filter(Boolean).join(" · ");
    this.#drop();
    if (!buffer.length) return;
    const samples = source.samples;
    const take = keptTake(name, buffer, { bones, rest }, { samples, rate });
    this.takes.push(Object.assign(take, { recording: source.key, sound: take.audio }));
    this.takes.splice(0, this.takes.length - 2);
    $("compare").disabled = this.takes.length < 2;
    $("compare").setAttribute("aria-pressed", "false");
    this.show.load(this.takes.slice(-1));
  }

  /** Shows the last two takes beside each other, or the last alone. */
  #compare() {
    const both = $("compare").getAttribute("aria-pressed") !== "true";
    $("compare").setAttribute("aria-pressed", String(both));
    const [first, last] = this.takes;
    const isSame = both && last.recording && last.recording === first.recording;
    last.audio = isSame ? { same_as: 0 } : last.sound; // one recording is heard once
    this.show.load(both ? this.takes : this.takes.slice(-1));
  }

  #drop() {
    const { run } = this;
    this.run = null;
    run.source?.stop();
    run.client?.close();
    run.context.close();
    $("microphone").setAttribute("aria-pressed", "false");
    $("microphone").querySelector("span").textContent = "Speak";
    $("interrupt").disabled = true;
    this.#say("");
  }

  async #again() {
    this.#drop();
    await this.speak();
  }

  /** Puts somebody on the stage who waits with hanging arms. */
  #stand() {
    const { show, ready } = this;
    const { bones, rest } = ready;
    const person = new Person({ bones, rest }, "", 0);
    show.motions = [];
    show.cast.show([person]);
    const rotations = bones.flatMap((bone) => {
      const sign = { leftUpperArm: -1, rightUpperArm: 1 }[bone] ?? 0;
      return turn([0, 0, 1], sign * HANGING_RADIANS);
    });
    person.pose({ rotations, hips: rest[bones.indexOf("hips")] });
    show.stage.changed = true;
    $("player").hidden = true;
    $("invitation").textContent = INVITATION;
    $("invitation").hidden = Boolean(this.run);
    return person;
  }

  #vitals({ buffer, source, client, seconds }, heard) {
    const text = source.isLive ? delayText : stepText;
    this.#say(text(client.ready, buffer, heard, seconds));
  }

  #complain(problem, name = "") {
    if (problem.code === "token") $("token-field").hidden = $("live").hidden = false;
    const text = problemText(problem, name);
    if (problem instanceof Refused) this.#say(text);
    else if (!text) console.warn(problem);
    notice(text || `That did not work: ${problem.message}`);
  }

  #say(text) {
    $("vitals").textContent = text;
  }
}
