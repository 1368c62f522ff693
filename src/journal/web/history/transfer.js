// Export and import. An import is the union, and nothing in it is trusted: size, number and every line are checked.

import { EventError, inOrder, parseLine } from "../events.js";

export const MAX_IMPORT_BYTES = 16e6;
export const MAX_IMPORT_LINES = 50_000;

/**
 * All events as one JSON object a line, oldest first: what `journal history merge` reads.
 * @param {import("../events.js").Event[]} events
 */
export function exported(events) {
  return inOrder(events)
    .map((event) => `${event.line}\n`)
    .join("");
}

/**
 * The events in an exported file, each id once, and what is wrong with the other lines.
 * @param {string} text
 * @throws {Error} when it is longer than an import may be
 */
export function imported(text) {
  const lines = text.split("\n");
  if (lines.length > MAX_IMPORT_LINES) {
    throw new Error(`The file has ${lines.length} lines; at most ${MAX_IMPORT_LINES} can be imported. Split it.`);
  }
  /** @type {Map<string, import("../events.js").Event>} */
  const events = new Map();
  /** @type {string[]} */
  const problems = [];
  for (const [index, line] of lines.entries()) {
    if (!line.trim()) continue;
    try {
      const event = parseLine(line.trimEnd());
      if (!events.has(event.id)) events.set(event.id, event);
    } catch (error) {
      if (!(error instanceof EventError)) throw error;
      problems.push(`line ${index + 1} ${error.message}`);
    }
  }
  return { events: [...events.values()], problems };
}
