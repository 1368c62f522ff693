// A sitting on the page: one card at a time in place of the page's text, then a summary.

import { forecast, RATINGS, intervalWords, isLeech } from "../schedule.js";
import { Sitting, nowUs } from "../sitting.js";
import { forecastChart } from "./charts.js";
import { announce, count, dayText, h, timeText } from "./dom.js";
import { DAY_US } from "../journal-day.js";

export const FORECAST_DAYS = 14;

export class Stage {
  /**
   * @param {HTMLElement} article the page's text, hidden meanwhile
   * @param {import("../sitting.js").Desk} desk
   * @param {Map<string, import("./card.js").CardView>} views
   * @param {() => void} changed called after each answer
   */
  constructor(article, desk, views, changed) {
    this.article = article;
    this.desk = desk;
    this.views = views;
    this.changed = changed;
    /** @type {Sitting | null} */
    this.sitting = null;
    /** @type {HTMLElement | null} */
    this.root = null;
    /** Where the present card came from. @type {Comment | null} */
    this.home = null;
    this.busy = false;
  }

  get active() {
    return this.sitting !== null;
  }

  /**
   * @param {string[]} cards
   * @param {{everything?: boolean, opener: HTMLElement}} options opener: gets the focus back
   */
  begin(cards, { everything = false, opener }) {
    this.opener = opener;
    this.sitting = new Sitting(this.desk, cards, { everything });
    this.progress = h("progress", { "aria-label": "Cards of this sitting that are done" });
    this.counter = h("p", { class: "rd-stage__count" });
    this.place = h("div", { class: "rd-stage__card" });
    this.note = h("p", { class: "rd-stage__note" });
    this.undoButton = h("button", { type: "button", class: "rd-button", onclick: () => this.undo() }, "Take back", key("U"));
    const end = h("button", { type: "button", class: "rd-button", onclick: () => this.end() }, "End", key("Esc"));
    this.root = h(
      "section",
      { class: "rd-stage", "aria-label": "Review", tabindex: "-1", onkeydown: (/** @type {KeyboardEvent} */ e) => this.#key(e) },
      h("div", { class: "rd-stage__bar" }, this.counter, this.undoButton, end),
      this.progress,
      this.note,
      this.place,
      h("p", { class: "rd-stage__keys" }, key("Space"), " shows the answer, ", key("1"), " to ", key("4"), " rate it"),
    );
    this.root.addEventListener("click", (event) => this.#openBeside(event));
    this.article.append(this.root);
    this.article.classList.add("rd-reviewing");
    this.#next();
  }

  /** Back to the page as it was. */
  end() {
    this.#putBack();
    this.root?.remove();
    this.article.classList.remove("rd-reviewing");
    this.sitting = null;
    this.changed();
    if (this.opener?.isConnected) this.opener.focus();
  }

  /** @param {number} rating */
  async rate(rating) {
    const sitting = this.sitting;
    const view = this.#view;
    if (!sitting || !view?.revealed || this.busy) return;
    this.busy = true;
    try {
      const after = await sitting.rate(rating);
      const wait = intervalWords(after.scheduledUs - after.lastReviewUs);
      const leech = isLeech(after) && rating === 1 ? ` Forgotten ${after.lapses} times: rewrite it.` : "";
      this.#say(`${RATINGS[rating]}, back in ${wait}.${leech}`);
      this.#next();
    } catch (error) {
      this.#say(String(error instanceof Error ? error.message : error));
    } finally {
      this.busy = false;
    }
    this.changed();
  }

  async undo() {
    if (!this.sitting || this.busy) return;
    this.busy = true;
    try {
      const card = await this.sitting.undo();
      this.#say(card ? "Taken back." : "There is no answer in this sitting to take back.");
      if (card) this.#next();
    } catch (error) {
      this.#say(String(error instanceof Error ? error.message : error));
    } finally {
      this.busy = false;
    }
    this.changed();
  }

  /** The history has changed elsewhere. */
  refresh() {
    if (this.sitting?.reconcile()) {
      this.#say("That card was answered elsewhere.");
      this.#next();
    }
    this.#count();
  }

  get #view() {
    const card = this.sitting?.card;
    return card === undefined ? undefined : this.views.get(card);
  }

  /** @param {string} text */
  #say(text) {
    if (this.note) this.note.textContent = text;
    announce(text);
  }

  #count() {
    const sitting = this.sitting;
    if (!sitting || !this.progress || !this.counter || !this.undoButton) return;
    const done = sitting.answers.length;
    this.progress.max = Math.max(1, done + sitting.left);
    this.progress.value = done;
    this.progress.textContent = `${done} of ${done + sitting.left}`;
    this.counter.textContent = sitting.left ? `${done} answered · ${sitting.left} to go` : `${done} answered`;
    this.undoButton.disabled = done === 0;
  }

  #next() {
    this.#putBack();
    this.#count();
    const view = this.#view;
    if (!view) {
      this.#summarise();
      return;
    }
    this.home = document.createComment("");
    view.element.replaceWith(this.home);
    view.revealed = false;
    view.show();
    this.place?.replaceChildren(view.element);
    view.element.focus({ preventScroll: true });
    this.root?.scrollIntoView({ block: "nearest" });
  }

  #putBack() {
    const element = this.place?.querySelector("article");
    if (element && this.home) {
      const fold = element.querySelector("details");
      if (fold) fold.open = false;
      this.home.replaceWith(element);
    }
    this.home = null;
  }

  /** What a card leads to opens beside the sitting, which it would otherwise end. @param {Event} event */
  #openBeside(event) {
    const link = /** @type {Element} */ (event.target).closest(".rd-card__more a");
    if (!(link instanceof HTMLAnchorElement)) return;
    link.target = "_blank";
    link.rel = "noopener";
  }

  #summarise() {
    const sitting = this.sitting;
    if (!sitting || !this.place) return;
    const { ratings, cards, dueAgain } = sitting.summary();
    const given = [1, 2, 3, 4].filter((rating) => ratings[rating]).map((rating) => `${ratings[rating]} ${RATINGS[rating]}`);
    const first = dueAgain[0];
    const heading = h("h2", { class: "rd-summary__title", tabindex: "-1" }, "Sitting done");
    const again = first
      ? `${dueAgain.length} of these ${dueAgain.length === 1 ? "comes" : "come"} back today, the first at ${timeText(first.scheduledUs)}.`
      : "None of these comes back today.";
    this.place.replaceChildren(
      h(
        "div",
        { class: "rd-summary" },
        heading,
        h("p", {}, `${count(cards, "card")}, ${count(sitting.answers.length, "answer")}: ${given.join(", ") || "none"}.`),
        sitting.answers.length ? h("p", {}, again) : null,
        forecastChart(forecast(this.desk.known, nowUs(), FORECAST_DAYS), (ahead) =>
          ahead ? dayText(nowUs() + ahead * DAY_US) : "today",
        ),
        h("button", { type: "button", class: "rd-button rd-button--main", onclick: () => this.end() }, "Back to the page"),
      ),
    );
    heading.focus();
  }

  /** Keys work while the focus is within the sitting, so that none is taken from somebody who is elsewhere. @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    const view = this.#view;
    const rating = Number(event.key);
    if (event.key === "Escape") this.end();
    else if (event.key === "u" || event.key === "U") void this.undo();
    else if (view?.revealed && rating >= 1 && rating <= 4) void this.rate(rating);
    else if (event.key === " " && view && !view.revealed && !target.closest("button, a, summary")) {
      view.revealed = true;
      view.answer.focus({ preventScroll: true });
      view.ratings.scrollIntoView({ block: "nearest" });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {string} name */
function key(name) {
  return h("kbd", { "aria-hidden": name.length > 1 ? "false" : "true" }, name);
}
