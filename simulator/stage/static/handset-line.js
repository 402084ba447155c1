// The line to the phone on the server: what it shows comes as texts, sound as binary messages; both go the other way too.

const [FIRST, LONGEST] = [500, 5000]; // milliseconds until the next try
const WHY = { 4404: "lost.phone", 4503: "lost.many" };

export class Line {
  /** `heard` gets `phone`, `error`, `sound`, and `lost` with the reason, or null once the line is back. */
  constructor(name, heard) {
    this.path = `/api/phones/${encodeURIComponent(name)}`;
    this.heard = heard;
    this.pause = FIRST;
    this.held = false;
    this.socket = null;
    this.timer = null;
    addEventListener("online", () => this._again(0));
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this._again(0); });
    this._open();
  }

  /** Have the phone do something; false where the line is down. */
  tell(told) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(told));
    return true;
  }

  /** Say 20 ms of sound. */
  speak(samples) {
    if (this.socket?.readyState === WebSocket.OPEN && this.socket.bufferedAmount < 8000) this.socket.send(samples);
  }

  /** Take the phone into one's hands, now and whenever the line comes back; or put it down. */
  hold(on) {
    this.held = on;
    this.tell({ do: "hold", on });
  }

  _open() {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${this.path}/line`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      if (this.held) this.tell({ do: "hold", on: true });
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string") {
        this.heard.sound(data);
        return;
      }
      const told = JSON.parse(data);
      if (told.phone) {
        this.pause = FIRST;
        this.heard.lost(null);
        this.heard.phone(told.phone);
      } else if (told.error) this.heard.error(told.error);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.heard.lost(WHY[event.code] ?? "lost");
      if (event.code !== 4404) this._again(this.pause);
      this.pause = Math.min(2 * this.pause, LONGEST);
      if (!WHY[event.code]) this._ask();
    };
  }

  _again(pause) {
    if ((this.socket?.readyState ?? WebSocket.CLOSED) !== WebSocket.CLOSED) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this._open(), pause);
  }

  /** A refused line does not say why: an ordinary request does. */
  async _ask() {
    const got = await fetch(this.path).catch(() => null);
    if (got?.status === 401 || got?.status === 403) this.heard.lost("lost.door");
    else if (got?.status === 404) this.heard.lost("lost.phone");
  }
}
