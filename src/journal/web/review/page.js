// Finds cards, decks and the box "due today" on a page and puts them to work.

import { DAY_US } from "../journal-day.js";
import { RATINGS, forecast, intervalWords, isLeech } from "../schedule.js";
import { Desk, nowUs } from "../sitting.js";
import { CardView } from "./card.js";
import { forecastChart } from "./charts.js";
import { announce, count, dayText, h } from "./dom.js";
import { historyPanel } from "./history-panel.js";
import { FORECAST_DAYS, Stage } from "./stage.js";

/** @typedef {{update: () => void}} Part */

/**
 * @param {Document} page
 * @param {import("../history/browser.js").History} history
 */
export function enhance(page, history) {
  const article = /** @type {HTMLElement | null} */ (page.querySelector("article"));
  const boxes = /** @type {HTMLElement[]} */ ([...page.querySelectorAll("[data-due]")]);
  const elements = /** @type {HTMLElement[]} */ ([...page.querySelectorAll("article.rd-card[data-card]")]);
  if (!article || !(boxes.length || elements.length)) return;

  /** @type {Map<string, string>} */
  const stock = new Map();
  for (const word of boxes.flatMap((box) => (box.dataset.cards ?? "").split(" ").filter(Boolean))) {
    const [id = "", step = ""] = word.split("=");
    stock.set(id, step);
  }
  for (const { dataset } of elements) stock.set(dataset.card ?? "", dataset.step ?? "");

  const desk = new Desk(history, stock);
  /** @type {Map<string, CardView>} */
  const views = new Map();
  /** @type {Part[]} */
  const parts = [];
  const update = () => {
    for (const view of views.values()) view.show();
    for (const part of parts) part.update();
  };
  const stage = new Stage(article, desk, views, update);

  const rate = async (/** @type {CardView} */ view, /** @type {number} */ rating) => {
    if (stage.active) return stage.rate(rating);
    try {
      const after = await desk.rate(view.id, rating);
      view.revealed = false;
      update();
      const words = `${RATINGS[rating]}, back in ${intervalWords(after.scheduledUs - after.lastReviewUs)}`;
      view.show(words);
      view.status.append(h("button", { type: "button", class: "rd-link", onclick: () => undo() }, "take back"));
      announce(words);
      view.element.focus({ preventScroll: true });
    } catch (error) {
      view.show(error instanceof Error ? error.message : String(error));
      announce(view.status.textContent ?? "");
    }
  };
  const undo = async () => {
    try {
      const last = await desk.undo();
      if (!last) return announce("There is no answer on this page to take back.");
      update();
      announce("Taken back.");
      views.get(last.card)?.element.focus();
    } catch (error) {
      announce(error instanceof Error ? error.message : String(error));
    }
  };

  for (const element of elements) {
    const view = new CardView(element, desk, rate);
    if (!views.has(view.id)) views.set(view.id, view);
    element.addEventListener("keydown", (event) => {
      if (!stage.active) listKey(event, view, rate, undo);
    });
  }
  const decks = /** @type {HTMLElement[]} */ ([...page.querySelectorAll("section.rd-deck")]);
  const everything = [...stock.keys()].every((card) => views.has(card)) && boxes.length > 0;
  for (const deck of decks) parts.push(deckBar(deck, desk, stage));
  for (const box of boxes) parts.push(dueBox(box, desk, everything ? stage : null));
  if (boxes.length && everything) parts.push(...overview(boxes[boxes.length - 1] ?? article, desk, views, update));
  else if (elements.length) parts.push(whereLine(decks[decks.length - 1] ?? article, desk, boxes[0]?.dataset.page));

  update();
  history.watch(() => {
    desk.refresh();
    if (stage.active) stage.refresh();
    else update();
  });
}

/**
 * Keys of a card in a list: they work while the focus is in the card.
 * @param {KeyboardEvent} event
 * @param {CardView} view
 * @param {(view: CardView, rating: number) => void} rate
 * @param {() => void} undo
 */
function listKey(event, view, rate, undo) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const rating = Number(event.key);
  if (event.key === " " && event.target === view.element) {
    view.revealed = !view.revealed;
    if (view.revealed) view.answer.focus({ preventScroll: true });
  } else if (view.revealed && rating >= 1 && rating <= 4) rate(view, rating);
  else if (event.key === "u") undo();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/**
 * What of a deck is due, and a way to be asked.
 * @param {HTMLElement} deck
 * @param {Desk} desk
 * @param {Stage} stage
 * @returns {Part}
 */
function deckBar(deck, desk, stage) {
  const cards = () =>
    /** @type {HTMLElement[]} */ ([...deck.querySelectorAll("article.rd-card")]).map((card) => card.dataset.card ?? "");
  const all = cards();
  const words = h("p", {});
  const due = h("button", { type: "button", class: "rd-button rd-button--main" });
  const rest = h("button", { type: "button", class: "rd-button" }, all.length === 1 ? "Ask it" : `Ask all ${all.length}`);
  due.addEventListener("click", () => stage.begin(all, { opener: due }));
  rest.addEventListener("click", () => stage.begin(all, { everything: true, opener: rest }));
  const bar = h("div", { class: "rd-deck__bar" }, words, due, rest);
  const title = deck.querySelector(".rd-deck__title");
  if (title) title.after(bar);
  else deck.prepend(bar);
  return {
    update() {
      const { due: waiting, fresh, allFresh } = desk.pick(all);
      const now = waiting.length + fresh.length;
      words.textContent = [
        waiting.length ? `${waiting.length} due` : "",
        allFresh.length ? `${allFresh.length} new` : "",
        waiting.length || allFresh.length ? "" : "nothing due",
      ]
        .filter(Boolean)
        .join(" · ");
      due.hidden = now === 0;
      due.textContent = `Review ${now}`;
    },
  };
}

/**
 * The box "due today".
 * @param {HTMLElement} box
 * @param {Desk} desk
 * @param {Stage | null} stage null where not all cards are on the page: then it leads to the page that has them
 * @returns {Part}
 */
function dueBox(box, desk, stage) {
  const cards = [...desk.stock.keys()];
  const words = h("p", { class: "rd-due__words" });
  const begin = stage
    ? h("button", { type: "button", class: "rd-button rd-button--main" }, "Begin")
    : h("a", { class: "rd-button rd-button--main md-button", href: box.dataset.page ?? "" }, "Review");
  if (stage) begin.addEventListener("click", () => stage.begin(cards, { opener: begin }));
  box.replaceChildren(words, begin);
  return {
    update() {
      const { due, fresh, allFresh } = desk.pick(cards);
      const now = due.length + fresh.length;
      begin.hidden = now === 0;
      const later = allFresh.length - fresh.length;
      words.replaceChildren(
        h("strong", {}, now ? `${count(now, "card")} for today` : "Nothing is due"),
        now
          ? `: ${due.length} due, ${fresh.length} new${later ? ` (${later} more on other days)` : ""}.`
          : later
            ? `. ${count(later, "new card")} wait for other days.`
            : ". Every card waits for its day.",
      );
    },
  };
}

/**
 * On the page that has every card: what is coming, leeches, the history.
 * @param {HTMLElement} box
 * @param {Desk} desk
 * @param {Map<string, CardView>} views
 * @param {() => void} changed
 * @returns {Part[]}
 */
function overview(box, desk, views, changed) {
  const chart = h("div", { class: "rd-coming" });
  const leeches = h("div", { class: "rd-leeches" });
  const panel = historyPanel(desk, () => {
    desk.refresh();
    changed();
  });
  box.after(chart, leeches, panel.element);
  return [
    panel,
    {
      update() {
        chart.hidden = desk.known.size === 0;
        chart.replaceChildren(
          h("h2", {}, "What is coming"),
          forecastChart(forecast(desk.known, nowUs(), FORECAST_DAYS), (ahead) =>
            ahead ? dayText(nowUs() + ahead * DAY_US) : "today",
          ),
        );
        const found = [...desk.known.values()].filter((state) => isLeech(state) && views.has(state.card));
        leeches.hidden = found.length === 0;
        leeches.replaceChildren(
          h("h2", {}, "Rewrite these"),
          h("p", {}, "A card that is forgotten again and again asks too much, or asks it unclearly."),
          h(
            "ul",
            {},
            ...found
              .sort((a, b) => b.lapses - a.lapses || (a.card < b.card ? -1 : 1))
              .map(({ card, lapses }) =>
                h("li", {}, h("a", { href: `#card-${card}` }, card), `: forgotten ${lapses} times`),
              ),
          ),
        );
      },
    },
  ];
}

/**
 * Below the cards of any other page: where the history is.
 * @param {HTMLElement} after
 * @param {Desk} desk
 * @param {string | undefined} link
 * @returns {Part}
 */
function whereLine(after, desk, link) {
  const where = {
    browser: "Your answers are kept in this browser.",
    memory: "This browser can't store anything for this page, so your answers last until you close it.",
    shared: "Your answers go into the same history that the terminal and the notebook use.",
  }[desk.history.kind];
  after.after(h("p", { class: "rd-where" }, where, link ? " " : "", link ? h("a", { href: link }, "All that is due") : ""));
  return { update() {} };
}
