// What the journal calls itself in pyproject.toml (`[tool.journal]`, `name`): every key in this browser's storage begins
// with it, so that two journals on one host keep apart. `journal.site.web` puts it in when it bundles.

/** Without a bundler, in Node, the name is the engine's default. */
export const NAME = typeof JOURNAL_NAME === "undefined" ? "journal" : JOURNAL_NAME;
