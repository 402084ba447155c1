// The programme: which call is on the stage. One call at a time is shown to its end; of those that come meanwhile the newest
// is next. Pure: time is an argument, in milliseconds.

import { callIdOf, isBehind } from "./scene.js";

const PATIENCE = 4000; // after the last thing that a call did, another one may take the stage

export class Programme {
  constructor(pace) {
    this.pace = pace;
    this.call = null; // the one on the stage, as it was placed
    this.leg = ""; // its Call-ID at the caller's side
    this.ended = false;
    this.replayed = false;
    this.taken = this.told = 0; // events of it that are known, and that have begun
    this.passed = 0; // calls that went by while another was shown
    this.next = null; // {call, events}
    this.wanted = null; // the id of a call that the trainer placed
    this.quiet = 0; // ms since anything was to be shown
  }

  /** The trainer placed this call: it takes the stage as soon as it is there. */
  want(id) {
    this.wanted = id;
    if (this.next?.call.id === id) this._begin(this.next.call, this.next.events);
  }

  /** Take an event as it happened. Returns true where it belongs to the call on the stage or to the next. */
  take(event) {
    const id = event.event === "placed" ? event.call.id : event.call;
    if (!id) return false;
    if (event.event === "placed") return this._placed(event);
    if (this.call?.id === id && !this.replayed) {
      this._push(event);
      return true;
    }
    if (this.next?.call.id === id) {
      this.next.events.push(event);
      return true;
    }
    return false;
  }

  _placed(event) {
    const { call } = event;
    if (this.call?.id === call.id || this.next?.call.id === call.id) return true;
    if (this._free() || this.wanted === call.id) {
      this._begin(call, [event]);
    } else {
      if (this.next) this.passed += 1;
      this.next = { call, events: [event] };
    }
    return true;
  }

  /** Show a call from its beginning: one that is over, or one that goes on (`live`). */
  replay(call, events, live = false) {
    this._begin(call, events);
    this.replayed = !live;
  }

  /** How many events of a call are known that are on the stage, or will be. */
  known(id) {
    return this.call?.id === id ? this.taken : this.next?.call.id === id ? this.next.events.length : 0;
  }

  /** True where so many events of a call have begun on the stage, or never will. */
  shown(id, count) {
    return this.call?.id === id ? this.told >= count : this.next?.call.id !== id;
  }

  /** Let time go by. Returns the events that began, in order. */
  pass(elapsed) {
    if (this._free() && this.next) this._begin(this.next.call, this.next.events);
    const began = this.pace.pass(elapsed);
    this.told += began.length;
    this.quiet = began.length || !this.pace.done ? 0 : this.quiet + elapsed;
    return began;
  }

  _free() {
    return this.call === null || (this.pace.done && !this.pace.paused && (this.ended || this.replayed || this.quiet > PATIENCE));
  }

  _begin(call, events) {
    this.pace.clear();
    this.call = call;
    this.leg = "";
    this.ended = false;
    this.replayed = false;
    this.taken = this.told = 0;
    this.quiet = 0;
    if (this.next && this.next.call.id !== call.id) this.passed += 1;
    else if (!this.next) this.passed = 0;
    this.next = null;
    this.begun = (this.begun ?? 0) + 1;
    for (const event of events) this._push(event);
  }

  _push(event) {
    this.taken += 1;
    if (event.event === "message") this.leg ||= callIdOf(event.text);
    this.pace.push(isBehind(this.leg, event) ? { ...event, quick: true } : event);
    if (event.event === "ended") this.ended = true;
  }
}
