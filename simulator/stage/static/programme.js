// The programme: which call is on the stage. One call at a time is shown to its end; of those that come meanwhile the newest
// is next, and what the trainer places comes at once. Pure: time is an argument, in milliseconds.

import { callIdOf, isBehind } from "./scene.js";

const PATIENCE = 4000; // after the last thing that a call did, another one may take the stage

export class Programme {
  /** `begins(call)` is to bring the events of a call that waited: not all of them were told. */
  constructor(pace, begins = () => {}) {
    this.pace = pace;
    this.begins = begins;
    this.call = null; // the one on the stage, as it was placed
    this.begun = 0; // calls that were put on the stage
    this.source = ""; // the run that it is of; "" is this session
    this.leg = ""; // its Call-ID at the caller's side
    this.ended = false;
    this.replayed = false;
    this.taken = this.told = 0; // events of it that are known, and that have begun
    this.due = 0; // events of it that were told before they are known
    this.next = null; // {call, at, count}: a call that waits, when it was placed, and how many of its events were told
    this.passed = 0; // calls that went by while this one was shown
    this.wanted = null; // the id of a call that the trainer placed
    this.seen = new Set(); // its events, as texts: one that was fetched may be told a moment later as well
    this.quiet = 0; // ms since anything was to be shown
  }

  /** The trainer placed this call: it takes the stage as soon as it is there. `placed` is the call with its `at` where it
   * is known by now: others may have come after it. */
  want(id, placed = null) {
    this.wanted = id;
    if (this.next?.call.id === id) this._begin(this.next);
    else if (placed && !this.isOn(id)) this._begin({ call: placed, at: placed.at, count: 0 });
  }

  /** Calls were placed, the newest first, while nothing was heard. */
  missed(calls) {
    this.quiet = 0; // what became of the one that is shown is to be fetched, and has its time
    for (const call of calls.toReversed()) {
      if (call.id === this.wanted) this.want(call.id, call);
      else if (!this.isOn(call.id)) this._waits(call, call.at, 0);
    }
  }

  /** True if the call of this session is on the stage: calls of other runs have the same ids. */
  isOn(id) {
    return this.call?.id === id && this.source === "";
  }

  /** Take an event as it happened. */
  take(event) {
    if (event.event === "placed") this._placed(event);
    else if (event.call && this.isOn(event.call) && !this.replayed) this._push(event);
    else if (event.call && this.next?.call.id === event.call) this.next.count += 1;
  }

  _placed(event) {
    const { call } = event;
    if (this.isOn(call.id)) return;
    if (this._isFree() || this.wanted === call.id) {
      this._put(call, [event]);
    } else this._waits(call, event.at, 1);
  }

  _waits(call, at, count) {
    if (this.next) this.passed += 1;
    this.next = { call, at, count };
  }

  /** Show a call from its beginning. It may still go on (`live`), or be over, of this session or of the run `source`. */
  replay(call, events, { live = false, source = "" } = {}) {
    this._put(call, events, source);
    this.replayed = !live;
  }

  /** How many events of a call are known that are on the stage, or will be. */
  known(id) {
    return this.isOn(id) ? Math.max(this.taken, this.due) : this.next?.call.id === id ? this.next.count : 0;
  }

  /** True where so many events of a call have begun on the stage, or never will. */
  shown(id, count) {
    return this.isOn(id) ? this.told >= count : this.next?.call.id !== id;
  }

  /** Let time go by. Returns the events that began, in order. */
  pass(elapsed) {
    if (this.next && this._isFree()) this._begin(this.next);
    const began = this.pace.pass(elapsed);
    this.told += began.length;
    this.quiet = began.length || !this.pace.done ? 0 : this.quiet + elapsed;
    return began;
  }

  _isFree() {
    if (this.call === null) return true;
    return this.pace.done && !this.pace.paused && (this.ended || this.replayed || this.quiet > PATIENCE);
  }

  /** An event of the call on the stage was told, and comes with those that are being brought. */
  awaits() {
    this.due += 1;
  }

  _begin({ call, at, count }) {
    this._put(call, [{ event: "placed", at, call }]);
    this.due = count;
    this.begins(call);
  }

  _put(call, events, source = "") {
    this.pace.clear();
    if (this.call?.id !== call.id || this.source !== source) { // else its events were brought, and who waits for its end does so still
      this.passed = this.next === null ? 0 : this.passed + (this.next.call.id === call.id ? 0 : 1);
      this.next = null;
    }
    Object.assign(this, { call, source, leg: "", ended: false, replayed: false, taken: 0, told: 0, due: 0, quiet: 0, seen: new Set() });
    this.begun += 1;
    for (const event of events) this._push(event);
  }

  /** Take note of an event of the call on the stage; false where it is known. */
  note(event) {
    const text = JSON.stringify(event);
    if (this.seen.has(text)) return false;
    this.seen.add(text);
    return true;
  }

  _push(event) {
    if (!this.note(event)) return;
    this.taken += 1;
    if (event.event === "message") this.leg ||= callIdOf(event.text);
    this.pace.push(isBehind(this.leg, event) ? { ...event, quick: true } : event);
    if (event.event === "ended") this.ended = true;
  }
}
