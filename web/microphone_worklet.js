/** Hands the microphone's samples to the page, about 20 ms at a time. */
const SAMPLES = 1024;

class Ear extends AudioWorkletProcessor {
  piece = new Float32Array(SAMPLES);
  length = 0;

  process([[samples]]) {
    if (!samples) return true;
    this.piece.set(samples, this.length);
    this.length += samples.length;
    if (this.length >= SAMPLES) {
      // `frame` is the sample of the context's clock after the last of these.
      this.port.postMessage({ samples: this.piece, frame: currentFrame + samples.length });
      this.piece = new Float32Array(SAMPLES);
      this.length = 0;
    }
    return true;
  }
}

registerProcessor("ear", Ear);
