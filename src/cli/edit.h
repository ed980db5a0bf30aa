/* edit - a text in the person's own editor.  May include: base/ os/ cli/ui.h.  Threads: one. */
#pragma once
#include "cli/ui.h"

/* Opens $VISUAL, $EDITOR or vi on a private file with text's bytes (name: "plan.txt", for the editor's colours);
 * puts what was saved into text. ERR_USAGE without a terminal, ERR_IO when the editor failed (nothing is taken then).
 */
CHECKED int edit_text(struct ui *, const char *name, struct buf *text, struct err *);
