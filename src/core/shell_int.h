/* shell_int - what the parts of the shell analysis share. Not for others.
 *
 * May include: base/ core/shell.h. */
#pragma once
#include "core/shell.h"

#define SHELL_MEM_MAX    (24 * MIB)
#define SHELL_AGAIN_MAX  (256 * KIB) /* nested text parsed in all */
#define SHELL_NEST_MAX   8           /* bash -c "bash -c …" */
#define SHELL_VARS_MAX   512
#define SHELL_SCOPES_MAX 2048

/* While a word is built these stand for live braces; the expansion takes them out again. */
#define SHELL_F_OPEN  '\x0e'
#define SHELL_F_COMMA '\x0f'
#define SHELL_F_CLOSE '\x10'

struct shell_block {
    struct shell_block *next;
    size_t used, cap;
    char p[];
};

struct shell_priv {
    struct shell_block *blocks;
    size_t total; /* bytes of blocks */
    size_t limit; /* of total */
    size_t again; /* bytes of nested text parsed */
    bool oom;     /* the system gave no memory: the call fails */
    bool full;    /* a bound was met: the text is opaque */
    size_t cap_cmds, cap_opaque, cap_vars, cap_funcs, cap_scopes;
};

/* Zeroed, aligned; NULL once a bound is met (then priv->full or ->oom is set and everything unwinds). */
void *shell_alloc(struct shell *, size_t n);
char *shell_strn(struct shell *, const char *p, size_t n);
/* One more element of a growing arena array: its address, or NULL. */
void *shell_push(struct shell *, void *array, size_t *n, size_t *cap, size_t size);
static inline bool shell_dead(const struct shell *sh)
{
    return sh->priv->oom || sh->priv->full;
}

int shell_add_cmd(struct shell *, struct shell_cmd *); /* its index, or -1 */
/* reason is static; text is shortened. The same reason for the same place stands once. */
void shell_add_opaque(struct shell *, struct shell_range, const char *reason, const char *text, size_t n, int cmd);
void shell_add_var(struct shell *, const char *name, const char *form);
int shell_add_scope(struct shell *, int parent);
/* A bound was met: says so. */
void shell_note_full(struct shell *);
bool shell_is_func(const struct shell *, const char *name);

/* Sets value from form and flags. */
void shell_word_finish(struct shell_word *);
/* A word of literal text, or of a form. */
struct shell_word shell_word_lit(struct shell *, const char *s);
struct shell_word shell_word_form(struct shell *, const char *form, size_t n);

/* A text to parse into sh. */
struct shell_source {
    const char *s;
    size_t n;
    bool nested; /* every range is `outer` */
    struct shell_range outer;
    int scope;
    unsigned ctx;
    int pipe_from;
    const struct shell_word *stdin_text;
    const char *func;
    int via;
    const char *how;
    unsigned nest;
    int depth;
};
void shell_parse_source(struct shell *, const struct shell_source *);
/* A text found in command `via`: parses it with that command's surroundings. */
void shell_parse_inner(struct shell *, int via, const char *how, const char *text, size_t n, bool new_scope);

size_t shell_ps_name(const char *s, size_t n); /* length of the variable name at s, 0 when there is none */
/* Puts the words of `w` (with live braces) behind *words. False: too many. */
bool shell_brace_expand(struct shell *, const struct shell_word *w, struct shell_word **words, size_t *n, size_t *cap);
/* Live braces become literal ones. */
void shell_brace_drop(char *form);
