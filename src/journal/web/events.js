// The events of a history and the rules each must keep; the same as in history/events.py, where they are explained.

import { dayOf, offsetMin } from "./journal-day.js";

/**
 * @typedef {object} Event
 * @property {string} id 32 hexadecimal digits
 * @property {number} atUs microseconds since 1970, UTC
 * @property {string} localDate the journal day
 * @property {"review" | "run" | "confidence" | "undo" | ""} kind "" for an event of a later version
 * @property {Record<string, any>} fields all that the line holds
 * @property {string} line the event as one line of JSON
 */

export const MAX_LINE_BYTES = 8192;
const VERSION = 1;
const PLACES = ["page", "terminal", "notebook"];
const OUTCOMES = ["passed", "failed", "not_started", "local_only"];
const MAX_STEPS = 50;
const COMMON = ["v", "id", "at", "local_date", "offset_min", "kind"];
const HEX32 = /^[0-9a-f]{32}$/;
const NAME = /^[a-z0-9]+(?:[-_][a-z0-9]+)*$/;
const INSTANT = /^([0-9]{4})-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.([0-9]{1,6}))?Z$/;
const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
/** @type {Record<string, string[]>} */
const KEYS = {
  review: ["card", "rating", "where"],
  run: ["slug", "steps", "code_sha"],
  confidence: ["topic", "value"],
  undo: ["event"],
};

/** A line is no event; the message says every reason. */
export class EventError extends Error {}

const named = (/** @type {unknown} */ value) => typeof value === "string" && value.length <= 64 && NAME.test(value);
const whole = (/** @type {number} */ low, /** @type {number} */ high) => (/** @type {unknown} */ value) =>
  Number.isInteger(value) && Number(value) >= low && Number(value) <= high;
const matching = (/** @type {RegExp} */ pattern) => (/** @type {unknown} */ value) =>
  typeof value === "string" && pattern.test(value);

/** @type {Record<string, (value: unknown) => boolean>} */
const RULES = {
  card: named,
  rating: whole(1, 4),
  where: (value) => PLACES.includes(/** @type {string} */ (value)),
  slug: named,
  steps: (value) =>
    isRecord(value) &&
    Object.keys(value).length <= MAX_STEPS &&
    Object.entries(value).every(([step, outcome]) => /^[1-9][0-9]?$/.test(step) && OUTCOMES.includes(outcome)),
  code_sha: matching(/^[0-9a-f]{7,64}$/),
  topic: named,
  value: whole(1, 5),
  event: matching(HEX32),
  version: whole(1, 999),
};

/**
 * @param {unknown} value
 * @returns {value is Record<string, any>}
 */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The instant that `text` writes, in microseconds since 1970; null when it is none.
 * @param {unknown} text
 */
export function instantUs(text) {
  const match = typeof text === "string" ? INSTANT.exec(text) : null;
  if (!match || typeof text !== "string") return null;
  const ms = Date.parse(`${text.slice(0, 19)}Z`);
  // Date.parse takes 31 February for 3 March; the same instant written back differs then.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== text.slice(0, 19)) return null;
  const year = Number(match[1]);
  return year >= 1970 && year <= 2999 ? ms * 1000 + Number((match[2] ?? "").padEnd(6, "0")) : null;
}

/**
 * The instant as an event writes it.
 * @param {number} atUs
 */
export function instantText(atUs) {
  const ms = Math.floor(atUs / 1000);
  return `${new Date(ms).toISOString().slice(0, 23)}${String(atUs - ms * 1000).padStart(3, "0")}Z`;
}

/**
 * @param {Record<string, any>} record
 * @param {number | null} atUs
 */
function faultsOf(record, atUs) {
  const faults = [];
  const known = Number.isInteger(record.v) && record.v >= 1;
  if (!known) faults.push("v is not 1");
  if (!matching(HEX32)(record.id)) faults.push("id is not 32 lower-case hexadecimal digits");
  if (atUs === null) faults.push("at is no UTC instant");
  if (known && record.v > VERSION) return faults;
  if (!whole(-720, 840)(record.offset_min)) faults.push("offset_min is no whole number from -720 to 840");
  const day = matching(DAY)(record.local_date) ? instantUs(`${record.local_date}T00:00:00Z`) : null;
  const ofAt = atUs === null ? day : instantUs(`${record.at.slice(0, 10)}T00:00:00Z`);
  if (day === null || Math.abs(day - Number(ofAt)) > 86_400e6) faults.push("local_date is not the journal day of at");
  const keys = typeof record.kind === "string" && Object.hasOwn(KEYS, record.kind) ? KEYS[record.kind] : undefined;
  if (!keys) return [...faults, `kind is not one of ${Object.keys(KEYS).join(", ")}`];
  const allowed = [...COMMON, ...keys, "where", ...(record.kind === "run" ? ["version"] : [])];
  for (const key of Object.keys(record)) {
    if (!allowed.includes(key)) faults.push(`${record.kind} has no key ${JSON.stringify(key.slice(0, 40))}`);
    else if (Object.hasOwn(RULES, key) && !RULES[key]?.(record[key])) faults.push(`${key} is not what it may be`);
  }
  for (const key of keys) if (!Object.hasOwn(record, key)) faults.push(`${key} is missing`);
  return faults;
}

/**
 * The event that `line` holds.
 * @param {string} line
 * @returns {Event}
 * @throws {EventError} with every rule that it breaks
 */
export function parseLine(line) {
  if (new TextEncoder().encode(line).length > MAX_LINE_BYTES) {
    throw new EventError(`is longer than ${MAX_LINE_BYTES} bytes`);
  }
  let record;
  try {
    record = JSON.parse(line);
  } catch {
    throw new EventError("is no JSON");
  }
  if (!isRecord(record)) throw new EventError("is no JSON object");
  const atUs = instantUs(record.at);
  const faults = faultsOf(record, atUs);
  if (faults.length || atUs === null) throw new EventError(faults.join("; "));
  const later = record.v > VERSION;
  return {
    id: record.id,
    atUs,
    localDate: later ? record.at.slice(0, 10) : record.local_date,
    kind: later ? "" : record.kind,
    fields: record,
    // Written again, so that a key that stood twice stands once.
    line: JSON.stringify(record),
  };
}

/**
 * A new event with a fresh random id.
 * @param {"review" | "run" | "confidence" | "undo"} kind
 * @param {Record<string, unknown>} fields what the kind adds
 * @param {number} atUs
 */
export function newEvent(kind, fields, atUs) {
  const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const common = { v: VERSION, id, at: instantText(atUs), local_date: dayOf(atUs), offset_min: offsetMin(atUs), kind };
  return parseLine(JSON.stringify({ ...common, ...fields }));
}

/**
 * The events by (instant, id).
 * @param {Iterable<Event>} events
 */
export function inOrder(events) {
  return [...events].sort((a, b) => a.atUs - b.atUs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/**
 * The events that count, in order: without undo events and what they remove. An undo can itself be undone.
 * @param {Iterable<Event>} events
 */
export function effective(events) {
  const ordered = inOrder(events);
  const removed = new Set();
  for (const event of [...ordered].reverse()) {
    if (event.kind === "undo" && !removed.has(event.id)) removed.add(event.fields.event);
  }
  return ordered.filter((event) => !removed.has(event.id) && event.kind !== "undo" && event.kind !== "");
}
