// One connection for all tabs of the stage in a browser, which gives a host no more than six: each tab gets the whole state,
// then what happens.

import { Connection } from "./connection.js";
import { reduced } from "./state.js";

const ports = new Set();
let state = null; // as it is by now; null while there is no connection
let lost = { beat: true }; // told to those who come meanwhile

const connection = new Connection((told) => {
  if (told.state) state = told.state;
  else if (told.event && state) state = reduced(state, told.event);
  else if (told.up === false) [state, lost] = [null, told];
  for (const port of ports) port.postMessage(told);
});

addEventListener("connect", ({ ports: [port] }) => {
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data === "leave") ports.delete(port);
    if (data === "again") connection.open();
  };
  port.postMessage(state ? { state } : lost);
});
