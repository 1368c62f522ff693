// The README's folded hints, one after the other, beside the step that needs them.

import { h } from "../review/dom.js";

/**
 * The hints of each step, as they stand folded in the brief.
 * @param {ParentNode} brief
 * @returns {Map<number, HTMLElement[]>}
 */
export function hintsOf(brief) {
  /** @type {Map<number, HTMLElement[]>} */
  const found = new Map();
  for (const heading of brief.querySelectorAll('h2[id^="step-"], h3[id^="step-"]')) {
    const folds = [];
    for (let next = heading.nextElementSibling; next && next.tagName !== heading.tagName; next = next.nextElementSibling) {
      if (next.tagName === "DETAILS" && /^hint/i.test(next.querySelector("summary")?.textContent ?? "")) folds.push(next);
    }
    found.set(Number(heading.id.slice("step-".length)), /** @type {HTMLElement[]} */ (folds));
  }
  return found;
}

/** How many hints of a step are open; kept while the page is, so that a new run does not fold them.
 * @type {Map<number, number>} */
const shown = new Map();

/**
 * @param {number} step
 * @param {HTMLElement[]} hints
 */
export function hintBox(step, hints) {
  if (!hints.length) return null;
  const box = h("div", { class: "rd-hints" });
  const more = h("button", { type: "button", class: "rd-button" });
  const add = (/** @type {number} */ index) => {
    const copy = /** @type {HTMLElement} */ (hints[index]?.cloneNode(true));
    copy.querySelector("summary")?.remove();
    for (const element of copy.querySelectorAll("[id]")) element.removeAttribute("id");
    const hint = h("div", { class: "rd-hint", tabindex: "-1" }, h("p", { class: "rd-hint__name" }, `Hint ${index + 1}`), ...copy.childNodes);
    more.before(hint);
    return hint;
  };
  const label = () => {
    const next = shown.get(step) ?? 0;
    more.hidden = next >= hints.length;
    more.textContent = next ? `Next hint (${next + 1} of ${hints.length})` : `A hint (1 of ${hints.length})`;
  };
  more.addEventListener("click", () => {
    const next = shown.get(step) ?? 0;
    shown.set(step, next + 1);
    const hint = add(next);
    label();
    hint.focus();
  });
  box.append(more);
  for (let index = 0; index < (shown.get(step) ?? 0); index += 1) add(index);
  label();
  return box;
}
