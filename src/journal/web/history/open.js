// Which history this page has: the shared one where a server offers it, else this browser's own.

import { browserHistory } from "./browser.js";
import { sharedHistory } from "./shared.js";

/** @returns {import("./browser.js").History} */
export function openHistory() {
  const url = document.querySelector('meta[name="redrive-history"]')?.getAttribute("content");
  return url?.startsWith("/") ? sharedHistory(url) : browserHistory();
}
