// One card of the page: what the cards fence rendered, plus its state, four ratings and its forgetting curve.

import { DAY_US, dayEndsAtUs, daysBetween } from "../journal-day.js";
import { RATINGS, dueUs, intervalWords, isLeech, preview } from "../schedule.js";
import { nowUs } from "../sitting.js";
import { forgettingCurve } from "./charts.js";
import { count, dayText, h } from "./dom.js";

export class CardView {
  /**
   * @param {HTMLElement} element the article
   * @param {import("../sitting.js").Desk} desk
   * @param {(view: CardView, rating: number) => void} onRate
   */
  constructor(element, desk, onRate) {
    this.element = element;
    this.desk = desk;
    this.onRate = onRate;
    this.id = element.dataset.card ?? "";
    this.fold = /** @type {HTMLDetailsElement} */ (element.querySelector("details.rd-card__fold"));
    this.answer = /** @type {HTMLElement} */ (element.querySelector(".rd-card__answer"));
    this.answer.tabIndex = -1;
    element.tabIndex = -1;
    const question = element.querySelector(".rd-card__question");
    if (question) {
      question.id = `question-${this.id}`;
      element.setAttribute("aria-labelledby", question.id);
    }
    this.status = h("span", { class: "rd-card__state" });
    element.querySelector(".rd-card__kind")?.append(this.status);
    this.ratings = h("div", { class: "rd-rate", role: "group", "aria-label": "How well did you know it?" });
    this.curve = h("div", { class: "rd-card__curve" });
    this.answer.after(this.ratings);
    this.fold.append(this.curve);
    this.fold.addEventListener("toggle", () => this.fold.open && this.#revealed());
    this.show();
  }

  get revealed() {
    return this.fold.open;
  }

  set revealed(open) {
    this.fold.open = open;
    if (open) this.#revealed();
  }

  /** @param {string} [note] what was just answered, in place of the state */
  show(note) {
    const state = this.desk.state(this.id);
    const words = note ?? stateWords(state);
    const parts = [h("span", {}, words)];
    if (state && isLeech(state)) {
      parts.push(
        h(
          "span",
          { class: "rd-badge rd-leech", title: "A question that is forgotten so often is worth rewriting." },
          `rewrite me: forgotten ${state.lapses} times`,
        ),
      );
    }
    this.status.replaceChildren(...parts);
    if (this.revealed) this.#revealed();
  }

  #revealed() {
    const waits = preview(this.desk.state(this.id), nowUs());
    const focused = document.activeElement?.getAttribute("data-rating");
    this.ratings.replaceChildren(
      ...[1, 2, 3, 4].map((rating) =>
        h(
          "button",
          {
            type: "button",
            class: `rd-rate__button rd-rate__button--${RATINGS[rating]}`,
            "data-rating": String(rating),
            "aria-keyshortcuts": String(rating),
            onclick: () => this.onRate(this, rating),
          },
          h("span", { class: "rd-rate__name" }, h("kbd", { "aria-hidden": "true" }, String(rating)), ` ${RATINGS[rating]}`),
          h("span", { class: "rd-rate__wait" }, h("span", { class: "rd-said" }, ", back in "), intervalWords(waits[rating] ?? 0)),
        ),
      ),
    );
    if (focused && this.element.contains(document.activeElement) === false) {
      /** @type {HTMLElement | null} */ (this.ratings.querySelector(`[data-rating="${focused}"]`))?.focus();
    }
    this.#drawCurve();
  }

  #drawCurve() {
    const state = this.desk.state(this.id);
    if (!state) {
      this.curve.replaceChildren();
      return;
    }
    const days = (/** @type {number} */ us) => us / DAY_US;
    const draw = () =>
      forgettingCurve(state.stability, days(dueUs(state) - state.lastReviewUs), Math.max(0, days(nowUs() - state.lastReviewUs)));
    const past =
      `${count(state.reviews, "review")}, the last on ${dayText(state.lastReviewUs)}` +
      (state.lapses ? `; forgotten ${count(state.lapses, "time")}` : "");
    const fold = h("details", { class: "rd-numbers" }, h("summary", {}, "How it fades"), h("p", {}, `${past}.`));
    fold.addEventListener("toggle", () => fold.open && fold.childElementCount === 2 && fold.append(draw()));
    this.curve.replaceChildren(fold);
  }
}

/** @param {import("../schedule.js").CardState | undefined} state */
function stateWords(state) {
  if (!state) return "new";
  const now = nowUs();
  const due = dueUs(state);
  if (state.pulledUs !== null && due <= now) return "due: its exercise step failed";
  if (due < dayEndsAtUs(now)) return due <= now ? "due" : `due again in ${intervalWords(due - now)}`;
  const days = daysBetween(now, due);
  if (days === 1) return "back tomorrow";
  return `back in ${days < 60 ? `${days} days` : intervalWords(due - now)}`;
}
