// Reviews in the page: turns the folded answers that the cards fence renders into cards that come back in time.
// A classic script, so that it also runs in a page opened from disk.

import { openHistory } from "./history/open.js";
import { enhance } from "./review/page.js";

const history = openHistory();
void history.ready.then(() => enhance(document, history));
