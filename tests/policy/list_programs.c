/* list_programs - for against_shells.py: reads texts (u32 length, bytes), answers each with one digit.
 * 1: the program `evil` is among what is seen, or something is opaque; 0: neither. */
#include <stdio.h>
#include <string.h>

#include "core/shell.h"

static bool seen(const struct shell *sh)
{
    for (size_t i = 0; i < sh->ncmds; i++) {
        const struct shell_cmd *c = sh->cmds[i];
        if (c->nwords && (!c->words[0].value || strstr(c->words[0].value, "evil")))
            return true;
    }
    return sh->nopaque > 0;
}

int main(void)
{
    static char text[SHELL_TEXT_MAX];
    uint32_t n;

    while (fread(&n, sizeof(n), 1, stdin) == 1) {
        AUTO_PTR(shell_free) struct shell *sh = NULL;
        if (n > sizeof(text) || fread(text, 1, n, stdin) != n)
            return 1;
        if (shell_parse(text, n, &sh, NULL) < 0 || shell_unwrap(sh, NULL) < 0)
            return 1;
        putchar(seen(sh) ? '1' : '0');
        fflush(stdout);
    }
    return 0;
}
