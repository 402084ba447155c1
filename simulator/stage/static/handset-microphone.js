// Reads the microphone in the browser's audio thread: below 3.4 kHz, 8000 samples a second, 160 at a time.

const RATE = 8000;
const FRAME = 160;
const TAPS = 63;
const CUTOFF = 3400; // Hz

/** A low-pass filter: a sinc under a Hamming window. */
function lowPass() {
  const middle = (TAPS - 1) / 2;
  const taps = Float32Array.from({ length: TAPS }, (_, n) => {
    const x = (2 * CUTOFF * (n - middle)) / sampleRate;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    return sinc * (0.54 - 0.46 * Math.cos((2 * Math.PI * n) / (TAPS - 1)));
  });
  const sum = taps.reduce((total, each) => total + each, 0);
  return taps.map((each) => each / sum);
}

class MicrophoneReader extends AudioWorkletProcessor {
  constructor() {
    super();
    this.taps = lowPass();
    this.past = new Float32Array(TAPS);
    this.place = 0;
    this.phase = 0; // of the next sample, in samples of the microphone
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }

  process([[heard]]) {
    for (const sample of heard ?? []) {
      this.past[this.place] = sample;
      this.place = (this.place + 1) % TAPS;
      this.phase += RATE / sampleRate;
      if (this.phase >= 1) {
        this.phase -= 1;
        this._take();
      }
    }
    return true;
  }

  _take() {
    let sum = 0;
    for (let n = 0; n < TAPS; n += 1) sum += this.taps[n] * this.past[(this.place + n) % TAPS];
    this.frame[this.filled] = Math.max(-32768, Math.min(32767, Math.round(sum * 32767)));
    this.filled += 1;
    if (this.filled === FRAME) {
      this.port.postMessage(this.frame.slice());
      this.filled = 0;
    }
  }
}

registerProcessor("microphone", MicrophoneReader);
