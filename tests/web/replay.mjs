// Replays histories with the page's own schedule. In Node: one JSON history a line on stdin, one JSON result a line on
// stdout, which tests/web/test_schedule_agreement.py compares with Python's.

/** @param {string} base where the page's modules are, ending in a slash */
export async function replayer(base) {
  const { parseLine } = await import(`${base}events.js`);
  const { dayEndsAtUs, dayOf, offsetMin } = await import(`${base}journal-day.js`);
  const { dueToday, dueUs, forecast, intervalWords, isLeech, preview, replay, retrievability } = await import(
    `${base}schedule.js`
  );
  return ({ events, steps, now }) => {
    const states = replay(events.map(parseLine), new Map(Object.entries(steps)));
    return {
      states: [...states.values()].map((state) => ({
        ...state,
        due: dueUs(state),
        leech: isLeech(state),
        recall: retrievability(state, now),
        preview: preview(state, now).slice(1),
        words: preview(state, now).slice(1).map(intervalWords),
      })),
      due: dueToday(states, now).map((state) => state.card),
      forecast: forecast(states, now, 14),
      day: [dayOf(now), dayEndsAtUs(now), offsetMin(now)],
    };
  };
}

if (globalThis.process?.argv?.[2]) {
  const { createInterface } = await import("node:readline");
  const replayed = await replayer(process.argv[2]);
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(replayed(JSON.parse(line)))}\n`);
  }
}
