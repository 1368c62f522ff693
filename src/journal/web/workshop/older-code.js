// Code that was written for an earlier version of an exercise: it stays in the editor, and a notice says what changed.

import { h } from "../review/dom.js";

/**
 * @typedef {object} Choices
 * @property {() => Promise<boolean>} layOver lays the code over the new stub; false if that failed
 * @property {() => void} keep leaves the code as it is
 */

/**
 * The notice, with what the learner can do. It goes away when the learner has chosen.
 *
 * @param {string} what has changed, a clause
 * @param {Choices} choices
 */
export function olderCodeNotice(what, { layOver, keep }) {
  const layButton = h("button", { type: "button", class: "rd-button" }, "Lay my code over the new stub");
  const keepButton = h("button", { type: "button", class: "rd-button" }, "Keep my code as it is");
  const notice = h(
    "div",
    { class: "rd-workshop__older", role: "note" },
    h("p", {}, `This exercise has changed since you wrote your code: ${what}. Your code is still here.`),
    layButton,
    keepButton,
  );
  layButton.addEventListener("click", async () => {
    layButton.disabled = true;
    if (await layOver()) notice.remove();
    else layButton.disabled = false;
  });
  keepButton.addEventListener("click", () => {
    keep();
    notice.remove();
  });
  return notice;
}
