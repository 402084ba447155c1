// What the page asks of the server.

/** Post JSON. Returns `{ok, status, ...}` with the members of the answer; never throws. */
export async function post(path, body) {
  try {
    const got = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await got.json().catch(() => ({}));
    return { ...said, ok: got.ok, status: got.status };
  } catch {
    return { ok: false, status: 0 };
  }
}

/** Get JSON; null where there is none. */
export async function get(path) {
  try {
    const got = await fetch(path);
    return got.ok ? await got.json() : null;
  } catch {
    return null;
  }
}
