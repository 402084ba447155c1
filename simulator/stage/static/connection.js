// The connection to the server's events. It is watched: one that breaks, or over which nothing comes any more, is opened anew,
// and begins with the whole state as it is.

const NAMES = [
  "placed", "message", "judged", "phone", "text", "heard", "ended",
  "settings", "rule", "score", "traffic", "scenarios", "lesson", "lab", "notice",
];
const AGAIN = 1500; // ms until the next try where the browser makes none by itself
const SILENT = 15_000; // ms without a word after which the network is dead, whatever the browser thinks: a beat comes every 5 s
const WHY = { 401: "door", 403: "door", 503: "many" };

/** Calls `silent` once, if `heard` is not called for so many ms. */
export class Watch {
  constructor(silent, ms = SILENT) {
    this.silent = silent;
    this.ms = ms;
  }

  heard() {
    this.stop();
    this.timer = setTimeout(this.silent, this.ms);
  }

  stop() {
    clearTimeout(this.timer);
  }
}

export class Connection {
  /** `hear` gets `{state}`, `{event}`, `{beat}`, and `{up: false}` where the connection is lost, with `why` where that is known. */
  constructor(hear) {
    this.hear = hear;
    this.watch = new Watch(() => {
      hear({ up: false });
      this.open();
    });
    this.open();
  }

  /** Open it, anew. */
  open() {
    clearTimeout(this.timer);
    this.close();
    const source = new EventSource("/api/events");
    this.source = source;
    this.watch.heard();
    const on = (name, tell) => source.addEventListener(name, ({ data }) => {
      if (!data) return;
      this.watch.heard();
      this.hear(tell(JSON.parse(data)));
    });
    on("state", (state) => ({ state }));
    on("beat", () => ({ beat: true }));
    for (const name of NAMES) on(name, (told) => ({ event: { event: name, ...told } }));
    source.onerror = () => {
      this.hear({ up: false });
      if (source.readyState !== EventSource.CLOSED) return;
      this.timer = setTimeout(() => this.open(), AGAIN);
      this._ask();
    };
  }

  close() {
    this.watch.stop();
    this.source?.close();
  }

  /** An EventSource does not say why it was refused: an ordinary request does. */
  async _ask() {
    const { source } = this;
    const asking = new AbortController();
    const got = await fetch("/api/events", { signal: asking.signal }).catch(() => null);
    asking.abort();
    if (WHY[got?.status] && this.source === source) this.hear({ up: false, why: WHY[got.status] });
  }
}
