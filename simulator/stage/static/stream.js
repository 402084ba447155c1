// What the server tells: the whole state first, then events. A connection that is lost comes back with the state as it is.

const NAMES = [
  "placed", "message", "judged", "phone", "text", "heard", "ended",
  "settings", "rule", "score", "traffic", "scenarios", "lesson", "lab", "notice",
];
const AGAIN = 1500; // ms until the next try where the browser makes none by itself

/** Follow `/api/events`: `onState(state)`, `onEvent({event, at, ...})`, and `onConnection(up)`. */
export function follow({ onState, onEvent, onConnection }) {
  let source;
  let timer;

  const open = () => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource("/api/events");
    source.addEventListener("state", (event) => {
      onConnection(true);
      onState(JSON.parse(event.data));
    });
    for (const name of NAMES) {
      source.addEventListener(name, (event) => {
        if (event.data) onEvent({ event: name, ...JSON.parse(event.data) });
      });
    }
    source.onerror = () => {
      onConnection(false);
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN);
    };
  };

  addEventListener("online", open);
  addEventListener("offline", () => onConnection(false));
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
}
