// What became of a run, as elements: one line a step, the first failing test of each, what was printed. Everything is
// put in as text; nothing that a program printed is ever read as HTML.

import { count, h } from "../review/dom.js";

/** @typedef {{who: string, call: string, line: number, did: string, note: string}} TraceRow */
/** @typedef {{id: string, outcome: string, message: string, line: number | null, seed: number | null, trace?: TraceRow[]}} Test */
/** @typedef {{n: number, title: string, stretch: boolean, outcome: string, tests: Test[]}} Step */

export const MARKS = { passed: "✓", failed: "✗", not_started: "·", local_only: "⌂", not_run: "–" };
export const WORDS = {
  passed: "passed",
  failed: "failed",
  not_started: "not started",
  local_only: "run locally: it needs threads or processes",
  not_run: "not run",
};
const LABELS = ["called", "got", "expected", "diff", "note", "trace", "costs", "rule", "in", "at"];
const PROSE = ["expected", "diff", "note", "costs", "rule", ""];
const PLACE = /^exercises\/\w+\/\w+\.py:(\d+)\s*(.*)$/s;

/**
 * The message's parts: the engine writes a label in the first ten columns, and indents what goes on.
 * @param {string} message
 * @returns {{label: string, text: string}[]}
 */
export function partsOf(message) {
  /** @type {{label: string, text: string}[]} */
  const parts = [];
  for (const line of message.split("\n")) {
    const label = LABELS.find((name) => line.startsWith(name.padEnd(10)));
    const last = parts[parts.length - 1];
    if (label) parts.push({ label, text: line.slice(10) });
    else if (last) last.text += `\n${line.startsWith("          ") ? line.slice(10) : line}`;
    else parts.push({ label: "", text: line });
  }
  return parts;
}

/** The steps that decide, and how many of them passed. @param {Step[]} steps */
export function core(steps) {
  const all = steps.filter((step) => !step.stretch);
  return {
    all: all.length,
    passed: all.filter((step) => step.outcome === "passed").length,
    local: all.filter((step) => step.outcome === "local_only"),
    /** Whether everything that can run in a page passed. */
    done: all.some((step) => step.outcome === "passed") && all.every((step) => ["passed", "local_only"].includes(step.outcome)),
  };
}

/** One sentence on a run. @param {Step[]} steps */
export function sentence(steps) {
  const { all, passed, local, done } = core(steps);
  const failed = steps.find((step) => step.outcome === "failed");
  const words = `${passed} of ${all} core steps passed.`;
  if (done && !failed) {
    const where = local.map((step) => step.n).join(", ");
    return local.length ? `${words} Step ${where} has to be run locally.` : `${words} The exercise is passed.`;
  }
  if (failed) return `${words} Step ${failed.n} failed: ${failed.title}.`;
  if (all && local.length === all) return "Every step of this exercise has to be run locally: none of them can run in a page.";
  const next = steps.find((step) => step.outcome === "not_started");
  return next ? `${words} Step ${next.n} is not started: ${next.title}.` : words;
}

/**
 * @param {Step} step
 * @param {{goTo: (line: number) => void, hints: HTMLElement | null, open: boolean}} options
 */
export function stepRow(step, { goTo, hints, open }) {
  const outcome = /** @type {keyof typeof WORDS} */ (step.outcome in WORDS ? step.outcome : "not_run");
  const failed = step.tests.filter((test) => test.outcome === "failed");
  const tally = failed.length && step.tests.length > 1 ? ` (${failed.length} of ${step.tests.length} tests)` : "";
  const head = [
    h("span", { class: "rd-verdict__mark", "aria-hidden": "true" }, MARKS[outcome]),
    h("span", { class: "rd-verdict__title" }, `Step ${step.n}: ${step.title}`, step.stretch ? h("span", { class: "rd-verdict__stretch" }, " stretch") : null),
    h("span", { class: "rd-verdict__word" }, WORDS[outcome] + tally),
  ];
  const row = { class: `rd-verdict__step rd-verdict__step--${outcome}` };
  if (!failed.length && !hints) return h("li", row, h("div", { class: "rd-verdict__head" }, ...head));
  const body = h("div", { class: "rd-verdict__body" });
  failed.slice(0, 1).forEach((test) => body.append(testBlock(test, goTo)));
  if (failed.length > 1) {
    body.append(
      h(
        "details",
        { class: "rd-verdict__more" },
        h("summary", {}, `${count(failed.length - 1, "more failing test")} of this step`),
        ...failed.slice(1).map((test) => testBlock(test, goTo)),
      ),
    );
  }
  if (hints) body.append(hints);
  return h("li", row, h("details", { class: "rd-verdict__fold", open }, h("summary", { class: "rd-verdict__head" }, ...head), body));
}

/** @param {Test} test @param {(line: number) => void} goTo */
function testBlock(test, goTo) {
  const list = h("dl", { class: "rd-verdict__parts" });
  for (const { label, text } of partsOf(test.message)) {
    if (label === "trace") {
      list.append(h("dt", {}, "trace"), h("dd", {}, traceTable(test.trace ?? [], goTo)));
      continue;
    }
    const place = label === "at" ? PLACE.exec(text) : null;
    list.append(
      h("dt", {}, label || "said"),
      place
        ? h(
            "dd",
            {},
            h("button", { type: "button", class: "rd-link", onclick: () => goTo(Number(place[1])) }, `line ${place[1]}`),
            h("code", {}, place[2] ?? ""),
          )
        : h("dd", {}, PROSE.includes(label) ? text : h("code", {}, text)),
    );
  }
  if (test.seed !== null && test.seed !== undefined) {
    list.append(h("dt", {}, "seed"), h("dd", {}, h("code", {}, `REDRIVE_SEED=${test.seed}`), " repeats exactly this run, locally"));
  }
  const name = test.id.split("::").pop() ?? test.id;
  return h("div", { class: "rd-verdict__test" }, h("p", { class: "rd-verdict__name" }, name.replace(/^test_/, "").replaceAll("_", " ")), list);
}

/** What happened, in order: a table, so that a screen reader can say which column it reads.
 * @param {TraceRow[]} rows @param {(line: number) => void} goTo */
function traceTable(rows, goTo) {
  const head = ["who", "call", "command → reply"].map((text) => h("th", { scope: "col" }, text));
  const body = rows.map(({ who, call, line, did, note }) =>
    h(
      "tr",
      { class: note ? "rd-trace__noted" : "" },
      h("th", { scope: "row" }, who),
      h("td", {}, call, line ? " " : "", line ? h("button", { type: "button", class: "rd-link", onclick: () => goTo(line) }, `line ${line}`) : null),
      h("td", {}, h("code", {}, did), note ? h("p", { class: "rd-trace__note" }, `← ${note}`) : null),
    ),
  );
  const table = h("table", {}, h("caption", {}, "The last commands, in the order in which Redis ran them"), h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...body));
  return h("div", { class: "rd-trace", tabindex: "0", role: "region", "aria-label": "trace" }, table);
}

/** What the tests printed. @param {{test: string, text: string}[]} printed */
export function printedBlock(printed) {
  if (!printed.length) return null;
  return h(
    "details",
    { class: "rd-printed" },
    h("summary", {}, `What your code printed in ${count(printed.length, "test")}`),
    ...printed.map(({ test, text }) =>
      h("div", {}, h("p", { class: "rd-verdict__name" }, test.replace(/^test_/, "").replaceAll("_", " ")), h("pre", { tabindex: "0" }, h("code", {}, text))),
    ),
  );
}

/** The lines of the learner's file that failing tests name. @param {Step[]} steps */
export function marksOf(steps) {
  /** @type {Map<number, string>} */
  const marks = new Map();
  for (const step of steps) {
    for (const test of step.tests) {
      if (test.outcome === "failed" && test.line && !marks.has(test.line)) {
        const got = partsOf(test.message).find(({ label }) => label === "got")?.text ?? test.message;
        marks.set(test.line, `step ${step.n}: ${got.split("\n")[0]}`);
      }
    }
  }
  return [...marks].map(([line, text]) => ({ line, text })).sort((a, b) => a.line - b.line);
}

/** Why the file could not be imported. @param {string} broken @param {number | null} line @param {(line: number) => void} goTo */
export function brokenBlock(broken, line, goTo) {
  return h(
    "div",
    { class: "rd-verdict__test" },
    h("pre", { tabindex: "0" }, h("code", {}, broken)),
    line ? h("button", { type: "button", class: "rd-link", onclick: () => goTo(line) }, `Go to line ${line}`) : null,
  );
}
