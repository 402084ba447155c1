// The state that the server told of, and what its events make of it. Pure.

const CALLS = 100;
const TEXTS = 20;
const PHONE = ["state", "call", "caller", "display_name", "label"];

export const NOTHING = Object.freeze({
  scenario: "", home: "", softswitch: "", subscribers: [], trunks: [], rules: [], families: [], scenarios: [], calls: [],
  lessons: [], score: {}, traffic: {}, lesson: null, lab: {},
});

const subscriber = (state, name, change) => ({
  ...state,
  subscribers: state.subscribers.map((each) => (each.name === name ? { ...each, ...change(each) } : each)),
});

const call = (state, id, more) => ({
  ...state, calls: state.calls.map((each) => (each.id === id ? { ...each, ...more } : each)),
});

const CHANGES = {
  placed: (state, event) => ({
    ...state,
    calls: [{ ...event.call, at: event.at }, ...state.calls.filter((each) => each.id !== event.call.id)].slice(0, CALLS),
  }),
  judged: (state, { call: id, action, status, rule, label }) => call(state, id, { action, status, rule, label }),
  ended: (state, event) => call(state, event.call, {
    outcome: event.outcome, final: event.status, by: event.by, ended_at: event.at,
  }),
  phone: (state, event) => subscriber(state, event.subscriber, (each) => ({
    phone: { ...each.phone, ...Object.fromEntries(PHONE.map((name) => [name, event[name]])) },
  })),
  text: (state, event) => subscriber(state, event.subscriber, (each) => ({
    phone: { ...each.phone, texts: [event, ...(each.phone?.texts ?? [])].slice(0, TEXTS) },
  })),
  settings: (state, event) => subscriber(state, event.subscriber, () => ({ settings: event.settings })),
  rule: (state, { rule, mode, enforced, shadowed }) => ({
    ...state, rules: state.rules.map((each) => (each.name === rule ? { ...each, mode, enforced, shadowed } : each)),
  }),
  score: (state, event) => ({ ...state, score: event.score }),
  traffic: (state, event) => ({ ...state, traffic: event.traffic }),
  scenarios: (state, event) => ({ ...state, scenarios: event.scenarios }),
  lesson: (state, event) => ({ ...state, lesson: event.lesson }),
  lab: (state, event) => ({ ...state, lab: event.lab }),
};

/** The state after an event. */
export function reduced(state, event) {
  return CHANGES[event.event]?.(state, event) ?? state;
}
