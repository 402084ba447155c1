// The sound of a call: what comes by the line is played, what the microphone hears is sent. 16-bit samples, 8000 a second.
//
// Sound is played by buffers in a context of 8 kHz, which every browser lets every page do. The microphone, and the worklet
// that reads it, are for pages at localhost or https only.

const RATE = 8000;
const [AHEAD, FURTHEST] = [0.06, 0.4]; // seconds of sound kept ready; beyond that some is left out

export const microphoneIsAllowed = () => Boolean(window.isSecureContext && navigator.mediaDevices?.getUserMedia);

/** The loudness of samples, 0 to 1, as an ear finds it. */
function loudness(samples) {
  let sum = 0;
  for (const each of samples) sum += each * each;
  const level = Math.sqrt(sum / Math.max(samples.length, 1));
  return level > 0 ? Math.min(1, Math.max(0, 1 + Math.log10(level) / 2.5)) : 0;
}

export class Speaker {
  constructor() {
    this.context = null;
    this.next = 0;
    this.level = 0;
    this.packets = 0;
  }

  /** Browsers let a page sound once its reader did something: call it then. */
  wake() {
    this.context ??= new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.context.resume();
  }

  /** Play what came now. */
  play(data) {
    const heard = new Int16Array(data);
    if (heard.length === 0) return;
    const samples = Float32Array.from(heard, (each) => each / 32768);
    this.level = loudness(samples);
    this.packets += 1;
    const { context } = this;
    if (!context || context.state !== "running") return;
    const now = context.currentTime;
    if (this.next < now + 0.005) this.next = now + AHEAD;
    if (this.next > now + FURTHEST) return;
    const buffer = context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(context.destination);
    source.start(this.next);
    this.next += samples.length / RATE;
  }
}

export class Microphone {
  /** `said` gets 20 ms of samples each time. */
  constructor(said) {
    this.said = said;
    this.state = microphoneIsAllowed() ? "off" : "insecure"; // on, off, insecure, refused
    this.level = 0;
    this.call = ""; // the one that it was opened for last
    this.stream = null;
    this.context = null;
  }

  /** Listen to it; the browser asks the reader first. */
  async open() {
    if (this.state !== "off" && this.state !== "refused") return;
    let stream = null;
    try {
      const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
      stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
      this.close();
      this.stream = stream;
      this.context = new AudioContext();
      await this.context.audioWorklet.addModule("/static/handset-microphone.js");
      if (this.stream !== stream) return; // closed meanwhile
      const reader = new AudioWorkletNode(this.context, "microphone", { numberOfOutputs: 0 });
      reader.port.onmessage = ({ data }) => {
        this.level = loudness(Float32Array.from(data, (each) => each / 32768));
        this.said(data.buffer);
      };
      new MediaStreamAudioSourceNode(this.context, { mediaStream: stream }).connect(reader);
      this.state = "on";
    } catch {
      if (stream && this.stream !== stream) return; // closed meanwhile
      this.close();
      this.state = "refused";
    }
  }

  /** Let go of it, so that the browser shows that nobody listens. */
  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.context?.close();
    this.stream = this.context = null;
    this.level = 0;
    if (this.state === "on") this.state = "off";
  }
}
