// What opens once the core passed, or after five runs of different code: the solution, its notes, and wrong solutions to
// run, each of which shows the test that catches it.

import { announce, h } from "../review/dom.js";
import { difference, edited } from "./edits.js";
import { showCode } from "./editor.js";
import { fetchJson } from "./python.js";
import { sentence, stepRow } from "./verdict.js";

/**
 * @typedef {object} After what `<slug>-after.json` holds
 * @property {string} solution
 * @property {string} notes HTML, made from our own Markdown when the site was built
 * @property {{name: string, code: string}[]} alternatives
 * @property {{name: string, mistake: string, incident: string, fails: number[], edits: import("./edits.js").Edit[]}[]} wrong
 */

/**
 * @param {HTMLElement} place
 * @param {string} slug
 * @param {(code: string, status: (text: string) => void) => Promise<import("./verdict.js").Step[] | string>} grade gives the
 *   steps, or the sentence on why there are none
 */
export async function openGallery(place, slug, grade) {
  place.replaceChildren(h("p", {}, "Fetching the solution …"));
  /** @type {After} */
  let after;
  try {
    after = await fetchJson(`${slug}-after.json`);
  } catch (error) {
    place.replaceChildren(h("p", {}, error instanceof Error ? error.message : String(error)));
    return;
  }
  const notes = new DOMParser().parseFromString(after.notes, "text/html").body;
  place.replaceChildren(
    h("h2", { id: "after", tabindex: "-1" }, "The solution, and how it goes wrong"),
    codeFold("The solution", after.solution),
    ...after.alternatives.map(({ name, code }) => codeFold(`Another way: ${name.replaceAll("_", " ")}`, code)),
    h("details", { class: "rd-fold" }, h("summary", {}, "Notes"), h("div", { class: "rd-notes" }, ...notes.childNodes)),
    h("h3", {}, `${after.wrong.length} wrong solutions`),
    h("p", {}, "Each is the solution with one plausible mistake. Run it to see which test catches it, and why that matters."),
    h("ul", { class: "rd-wrong" }, ...after.wrong.map((one) => wrongRow(one, after.solution, grade))),
  );
}

/** @param {string} name @param {string} code */
function codeFold(name, code) {
  const inside = h("div", { class: "rd-editor rd-editor--reading" });
  let filled = false;
  return h(
    "details",
    {
      class: "rd-fold",
      ontoggle: () => {
        if (!filled) showCode(inside, code, name);
        filled = true;
      },
    },
    h("summary", {}, name),
    inside,
  );
}

/**
 * @param {After["wrong"][number]} wrong
 * @param {string} solution
 * @param {(code: string, status: (text: string) => void) => Promise<import("./verdict.js").Step[] | string>} grade
 */
function wrongRow(wrong, solution, grade) {
  const result = h("div", { class: "rd-wrong__result" });
  const button = h("button", { type: "button", class: "rd-button", "aria-label": `Run it: ${wrong.mistake}` }, "Run it");
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    const given = await grade(edited(solution, wrong.edits), (text) => {
      result.replaceChildren(h("p", {}, text));
    });
    button.removeAttribute("aria-disabled");
    if (typeof given === "string") {
      result.replaceChildren(h("p", {}, given));
      announce(given);
      return;
    }
    const failed = given.filter((step) => step.outcome === "failed");
    const local = wrong.fails.filter((n) => given.some((step) => step.n === n && step.outcome === "local_only"));
    const words = failed.length
      ? `Caught by step ${failed.map((step) => step.n).join(", ")}${local.length ? `, and by step ${local.join(", ")} when run locally` : ""}.`
      : local.length
        ? `Only step ${local.join(", ")} catches it, which has to be run locally.`
        : sentence(given);
    result.replaceChildren(
      h("p", {}, words),
      h("ol", { class: "rd-verdict__steps" }, ...failed.map((step) => stepRow(step, { goTo: () => {}, hints: null, open: step === failed[0] }))),
    );
    announce(words);
  });
  return h(
    "li",
    { class: "rd-wrong__one" },
    h("div", { class: "rd-wrong__head" }, h("p", { class: "rd-wrong__mistake" }, wrong.mistake), button),
    h("p", { class: "rd-wrong__incident" }, wrong.incident),
    h("details", { class: "rd-fold" }, h("summary", {}, "How it differs from the solution"), diffBlock(difference(solution, wrong.edits))),
    result,
  );
}

/** @param {string[]} lines that begin with "+", "-", "…" or a space */
function diffBlock(lines) {
  const names = { "+": ["rd-diff__in", "wrong"], "-": ["rd-diff__out", "right"] };
  return h(
    "pre",
    { class: "rd-diff", tabindex: "0" },
    ...lines.map((line) => {
      const [kind, said] = names[/** @type {"+" | "-"} */ (line[0])] ?? ["", ""];
      return h("code", { class: kind ?? "" }, said ? h("span", { class: "rd-said" }, `${said}: `) : null, `${line}\n`);
    }),
  );
}
