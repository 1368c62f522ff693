// When each card comes back: the rules of py-fsrs (FSRS-6) as journal/schedule.py uses them, held to it by
// tests/web/test_schedule_agreement.py. Fuzz off, default parameters, no clock read; instants are microseconds (UTC).

import { effective } from "./events.js";
import { DAY_US, MINUTE_US, dayEndsAtUs, daysBetween } from "./journal-day.js";

/**
 * @typedef {object} CardState
 * @property {string} card
 * @property {"learning" | "review" | "relearning"} state
 * @property {number} step index into the learning or relearning steps; 0 in review, where it means nothing
 * @property {number} stability days after which the chance of recall is 90 %
 * @property {number} difficulty 1 (easy) to 10
 * @property {number} scheduledUs
 * @property {number | null} pulledUs when a failed exercise run made it due earlier
 * @property {number} lastReviewUs
 * @property {number} reviews
 * @property {number} lapses
 */

export const LEECH_LAPSES = 8;
/** @type {readonly string[]} by rating; 0 is none */
export const RATINGS = ["", "again", "hard", "good", "easy"];

const W = [
  0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835, 0.0614, 0.2629, 1.6483,
  0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
];
const w = (/** @type {number} */ index) => /** @type {number} */ (W[index]);
const RETENTION = 0.9;
const DECAY = -w(20);
const FACTOR = 0.9 ** (1 / DECAY) - 1;
const STEPS_US = { learning: [MINUTE_US, 10 * MINUTE_US], relearning: [10 * MINUTE_US] };
const MAX_DAYS = 36_500;
const AGAIN = 1;
const HARD = 2;
const EASY = 4;

const exp = (/** @type {number} */ power) => Math.E ** power;
const atLeast = (/** @type {number} */ stability) => Math.max(stability, 0.001);
const clampDifficulty = (/** @type {number} */ difficulty) => Math.min(Math.max(difficulty, 1), 10);
const initialDifficulty = (/** @type {number} */ rating) => w(4) - exp(w(5) * (rating - 1)) + 1;

/** @param {number} value */
function roundHalfToEven(value) {
  const down = Math.floor(value);
  const rest = value - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}

/** @param {number} stability */
function intervalUs(stability) {
  const days = roundHalfToEven((stability / FACTOR) * (RETENTION ** (1 / DECAY) - 1));
  return Math.min(Math.max(days, 1), MAX_DAYS) * DAY_US;
}

/** @param {number} difficulty @param {number} rating */
function nextDifficulty(difficulty, rating) {
  const damped = difficulty + ((10 - difficulty) * -(w(6) * (rating - 3))) / 9;
  return clampDifficulty(w(7) * initialDifficulty(EASY) + (1 - w(7)) * damped);
}

/** @param {number} stability @param {number} rating */
function sameDayStability(stability, rating) {
  const growth = exp(w(17) * (rating - 3 + w(18))) * stability ** -w(19);
  return atLeast(stability * (rating === AGAIN ? growth : Math.max(growth, 1)));
}

/** @param {CardState} card @param {number} recall @param {number} rating */
function nextStability({ difficulty, stability }, recall, rating) {
  if (rating === AGAIN) {
    const long = w(11) * difficulty ** -w(12) * ((stability + 1) ** w(13) - 1) * exp((1 - recall) * w(14));
    return atLeast(Math.min(long, stability / exp(w(17) * w(18))));
  }
  const growth = exp(w(8)) * (11 - difficulty) * stability ** -w(9) * (exp((1 - recall) * w(10)) - 1);
  return atLeast(stability * (1 + growth * (rating === HARD ? w(15) : 1) * (rating === EASY ? w(16) : 1)));
}

/**
 * The predicted chance of recall, 0 to 1; it steps once a whole day.
 * @param {CardState} card
 * @param {number} atUs
 */
export function retrievability(card, atUs) {
  return chanceAfter(Math.max(0, Math.floor((atUs - card.lastReviewUs) / DAY_US)), card.stability);
}

/**
 * The chance of recall so many days after the last review.
 * @param {number} days
 * @param {number} stability
 */
export function chanceAfter(days, stability) {
  return (1 + (FACTOR * days) / stability) ** DECAY;
}

/**
 * Where a learning or relearning card goes: its state, its step, and the interval.
 * @param {"learning" | "relearning"} state
 * @param {number} step
 * @param {number} rating
 * @param {number} stability
 * @returns {{state: CardState["state"], step: number, waitUs: number}}
 */
function afterStep(state, step, rating, stability) {
  const steps = STEPS_US[state];
  const wait = (/** @type {number} */ index) => /** @type {number} */ (steps[index]);
  if (rating === AGAIN) return { state, step: 0, waitUs: wait(0) };
  if (rating === HARD) {
    const between = steps.length === 1 ? wait(0) * 1.5 : (wait(0) + wait(1)) / 2;
    return { state, step, waitUs: step === 0 ? between : wait(step) };
  }
  if (rating === EASY || step + 1 === steps.length) return { state: "review", step: 0, waitUs: intervalUs(stability) };
  return { state, step: step + 1, waitUs: wait(step + 1) };
}

/**
 * The state after a review.
 * @param {CardState | undefined} before undefined for a new card
 * @param {string} card
 * @param {number} rating 1 again, 2 hard, 3 good, 4 easy
 * @param {number} atUs
 * @returns {CardState}
 */
export function review(before, card, rating, atUs) {
  let stability = atLeast(w(rating - 1));
  let difficulty = clampDifficulty(initialDifficulty(rating));
  if (before) {
    const sameDay = Math.floor((atUs - before.lastReviewUs) / DAY_US) < 1;
    stability = sameDay
      ? sameDayStability(before.stability, rating)
      : nextStability(before, retrievability(before, atUs), rating);
    difficulty = nextDifficulty(before.difficulty, rating);
  }
  const state = before?.state ?? "learning";
  const forgotten = state === "review" && rating === AGAIN;
  /** @type {{state: CardState["state"], step: number, waitUs: number}} */
  const next =
    state !== "review"
      ? afterStep(state, before?.step ?? 0, rating, stability)
      : forgotten
        ? { state: "relearning", step: 0, waitUs: STEPS_US.relearning[0] ?? 0 }
        : { state: "review", step: 0, waitUs: intervalUs(stability) };
  return {
    card,
    state: next.state,
    step: next.step,
    stability,
    difficulty,
    scheduledUs: atUs + next.waitUs,
    pulledUs: null,
    lastReviewUs: atUs,
    reviews: (before?.reviews ?? 0) + 1,
    lapses: (before?.lapses ?? 0) + (forgotten ? 1 : 0),
  };
}

/**
 * The state of every card of `steps` that the events review. A failed exercise step pulls forward those of its cards
 * that were already reviewed, and changes no stability.
 * @param {Iterable<import("./events.js").Event>} events in any order
 * @param {ReadonlyMap<string, string>} steps for each card its exercise step, as `backoff/2`, or ""
 * @returns {Map<string, CardState>}
 */
export function replay(events, steps) {
  /** @type {Map<string, CardState>} */
  const states = new Map();
  for (const event of effective(events)) {
    if (event.kind === "review") {
      const { card, rating } = event.fields;
      if (steps.has(card)) states.set(card, review(states.get(card), card, rating, event.atUs));
    } else if (event.kind === "run") {
      for (const [step, outcome] of Object.entries(event.fields.steps)) {
        if (outcome !== "failed") continue;
        for (const [name, state] of states) {
          if (state.pulledUs === null && steps.get(name) === `${event.fields.slug}/${step}`) {
            states.set(name, { ...state, pulledUs: event.atUs });
          }
        }
      }
    }
  }
  return states;
}

/**
 * When a card is due: as scheduled, or when a failed step pulled it forward.
 * @param {CardState} card
 */
export function dueUs(card) {
  return card.pulledUs === null ? card.scheduledUs : Math.min(card.scheduledUs, card.pulledUs);
}

/** @param {CardState} card */
export function isLeech(card) {
  return card.lapses >= LEECH_LAPSES;
}

/**
 * The interval that each rating would give, in microseconds; index 0 is unused.
 * @param {CardState | undefined} card
 * @param {number} atUs
 */
export function preview(card, atUs) {
  return [0, 1, 2, 3, 4].map((rating) => (rating ? review(card, "", rating, atUs).scheduledUs - atUs : 0));
}

/**
 * What falls due before the next 04:00 local, longest overdue first.
 * @param {ReadonlyMap<string, CardState>} states
 * @param {number} nowUs
 */
export function dueToday(states, nowUs) {
  const ends = dayEndsAtUs(nowUs);
  return [...states.values()]
    .filter((state) => dueUs(state) < ends)
    .sort((a, b) => dueUs(a) - dueUs(b) || (a.card < b.card ? -1 : 1));
}

/**
 * How many cards fall due on each of the next `days` journal days; the first is today, overdue included.
 * @param {ReadonlyMap<string, CardState>} states
 * @param {number} nowUs
 * @param {number} days
 */
export function forecast(states, nowUs, days) {
  const counts = Array.from({ length: days }, () => 0);
  for (const state of states.values()) {
    const ahead = Math.max(0, daysBetween(nowUs, dueUs(state)));
    if (ahead < days) counts[ahead] = (counts[ahead] ?? 0) + 1;
  }
  return counts;
}

/**
 * An interval in the largest unit that fits: `1 min`, `3 h`, `2 days`, `5.1 months`.
 * @param {number} us
 */
export function intervalWords(us) {
  const minutes = us / MINUTE_US;
  if (minutes < 60) return `${roundHalfToEven(minutes)} min`;
  if (minutes < 24 * 60) return `${roundHalfToEven(minutes / 60)} h`;
  const days = Math.floor(us / DAY_US);
  if (days < 60) return days === 1 ? "1 day" : `${days} days`;
  return days < 365 ? `${(days / 30.44).toFixed(1)} months` : `${(days / 365.25).toFixed(1)} years`;
}
