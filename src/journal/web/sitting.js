// The desk (what is known, and the answers given on this page) and a sitting on it; the same rules as journal/sitting.py.

import { effective, newEvent } from "./events.js";
import { dayOf } from "./journal-day.js";
import { dueToday, replay } from "./schedule.js";

/** @typedef {import("./schedule.js").CardState} CardState */

export const NEW_A_DAY = 10;

/** This instant in microseconds since 1970. */
export function nowUs() {
  return Date.now() * 1000;
}

/** What is known of the cards, and the answers of this page. Every answer is kept before the next card is shown. */
export class Desk {
  /**
   * @param {import("./history/browser.js").History} history
   * @param {ReadonlyMap<string, string>} stock every card's id with its exercise step or ""
   */
  constructor(history, stock) {
    this.history = history;
    this.stock = stock;
    /** @type {{card: string, rating: number, event: string}[]} */
    this.answers = [];
    this.lastUs = 0;
    this.refresh();
  }

  /** Replay the history again: somebody changed it. */
  refresh() {
    /** @type {Map<string, CardState>} */
    this.states = replay(this.history.events(), this.stock);
  }

  /** @param {string} card */
  state(card) {
    return this.states?.get(card);
  }

  get known() {
    return this.states ?? new Map();
  }

  /** An instant later than every answer of this page, so that their order is never left to chance. */
  #next() {
    this.lastUs = Math.max(nowUs(), this.lastUs + 1);
    return this.lastUs;
  }

  /**
   * @param {string} card
   * @param {number} rating 1 to 4
   * @throws {Error} it could not be kept; nothing has changed
   */
  async rate(card, rating) {
    const event = newEvent("review", { card, rating, where: "page" }, this.#next());
    await this.history.add([event]);
    this.answers.push({ card, rating, event: event.id });
    this.refresh();
    return /** @type {CardState} */ (this.state(card));
  }

  /**
   * Take the last answer of this page back; returns its card, or undefined when there is none.
   * @throws {Error} it could not be kept; the answer stands
   */
  async undo() {
    const last = this.answers.at(-1);
    if (!last) return undefined;
    await this.history.add([newEvent("undo", { event: last.event, where: "page" }, this.#next())]);
    this.answers.pop();
    this.refresh();
    return last;
  }

  /** How many cards had their first review today. */
  begunToday() {
    /** @type {Map<string, string>} */
    const first = new Map();
    for (const { kind, fields, localDate } of effective(this.history.events())) {
      if (kind === "review" && this.stock.has(fields.card) && !first.has(fields.card)) first.set(fields.card, localDate);
    }
    const today = dayOf(nowUs());
    return [...first.values()].filter((day) => day === today).length;
  }

  /**
   * What a sitting would ask: due cards, longest overdue first, then new ones in deck order, some a day.
   * @param {string[]} cards
   */
  pick(cards) {
    const wanted = new Set(cards);
    const due = dueToday(this.known, nowUs())
      .map((state) => state.card)
      .filter((card) => wanted.has(card));
    const fresh = cards.filter((card) => !this.state(card));
    return { due, fresh: fresh.slice(0, Math.max(0, NEW_A_DAY - this.begunToday())), allFresh: fresh };
  }
}

/** One sitting: a queue of cards and the answers so far. */
export class Sitting {
  /**
   * @param {Desk} desk
   * @param {string[]} cards the deck, or all decks
   * @param {{everything?: boolean}} [options] everything: also what is not due, and new cards without limit
   */
  constructor(desk, cards, { everything = false } = {}) {
    this.desk = desk;
    this.beganUs = nowUs();
    const { due, fresh, allFresh } = desk.pick(cards);
    const first = new Set([...due, ...allFresh]);
    /** @type {string[]} */
    this.queue = everything ? [...due, ...allFresh, ...cards.filter((card) => !first.has(card))] : [...due, ...fresh];
    /** @type {{card: string, rating: number, again: boolean}[]} */
    this.answers = [];
  }

  get card() {
    return this.queue[0];
  }

  get left() {
    return this.queue.length;
  }

  /**
   * Record a rating for the present card and move on; a missed card comes again at the end.
   * @param {number} rating
   */
  async rate(rating) {
    const card = this.card;
    if (card === undefined) throw new Error("The sitting is over: no card is left to rate.");
    const after = await this.desk.rate(card, rating);
    this.queue.shift();
    if (rating === 1) this.queue.push(card);
    this.answers.push({ card, rating, again: rating === 1 });
    return after;
  }

  /** Take the last answer of this sitting back and ask its card again; undefined when there is none. */
  async undo() {
    const last = this.answers.at(-1);
    if (!last || !(await this.desk.undo())) return undefined;
    this.answers.pop();
    if (last.again) this.queue.splice(this.queue.lastIndexOf(last.card), 1);
    // It may have left the queue's front and stand there still, when another sitting answered meanwhile.
    this.queue = [last.card, ...this.queue];
    return last.card;
  }

  /** Leave out what was answered elsewhere meanwhile and is no longer due; returns whether the present card is gone. */
  reconcile() {
    const present = this.card;
    const due = new Set(dueToday(this.desk.known, nowUs()).map((state) => state.card));
    const mine = new Set(this.answers.map((answer) => answer.card));
    this.queue = this.queue.filter((card) => {
      const state = this.desk.state(card);
      return mine.has(card) || !state || state.lastReviewUs < this.beganUs || due.has(card);
    });
    return present !== this.card;
  }

  /** What the answers that stand came to. */
  summary() {
    const seen = new Set(this.answers.map((answer) => answer.card));
    const states = new Map([...this.desk.known].filter(([card]) => seen.has(card)));
    const ratings = [0, 0, 0, 0, 0];
    for (const { rating } of this.answers) ratings[rating] = (ratings[rating] ?? 0) + 1;
    return { ratings, cards: seen.size, dueAgain: dueToday(states, nowUs()) };
  }
}
