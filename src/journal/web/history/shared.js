// The history that terminal, notebook and page share while the site is served on this machine: one small endpoint, which
// the server names in the page's head. What it answers is checked like any import.

import { parseLine } from "../events.js";
import { WRITTEN } from "./browser.js";

const POLL_MS = 5000;
const GONE = "The server that keeps the history does not answer, so this was not recorded. Start `make site`, then try again.";

/**
 * @param {string} url
 * @returns {import("./browser.js").History}
 */
export function sharedHistory(url) {
  /** @type {Map<string, import("../events.js").Event>} */
  let known = new Map();
  let since = 0;
  let writing = false;
  let reading = Promise.resolve(false);

  async function fetchNew() {
    const answer = await fetch(`${url}?since=${since}`, { headers: { "X-Redrive": "1" }, cache: "no-store" });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const { events, next, whole } = await answer.json();
    const fresh = whole ? new Map() : new Map(known);
    for (const line of events) {
      const event = parseLine(line);
      if (!fresh.has(event.id)) fresh.set(event.id, event);
    }
    since = next;
    const changed = fresh.size !== known.size || [...known.keys()].some((id) => !fresh.has(id));
    known = fresh;
    return changed;
  }

  /** One request at a time, so that two cannot overtake each other. */
  function refresh() {
    reading = reading.then(fetchNew, fetchNew);
    return reading;
  }

  const ready = refresh().then(
    () => {},
    () => {},
  );
  return {
    kind: "shared",
    ready,
    events: () => [...known.values()],
    async add(events) {
      let added = 0;
      for (const event of events) {
        if (known.has(event.id)) continue;
        const answer = await fetch(url, {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-Redrive": "1" },
          body: event.line,
        }).catch(() => null);
        if (!answer) throw new Error(GONE);
        if (!answer.ok) throw new Error(`The server refused the event (${answer.status}): ${await answer.text()}`);
        known.set(event.id, event);
        added += 1;
      }
      writing = true;
      document.dispatchEvent(new Event(WRITTEN));
      writing = false;
      return added;
    },
    watch(changed) {
      const look = () => {
        if (document.visibilityState === "visible") refresh().then((is) => is && changed(), () => {});
      };
      addEventListener("focus", look);
      document.addEventListener("visibilitychange", look);
      document.addEventListener(WRITTEN, () => writing || look());
      setInterval(look, POLL_MS);
    },
    clear: null,
  };
}
