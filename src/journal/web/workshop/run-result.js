// What a run came to: steps with their outcomes, or one sentence where nothing could be graded.

/** @typedef {import("./verdict.js").Step} Step */

/**
 * A run's end in terms of steps; a string where there is nothing to say of any step.
 * @param {Awaited<ReturnType<import("./python.js").Python["ask"]>>} result
 * @param {{n: number, title: string, stretch: boolean}[]} known
 */
export function runResult(result, known) {
  if (result.kind === "done") {
    const { report, error, printed, ms } = result;
    if (!report) return `Nothing could be graded: ${error}`;
    return {
      steps: /** @type {Step[]} */ (report.steps),
      broken: /** @type {string | null} */ (report.broken),
      brokenLine: /** @type {number | null} */ (report.broken_line),
      ended: error,
      printed,
      ms,
    };
  }
  const { began } = result;
  const where = began?.step ? `Step ${began.step} (${began.test.replace(/^test_/, "").replaceAll("_", " ")})` : "Your code";
  const ended = {
    stuck: () =>
      `${where} was still running after ${result.kind === "stuck" ? result.limitMs / 1000 : 0} seconds: an endless loop, or a call that blocks. It was ended, and Python was restarted.`,
    dead: () => `${where} ended Python itself (${result.kind === "dead" ? reasonOf(result.reason) : ""}). Python was restarted.`,
    stopped: () => "Stopped. Python was restarted.",
  }[result.kind]();
  const steps = known.map(({ n, title, stretch }) => ({
    n,
    title,
    stretch,
    outcome: n === began?.step && result.kind !== "stopped" ? "failed" : (began?.steps[n] ?? "not_run"),
    tests: /** @type {Step["tests"]} */ ([]),
  }));
  return { steps, broken: null, brokenLine: null, ended, printed: [], ms: 0 };
}

/** @param {string} reason what Pyodide threw */
function reasonOf(reason) {
  if (/exit|ExitStatus/i.test(reason)) return "os._exit, or something like it";
  if (/memory|allocat|out of bounds/i.test(reason)) return "no memory was left";
  if (/stack|recursion/i.test(reason)) return "calls nested too deeply";
  return reason.trim().split("\n").pop()?.slice(0, 200) ?? "for no reason that it gave";
}
