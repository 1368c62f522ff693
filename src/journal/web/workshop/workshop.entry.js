// An exercise's page: the brief is there already, this opens the editor below it.

import { openHistory } from "../history/open.js";
import { h } from "../review/dom.js";
import { whyNot } from "./python.js";
import { openWorkshop } from "./workbench.js";

const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-workshop]"));
if (section) {
  const place = section.querySelector(".rd-workshop__place") ?? section;
  const slug = section.dataset.workshop ?? "";
  const local = h("code", {}, `.venv/bin/pytest exercises/${slug}`);
  const why = whyNot();
  if (why === "disk") {
    place.replaceChildren(h("p", {}, "A page opened from disk may not run Python. Serve the site to run this: ", h("code", {}, "make site"), ". Or run it locally: ", local, "."));
  } else if (why) {
    place.replaceChildren(h("p", {}, "This browser is too old to run Python in a page. Run it locally: ", local, "."));
  } else {
    openWorkshop(section, openHistory()).catch((error) => {
      place.replaceChildren(h("p", {}, `The editor could not be opened: ${error instanceof Error ? error.message : String(error)}. Run it locally: `, local, "."));
    });
  }
}
