/* seen - what the analysis sees in a text, for the oracle.
 *
 * Reads u32 length and text, again and again; answers each with u32 opaque pieces, u32 commands; per command a string
 * (how it was found, "" in the text) and u32 words; per word u32 flags (enum shell_word_flags), and the strings text
 * and form (core/shell.h). A string is u32 length and bytes. */
#include <stdio.h>
#include <string.h>

#include "core/shell.h"

static void put_u32(size_t v)
{
    uint32_t n = (uint32_t)v;
    fwrite(&n, sizeof(n), 1, stdout);
}

static void put_string(const char *s)
{
    s = s ? s : "";
    put_u32(strlen(s));
    fwrite(s, 1, strlen(s), stdout);
}

static void tell(const struct shell *sh)
{
    put_u32(sh->nopaque);
    put_u32(sh->ncmds);
    for (size_t i = 0; i < sh->ncmds; i++) {
        const struct shell_cmd *c = sh->cmds[i];
        put_string(c->how);
        put_u32(c->nwords);
        for (size_t k = 0; k < c->nwords; k++) {
            put_u32(c->words[k].flags);
            put_string(c->words[k].text);
            put_string(c->words[k].form);
        }
    }
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
        tell(sh);
    }
    return fflush(stdout) != 0;
}
