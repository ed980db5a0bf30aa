/* cli - the command line: every command that is not the server's own.
 *
 * Why it exists: people and scripts drive Sallyport from a shell. The CLI holds
 * no second implementation of anything: it asks the server over HTTP
 * (docs/API.md) and shows what comes back, made safe for a terminal.
 * May include: base/ os/ net/.   Threads: one. */
#pragma once

/* Whole program run: argv as main got it. no_console: why this program holds no web console; "" when it does.
 * Returns the exit code (see sallyport(1)). */
int cli_main(int argc, char **argv, const char *no_console);
