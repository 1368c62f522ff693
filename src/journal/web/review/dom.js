// Making elements without ever parsing text as HTML, and the page's one quiet live region.

/**
 * A new element. Keys that begin with "on" are listeners, `true` is a bare attribute, `false` none; a string child is text.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | ((event: any) => void)>} [attributes]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * @param {number} number
 * @param {string} noun
 */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** @type {HTMLElement | undefined} */
let region;

/**
 * Have a screen reader say `text` when it is idle.
 * @param {string} text
 */
export function announce(text) {
  if (!region) {
    region = h("div", { class: "rd-said", role: "status" });
    (document.querySelector("article") ?? document.body).append(region);
  }
  // The same words twice are no change, and would not be said.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

/**
 * A clock time today, else the day as well.
 * @param {number} atUs
 */
export function timeText(atUs) {
  const at = new Date(atUs / 1000);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  return at.toDateString() === new Date().toDateString() ? time : `${dayText(atUs)}, ${time}`;
}

/** @param {number} atUs */
export function dayText(atUs) {
  return new Date(atUs / 1000).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" });
}
