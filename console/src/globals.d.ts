/* What build.mjs puts in place of these names. */
declare const VERSION: string;
declare const WORKER_URL: string;
declare const SHELL: string;
declare const PRECACHE: string[];
