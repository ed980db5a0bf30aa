/* ui - what the person at the terminal sees, and what they answer.
 *
 * Why it exists: one place decides on colour, width, order of stdout and
 * stderr, and that no text from outside reaches a terminal unsafe: everything
 * but ui_raw goes through text_clean.
 * May include: base/ os/ cli/text.h.   Threads: one.
 *
 * stdout carries results, stderr notes and errors; questions go to stdout
 * (they are asked only when stdin and stdout are a terminal). */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "cli/text.h"
#include <signal.h>

enum ui_style { UI_PLAIN, UI_BOLD, UI_DIM, UI_RED, UI_GREEN, UI_YELLOW, UI_CYAN };

#define UI_RING 16
struct ui {
    int in, out, err; /* fds; out -1: output stays in `ob` (tests) */
    bool in_tty, out_tty, err_tty;
    bool color, ecolor; /* on stdout, on stderr */
    bool quiet, json;
    bool broken; /* stdout takes no more: stop and leave */
    int sys;     /* errno of that */
    int columns; /* of stdout's terminal; 0: no terminal, nothing is cut */
    struct buf ob;
    char *ring[UI_RING]; /* results of ui_one */
    unsigned at;
    const volatile sig_atomic_t *interrupt; /* set by SIGINT */
};

/* no_color also follows NO_COLOR (no-color.org) and TERM=dumb. */
void ui_init(struct ui *, const volatile sig_atomic_t *interrupt);
void ui_colors(struct ui *, bool wanted);
void ui_fini(struct ui *);
void ui_flush(struct ui *);
bool ui_interactive(const struct ui *);

/* Everything the format gives is cleaned (line feeds stay): text from outside goes in through ui_one. */
void ui_printf(struct ui *, const char *fmt, ...) PRINTF(2, 3);
/* One line's worth of text in a style. NULL prints nothing. */
void ui_put(struct ui *, enum ui_style, const char *s);
/* The escape sequence of a style on stdout, "" without colour; UI_PLAIN resets. Goes out by ui_raw. */
const char *ui_sgr(const struct ui *, enum ui_style);
void ui_raw(struct ui *, const void *p, size_t n);
/* Safe one-line copy; valid for the next UI_RING - 1 calls. NULL gives "". */
const char *ui_one(struct ui *, const char *s);
/* The server's JSON and a line feed, as it came; on a terminal through text_json. */
void ui_json(struct ui *, const char *p, size_t n);

/* One line to stderr; not with -q. */
void ui_note(struct ui *, const char *fmt, ...) PRINTF(2, 3);
void ui_warn(struct ui *, const char *fmt, ...) PRINTF(2, 3);
/* "sallyport: what happened" and, indented, what to do next. */
void ui_error(struct ui *, const struct err *, const char *hint);
/* Raw bytes to stderr (a step's own stderr). */
void ui_raw_err(struct ui *, const void *p, size_t n);

/* Asks and reads one line. `elsewhere` (may be NULL) is called about twice a second while the person thinks: 1 =
 * answered elsewhere, negative = error. What was typed before the question is thrown away: it cannot be an answer.
 * Returns 0 and the line in answer (trimmed, cut), 1 answered elsewhere, -ERR_EMPTY at end of input, -ERR_INTERRUPTED.
 */
CHECKED int ui_ask(struct ui *, const char *question, int (*elsewhere)(void *, struct err *), void *arg, char *answer,
                   size_t cap, struct err *);

/* Shows bytes (a diff, a report) through $PAGER when stdout is a terminal; as they are else. */
void ui_page(struct ui *, const char *p, size_t n, bool diff);
