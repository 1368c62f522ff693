/** The journal's declared name; esbuild puts it in. */
declare const JOURNAL_NAME: string;
