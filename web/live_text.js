/** What the live panel says. */
import { Refused } from "./client.js";

/** How far the body is behind a voice. */
export function delayText({ fps, delay_seconds: delay }, buffer, heard, seconds) {
  const behind = (heard - seconds).toFixed(2);
  return (
    `${behind} s behind your voice, ${delay.toFixed(2)} s of it the model's; ` +
    `${fps} frames a second, ${buffer.late} late`
  );
}

/** How much motion is there before its sound is heard. */
export function stepText({ fps }, buffer, heard) {
  const ahead = Math.max(0, buffer.seconds - heard).toFixed(1);
  return `in step with the sound; ${ahead} s of motion ahead; ${fps} frames a second`;
}

const BROWSERS = {
  EncodingError: (name) => `${name} holds no sound that can be read`,
  NotAllowedError: () => "The page may not use the microphone",
  NotFoundError: () => "There is no microphone here",
};

/** Returns a sentence for a problem that is known, else nothing. */
export function problemText(problem, name) {
  if (problem instanceof Refused) return problem.message;
  return BROWSERS[problem.name]?.(name) ?? "";
}
