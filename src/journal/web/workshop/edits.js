// A wrong solution is the solution with some lines changed, and travels as those changes.

/** @typedef {[number, number, string[]]} Edit the first line, from 0, how many lines go, and those that take their place */

const CONTEXT = 2;

/**
 * The whole wrong program.
 *
 * @param {string} solution
 * @param {Edit[]} edits in the order of the lines
 */
export function edited(solution, edits) {
  const lines = solution.split("\n");
  for (const [first, count, fresh] of [...edits].reverse()) lines.splice(first, count, ...fresh);
  return lines.join("\n");
}

/**
 * What is wrong, line by line: "-" is the solution's, "+" the wrong one's, " " is in both, "…" is what lies between.
 *
 * @param {string} solution
 * @param {Edit[]} edits in the order of the lines
 */
export function difference(solution, edits) {
  const lines = solution.split("\n");
  /** @type {string[]} */
  const shown = [];
  let next = 0;
  edits.forEach(([first, count, fresh], number) => {
    const from = Math.max(next, first - CONTEXT);
    if (from > next || number === 0) shown.push("…");
    const end = first + count;
    next = Math.min(end + CONTEXT, edits[number + 1]?.[0] ?? lines.length);
    shown.push(
      ...lines.slice(from, first).map((line) => ` ${line}`),
      ...lines.slice(first, end).map((line) => `-${line}`),
      ...fresh.map((line) => `+${line}`),
      ...lines.slice(end, next).map((line) => ` ${line}`),
    );
  });
  return shown;
}
