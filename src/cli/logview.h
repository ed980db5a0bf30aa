/* logview - what steps write, as it comes, with a margin that tells the streams apart.
 *
 *     | a line of stdout            the margin is coloured on a terminal, and always there:
 *   err| a line of stderr           colour alone would not reach everybody
 *   sys| a line of Sallyport's own
 *
 * On a terminal the bytes are made safe (text.h) and colours end with their line, so no log can paint our own
 * prompts. Elsewhere they pass as they are behind the margin.
 * May include: base/ cli/ui.h.   Threads: one. */
#pragma once
#include "base/json.h"
#include "cli/ui.h"

enum { LV_OUT, LV_ERR, LV_SYS, LV_N };

struct logview {
    struct ui *ui;
    char step[40]; /* whose line is open */
    int stream;
    bool mid; /* a line is open */
    struct lv_stream {
        char tail[TEXT_TAIL_MAX]; /* bytes that wait for their rest */
        size_t ntail;
        char sgr[64]; /* colours in force, to be set again on the next line */
        size_t nsgr;
    } s[LV_N];
};

void logview_init(struct logview *, struct ui *);
int logview_stream(const char *name); /* "stdout" "stderr" "system" -> LV_*; others LV_SYS */
void logview_add(struct logview *, const char *step_id, int stream, const char *p, size_t n);
/* Ends what is open: before anything else is printed. */
void logview_break(struct logview *);
/* The step has ended: what waits for its rest comes out as it is. */
void logview_end(struct logview *);

/* Bytes of a log frame's {text | text_b64}: *ret is in `room` or in the JSON. */
CHECKED int logview_bytes(const struct json *frame, struct buf *room, const char **ret, size_t *ret_n, struct err *);
