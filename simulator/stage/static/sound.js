// Sound: the phone on the stage rings in the browser, and recordings of what was heard are played. One key mutes both.

import { keep, kept } from "./memory.js";

const KEY = "muted";
const VOLUME = 0.12;
const [RING, PAUSE] = [1, 4]; // seconds, as in China's ringing tone

export class Sound {
  constructor() {
    this.muted = kept(KEY) === "yes";
    this.context = null;
    this.ringing = false;
    this.timer = null;
    this.audio = null;
    const wake = () => this._wake();
    for (const name of ["pointerdown", "keydown"]) addEventListener(name, wake, { once: true });
  }

  /** Browsers let a page sound after its reader did something. */
  _wake() {
    this.context ??= new AudioContext();
    this.context.resume();
    if (this.ringing) this._again();
  }

  mute(muted = !this.muted) {
    this.muted = muted;
    keep(KEY, muted ? "yes" : "no");
    if (muted) this._hush();
    else if (this.ringing) this._again();
    if (this.audio) this.audio.muted = muted;
    return muted;
  }

  /** Ring, or be silent. */
  ring(on) {
    if (on === this.ringing) return;
    this.ringing = on;
    if (on) this._again();
    else this._hush();
  }

  _again() {
    this._hush();
    if (!this.ringing || this.muted || !this.context) return;
    this._burst();
    this.timer = setInterval(() => this._burst(), (RING + PAUSE) * 1000);
  }

  _hush() {
    clearInterval(this.timer);
    this.gain?.disconnect();
    this.gain = null;
  }

  /** Two bells beating against each other, for a second. */
  _burst() {
    const { context } = this;
    const now = context.currentTime;
    this.gain?.disconnect();
    this.gain = new GainNode(context, { gain: 0 });
    this.gain.connect(context.destination);
    this.gain.gain.setTargetAtTime(VOLUME, now, 0.01);
    this.gain.gain.setTargetAtTime(0, now + RING, 0.04);
    const beat = new OscillatorNode(context, { type: "square", frequency: 18 });
    const depth = new GainNode(context, { gain: 0.5 });
    const voice = new GainNode(context, { gain: 0.5 });
    beat.connect(depth).connect(voice.gain);
    for (const frequency of [784, 988]) {
      const bell = new OscillatorNode(context, { type: "triangle", frequency });
      bell.connect(voice);
      bell.start(now);
      bell.stop(now + RING + 0.3);
    }
    voice.connect(this.gain);
    beat.start(now);
    beat.stop(now + RING + 0.3);
  }

  /** Play a recording of this server's. */
  play(url) {
    const from = new URL(url, location.href);
    if (from.origin !== location.origin) return;
    this.audio?.pause();
    this.audio = new Audio(from.href);
    this.audio.muted = this.muted;
    this.audio.play().catch(() => {});
  }
}
