/* planform - the steps of a plan as a text to edit, and back.
 *
 * Why it exists: `e` at the first door opens an editor; what is saved becomes
 * PUT /runs/{id}/plan. What was not touched comes back exactly as it was.
 * May include: base/ cli/text.h.   Pure.   Threads: any.
 *
 *   # a comment
 *   step: make test            one step each; its command on this line
 *   title: Run the unit tests  the rest is optional
 *   cwd: sub
 *   env: CI HOME
 *   time: 30s
 *
 *   step: |                    or on the lines below, indented by four blanks
 *       set -e
 *       make test
 *
 *   argv: ["make", "test"]     or as arguments, without a shell
 *   json: "a\u202eb"           or as a JSON string: commands that a text cannot show as they are */
#pragma once
#include "base/json.h"

/* Appends the text of a Plan. */
void planform_write(struct buf *out, const struct json *plan);
/* Appends the body {"steps":[StepRequest]}. *ret_n: number of steps (0: nothing but comments). ERR_INVALID names
 * the line. */
CHECKED int planform_read(const char *p, size_t n, struct buf *out, size_t *ret_n, struct err *);
