// The forgetting curve of a card and the forecast of the coming days, as inline SVG in the look of fences/charts.py.

import { chanceAfter } from "../schedule.js";
import { count, h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
let drawn = 0;

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function s(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/**
 * @param {string} title
 * @param {string} description
 * @param {number} width
 * @param {number} height
 * @param {Element[]} body
 */
function drawing(title, description, width, height, body) {
  drawn += 1;
  const name = `rd-drawn-${drawn}`;
  const svg = s("svg", {
    class: "rd-chart",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-labelledby": `${name}-title ${name}-desc`,
  });
  svg.append(s("title", { id: `${name}-title` }, title), s("desc", { id: `${name}-desc` }, description), ...body);
  return svg;
}

/** @param {number} x @param {number} y @param {string} text @param {string} [anchor] */
function label(x, y, text, anchor = "middle") {
  return s("text", { class: "rd-chart__label", x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor }, text);
}

const path = (/** @type {string} */ kind, /** @type {string} */ d) => s("path", { class: `rd-chart__${kind}`, d });

/**
 * How the chance of recall falls after the last review, with the day on which the card is due.
 * @param {number} stability days
 * @param {number} dueDays days from the last review to the due instant
 * @param {number} elapsedDays days since the last review
 */
export function forgettingCurve(stability, dueDays, elapsedDays) {
  const [left, right, top, bottom] = [50, 470, 14, 150];
  const horizon = Math.max(1, Math.ceil(Math.max(dueDays, elapsedDays, stability) * 1.6));
  const x = (/** @type {number} */ day) => left + ((right - left) * day) / horizon;
  const y = (/** @type {number} */ chance) => bottom - (bottom - top) * chance;
  const at = (/** @type {number} */ day) => `${x(day).toFixed(1)} ${y(chanceAfter(day, stability)).toFixed(1)}`;
  const percent = (/** @type {number} */ chance) => `${Math.round(chance * 100)} %`;
  const every = Math.max(1, Math.ceil(horizon / 6));
  const body = [0, 0.5, 0.9, 1].flatMap((chance) => [
    path("grid", `M${left} ${y(chance).toFixed(1)}H${right}`),
    label(left - 8, y(chance) + 4, percent(chance), "end"),
  ]);
  for (let day = 0; day <= horizon; day += every) body.push(label(x(day), bottom + 18, String(day)));
  body.push(
    label(right, bottom + 34, "days since the last review", "end"),
    path("line", `M${Array.from({ length: 61 }, (_, i) => at((horizon * i) / 60)).join("L")}`),
    path("mark", `M${x(dueDays).toFixed(1)} ${top}V${bottom}`),
  );
  const [cx, cy] = at(elapsedDays).split(" ");
  body.push(s("circle", { class: "rd-chart__dot", cx: cx ?? 0, cy: cy ?? 0, r: 5 }));
  const words =
    `The chance of recall is ${percent(chanceAfter(elapsedDays, stability))} now, ` +
    `${percent(chanceAfter(dueDays, stability))} when the card is due, ` +
    `and ${percent(chanceAfter(horizon, stability))} after ${count(horizon, "day")} without a review.`;
  return h(
    "figure",
    { class: "rd-figure", tabindex: "0" },
    drawing("Forgetting curve", words, 480, 190, body),
    h("figcaption", {}, `${words} The dot is now, the dashed line the day on which the card is due.`),
  );
}

/**
 * How many cards fall due on each of the coming days; the same numbers stand in a table.
 * @param {number[]} counts by day, today first
 * @param {(ahead: number) => string} dayName
 */
export function forecastChart(counts, dayName) {
  const [width, bottom, top] = [480, 116, 22];
  const most = Math.max(1, ...counts);
  const step = width / counts.length;
  const body = [path("axis", `M0 ${bottom}.5H${width}`)];
  for (const [ahead, number] of counts.entries()) {
    const height = ((bottom - top) * number) / most;
    const middle = step * (ahead + 0.5);
    if (number) {
      body.push(
        s("rect", {
          class: "rd-chart__on",
          x: (middle - step * 0.32).toFixed(1),
          y: (bottom - height).toFixed(1),
          width: (step * 0.64).toFixed(1),
          height: height.toFixed(1),
          rx: 2,
        }),
      );
      body.push(label(middle, bottom - height - 6, String(number)));
    }
    if (ahead % 2 === 0) body.push(label(middle, bottom + 18, ahead ? `+${ahead}` : "today"));
  }
  const total = counts.reduce((sum, number) => sum + number, 0);
  const words = total
    ? `${count(total, "card")} already begun fall${total === 1 ? "s" : ""} due within ${count(counts.length, "day")}; ` +
      `${counts[0]} today, ${counts[1] ?? 0} tomorrow.`
    : `Nothing falls due within ${count(counts.length, "day")}.`;
  const rows = counts.flatMap((number, ahead) =>
    number ? [h("tr", {}, h("th", { scope: "row" }, dayName(ahead)), h("td", {}, String(number)))] : [],
  );
  const table = h(
    "table",
    {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Day"), h("th", { scope: "col" }, "Cards due"))),
    h("tbody", {}, ...rows),
  );
  return h(
    "figure",
    { class: "rd-figure", tabindex: "0" },
    drawing("What falls due", words, width, 140, body),
    h("figcaption", {}, words),
    rows.length ? h("details", { class: "rd-numbers" }, h("summary", {}, "The same as a table"), table) : null,
  );
}
