// The line to the phone on the server: what it shows comes as texts, sound as binary messages; both go the other way too.

import { Watch } from "./connection.js";

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
    this.watch = new Watch(() => this._lost(this.socket, 0)); // no word came, not even that the line stands
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
    this.watch.heard();
    socket.onopen = () => {
      if (this.held) this.tell({ do: "hold", on: true });
    };
    socket.onmessage = ({ data }) => {
      this.watch.heard();
      if (typeof data !== "string") {
        this.heard.sound(data);
        return;
      }
      const told = JSON.parse(data);
      if (told.phone) {
        this.pause = FIRST;
        this.heard.lost(null);
        this.heard.phone(told.phone);
      } else if (told.error) this.heard.error(told);
    };
    socket.onclose = (event) => this._lost(socket, event.code);
  }

  _lost(socket, code) {
    if (this.socket !== socket) return;
    this.socket = null;
    this.watch.stop();
    socket.close();
    this.heard.lost(WHY[code] ?? "lost");
    if (code !== 4404) this._again(this.pause);
    this.pause = Math.min(2 * this.pause, LONGEST);
    if (!WHY[code]) this._ask();
  }

  _again(pause) {
    if (this.socket) return;
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
