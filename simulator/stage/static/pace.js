// The pace: a queue of events, handed out by a clock. Pure: time is an argument, in milliseconds.
//
// slow: each event has its time on the picture; step: each waits to be asked for; real: events keep the gaps they had.

export const PACES = ["slow", "step", "real"];

const LASTS = { placed: 500, message: 900, judged: 2000, phone: 600, text: 900, ended: 700 };
const QUICK = 420; // of messages that only keep a transaction going
const LONGEST_GAP = 1500; // of slow motion: nobody waits for a phone that rings for half a minute
const MOVES = 160; // of a message in real time
const UNASKED = new Set(["placed", "heard", "text"]); // steps that come with the one before them

/** How long an event is on the picture in slow motion. */
export function lasts(event) {
  if (event.quick) return QUICK;
  if (event.event === "message" && /^(SIP\/2\.0 100 |ACK |PRACK )/.test(event.first_line)) return QUICK;
  return LASTS[event.event] ?? 0;
}

/** True if `one` goes before `other`. Both are by their times, which come from the clocks of two processes: the verdict goes
 * after the request that it is on, and before what came of it, whatever these say. */
function before(one, other) {
  if (one.event === "placed" || other.event === "placed") return one.event === "placed";
  if (other.event === "judged") return sideOfVerdict(one) < 0 || (sideOfVerdict(one) === 0 && one.at < other.at);
  if (one.event === "judged") return sideOfVerdict(other) > 0 || (sideOfVerdict(other) === 0 && one.at < other.at);
  return one.at < other.at;
}

/** The place of an event among others. A verdict is on the last request that could be its own: an earlier one was challenged. */
export function placeOf(event, others) {
  const own = event.event === "judged" ? others.findLastIndex((each) => sideOfVerdict(each) < 0) + 1 : 0;
  const place = others.findIndex((each, at) => at >= own && before(event, each));
  return place < 0 ? others.length : place;
}

/** Put an event among those that wait, in its place. */
function insert(queue, event) {
  queue.splice(placeOf(event, queue), 0, event);
}

/** The events in the order in which they are shown. */
export function ordered(events) {
  const queue = [];
  for (const event of events) insert(queue, event);
  return queue;
}

/** -1 for what a verdict comes after, 1 for what it comes before, 0 for what has nothing to do with it. */
function sideOfVerdict({ event, from, first_line: line, text }) {
  if (event !== "message") return 1;
  if (from === "caller" && /^(INVITE|MESSAGE) /.test(line) && !/\r\n(To|t)[ \t]*:[^\r\n]*;tag=/i.test(text)) return -1;
  return from === "proxy" && line.startsWith("SIP/2.0 100 ") ? 0 : 1;
}

export class Pace {
  constructor(mode = "slow") {
    this.mode = mode;
    this.paused = false;
    this.clear();
  }

  /** Forget everything: another call is on. */
  clear() {
    this.queue = [];
    this.event = null; // on the picture now
    this.at = 0; // when that happened, in seconds since 1970
    this.spent = 0; // ms since it began
    this.late = 0; // of these, those that had gone by when the next event came
    this.asked = 0; // steps that were asked for, and are still to be done
    this.stepped = false; // the event on the picture was asked for: it comes to its end even in a pause
  }

  /** Take an event in, in its place. */
  push(event) {
    if (this.queue.length === 0) this.late = this.spent;
    insert(this.queue, event);
  }

  /** Let the next event happen, whatever the pace. */
  step() {
    if (this.mode !== "step") this.paused = true;
    this.asked += 1;
  }

  get waiting() {
    return this.queue.length;
  }

  /** Nothing more is to be shown, and what was shown has come to its end. */
  get done() {
    return this.queue.length === 0 && (this.event === null || this.spent >= this._lasts());
  }

  /** How far the event on the picture has come, 0 to 1. */
  get progress() {
    const whole = this._lasts();
    return this.event === null || whole === 0 ? 1 : Math.min(1, this.spent / whole);
  }

  /** Let `elapsed` ms go by. Returns the events that began, in order. */
  pass(elapsed) {
    const began = [];
    if (!this.paused || this.stepped) this.spent += elapsed;
    while (this.queue.length && this._due(this.queue[0])) {
      const next = this.queue[0];
      this.stepped = this.asked > 0;
      this.spent = this.event && !this.stepped && this.mode !== "step" ? this._over(next) : 0;
      this.at = this._moment(next);
      this.queue.shift();
      if (this.asked && !UNASKED.has(next.event)) this.asked -= 1;
      this.event = next;
      this.late = 0;
      began.push(next);
    }
    if (this.queue.length === 0) this.asked = 0;
    return began;
  }

  _lasts() {
    if (this.event === null) return 0;
    return this.mode === "real" ? Math.min(MOVES, lasts(this.event)) : lasts(this.event);
  }

  /** When the next event happened. The time of a verdict is another process's: it lies between its neighbours'. */
  _moment({ event, at }) {
    return event === "judged" ? Math.max(this.at, Math.min(at, this.queue[1]?.at ?? at)) : at;
  }

  /** The ms that the event on the picture keeps `next` waiting. */
  _until(next) {
    const gap = Math.max(0, (this._moment(next) - this.at) * 1000);
    return this.mode === "real" ? gap : Math.max(lasts(this.event), Math.min(gap, LONGEST_GAP));
  }

  /** The ms by which `next` is overdue. */
  _over(next) {
    return Math.max(0, this.spent - Math.max(this._until(next), this.late));
  }

  _due(next) {
    if (this.asked) return true;
    if (this.paused) return false;
    if (this.event === null) return this.mode !== "step" || UNASKED.has(next.event);
    if (this.mode === "step") return UNASKED.has(next.event) && this.spent >= lasts(this.event);
    return this.spent >= this._until(next);
  }
}
