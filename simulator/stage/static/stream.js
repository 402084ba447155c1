// What the server tells: the whole state first, then events. A connection that is lost comes back with the state as it is.
// All tabs of a browser share one, by a worker; a browser without such workers has one for each.

import { Connection, Watch } from "./connection.js";

const SILENT = 25_000; // ms without a word from the worker, which looks after its own connection sooner

/** Follow the events: `onState(state)`, `onEvent({event, at, ...})`, and `onConnection(up, why)`. */
export function follow({ onState, onEvent, onConnection }) {
  let way = null; // {again, leave}

  const watch = new Watch(() => {
    onConnection(false);
    join();
  }, SILENT);
  const hear = (told) => {
    watch.heard();
    if (told.state) {
      onConnection(true);
      onState(told.state);
    } else if (told.event) onEvent(told.event);
    else if (told.up === false) onConnection(false, told.why);
  };

  const join = () => {
    way?.leave();
    watch.heard();
    way = shared(hear, () => { way = alone(hear); }) ?? alone(hear);
  };

  addEventListener("online", () => way.again());
  addEventListener("offline", () => onConnection(false));
  addEventListener("pagehide", () => {
    watch.stop();
    way.leave();
  });
  addEventListener("pageshow", (event) => { if (event.persisted) join(); });
  join();
}

/** The connection of all tabs; null where there is no such thing. `failed` is called where it turns out so later. */
function shared(hear, failed) {
  let worker;
  try {
    worker = new SharedWorker("/static/stream-worker.js", { type: "module", name: "ringfence" });
  } catch {
    return null;
  }
  const leave = () => {
    worker.onerror = worker.port.onmessage = null;
    worker.port.postMessage("leave");
  };
  worker.onerror = () => {
    leave();
    failed();
  };
  worker.port.onmessage = ({ data }) => hear(data);
  return { again: () => worker.port.postMessage("again"), leave };
}

/** A connection of one's own. */
function alone(hear) {
  const connection = new Connection(hear);
  return { again: () => connection.open(), leave: () => connection.close() };
}
