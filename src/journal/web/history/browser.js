// A history kept in this browser: one entry of localStorage an event, so that two tabs that answer at the same time
// cannot lose each other's answers. Without storage (a private window) events live as long as the page, and it says so.

import { parseLine } from "../events.js";
import { NAME } from "../journal-name.js";

/** @typedef {import("../events.js").Event} Event */

/**
 * @typedef {object} History where events are kept
 * @property {"browser" | "memory" | "shared"} kind
 * @property {Promise<void>} ready when the events are there
 * @property {() => Event[]} events
 * @property {(events: Event[]) => Promise<number>} add writes those that are not there; returns how many. Rejects with
 *   an Error that says what to do; then what was not written does not count.
 * @property {(changed: () => void) => void} watch calls when somebody else has changed the history
 * @property {(() => void) | null} clear deletes all of it; null where this page may not
 */

/** Said on the document when this page has written: its scripts are bundled apart, and each has the history open. */
export const WRITTEN = `${NAME}:history`;
const PREFIX = `${NAME}.event.`;

/** The browser's storage; null where it is refused. */
function storage() {
  try {
    const probe = `${PREFIX}probe`;
    localStorage.setItem(probe, "");
    localStorage.removeItem(probe);
    return localStorage;
  } catch {
    return null;
  }
}

/** @param {Storage} store */
function keysOf(store) {
  return Array.from({ length: store.length }, (_, index) => store.key(index) ?? "").filter((key) => key.startsWith(PREFIX));
}

/** @returns {History} */
export function browserHistory() {
  const store = storage();
  /** @type {Map<string, Event>} */
  const known = new Map();
  const read = (/** @type {Storage} */ from) => {
    known.clear();
    for (const key of keysOf(from)) {
      try {
        const event = parseLine(from.getItem(key) ?? "");
        if (key === PREFIX + event.id) known.set(event.id, event);
      } catch {
        // Not an event, so not ours to count, and not ours to delete.
      }
    }
  };
  if (store) read(store);
  let writing = false;
  return {
    kind: store ? "browser" : "memory",
    ready: Promise.resolve(),
    events: () => [...known.values()],
    async add(events) {
      let added = 0;
      for (const event of events) {
        if (known.has(event.id)) continue;
        try {
          store?.setItem(PREFIX + event.id, event.line);
        } catch {
          throw new Error(
            `This browser's storage for the site is full after ${known.size} events. Export the history, then reset it.`,
          );
        }
        known.set(event.id, event);
        added += 1;
      }
      writing = true;
      document.dispatchEvent(new Event(WRITTEN));
      writing = false;
      return added;
    },
    watch(changed) {
      const again = () => {
        if (!store || writing) return;
        read(store);
        changed();
      };
      addEventListener("storage", ({ key }) => (key === null || key.startsWith(PREFIX)) && again());
      document.addEventListener(WRITTEN, again);
    },
    clear() {
      if (store) for (const key of keysOf(store)) store.removeItem(key);
      known.clear();
    },
  };
}
