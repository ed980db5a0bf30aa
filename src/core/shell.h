/* shell - what a piece of shell text would run, as far as its text tells.
 *
 * Why it exists: a policy must judge programs and their arguments, not
 * characters. This parser knows POSIX sh and the common part of bash, lists
 * every simple command wherever it hides, and calls everything it does not
 * understand *opaque*: it never guesses in favour of the text.
 * May include: base/.  Pure: no clock, no file, no state.  Threads: any; a
 * struct shell has one owner.
 *
 *     text ──shell_parse──► cmds as written ──shell_unwrap──► + cmds seen through wrappers
 *                                │                                    (bash -c, env, sudo, find -exec …)
 *                                └─► opaque pieces: reason and place
 *
 * Rules: POSIX.1-2017 XCU 2 "Shell Command Language"; bash(1) 5.2. Where sh and
 * bash read a text differently, the reading that runs more counts, or the
 * text is opaque.
 *
 * Bounds: text at most 64 KiB, nesting at most 64, commands at most 1024, 128
 * words from one brace expansion, 256 KiB of text parsed again (bash -c, `…`).
 * Past a bound the rest is opaque. */
#pragma once
#include "base/buf.h"
#include "base/err.h"

#define SHELL_TEXT_MAX     (64 * KIB)
#define SHELL_DEPTH_MAX    64
#define SHELL_CMDS_MAX     1024
#define SHELL_BRACE_MAX    128
#define SHELL_OPAQUE_MAX   128
#define SHELL_READINGS_MAX 64 /* combinations of what variables may hold: a word with more is opaque */

/* Bytes of the text that was given. A piece of nested text (`bash -c '…'`) carries the range of the word that holds it.
 */
struct shell_range {
    uint32_t at, len;
};

/* A word's `form` is its value with these bytes in the place of what is not literal.
 * Literal control characters never occur in a form: the text that has them is opaque. */
#define SHELL_F_VAR  '\x01' /* \x01 name \x01: a variable; an empty name: text that nobody can know */
#define SHELL_F_STAR '\x02' /* an unquoted '*' */
#define SHELL_F_ONE  '\x03' /* an unquoted '?' or '[…]' */
#define SHELL_F_HOME '\x05' /* $HOME, ~ */
#define SHELL_F_PWD  '\x06' /* $PWD, ~+, $(pwd) */

enum shell_word_flags {
    SHELL_W_DYNAMIC = 1 << 0, /* holds an expansion */
    SHELL_W_GLOB = 1 << 1,    /* holds a live * ? or [ */
    SHELL_W_SPLIT = 1 << 2,   /* holds an unquoted expansion: may become no word or many */
    SHELL_W_SUBST = 1 << 3,   /* holds a command or process substitution */
    SHELL_W_QUOTED = 1 << 4,  /* some of it was quoted */
    SHELL_W_BRACE = 1 << 5,   /* came out of a brace expansion */
    SHELL_W_DOLLAR = 1 << 7,  /* holds $'…' or $"…", where the dollar stands for itself in sh */
    SHELL_W_MADE = 1 << 6,    /* not in the text: added by the analysis (xargs input, {} of find) */
};

struct shell_word {
    const char *text;  /* as written, or what it was expanded to; NUL-terminated */
    const char *form;  /* see above */
    const char *value; /* == form when it is wholly literal; NULL when it is not known before it runs */
    unsigned flags;
};

struct shell_assign {
    const char *name;
    struct shell_word value;
    bool append;   /* += */
    bool array;    /* name=( … ): value is not known */
    bool exported; /* by export, declare -x, env … */
};

enum shell_redir_op {
    SHELL_R_IN,      /* <  */
    SHELL_R_OUT,     /* >  */
    SHELL_R_APPEND,  /* >> */
    SHELL_R_CLOBBER, /* >| */
    SHELL_R_RW,      /* <> */
    SHELL_R_BOTH,    /* &> and >&word */
    SHELL_R_BOTHAPP, /* &>> */
    SHELL_R_DUPIN,   /* <&n */
    SHELL_R_DUPOUT,  /* >&n */
    SHELL_R_HEREDOC, /* << <<- */
    SHELL_R_HERESTR, /* <<< */
};

struct shell_redir {
    enum shell_redir_op op;
    int fd;                    /* -1: the usual one, or a {name} */
    struct shell_word *target; /* never NULL; of a heredoc: its text */
};

enum shell_ctx {
    SHELL_C_PIPE = 1 << 0,       /* part of a pipeline */
    SHELL_C_PIPE_IN = 1 << 1,    /* its stdin is a pipe */
    SHELL_C_SUBST = 1 << 2,      /* inside $( ), ` `, <( ), >( ) */
    SHELL_C_SUBSHELL = 1 << 3,   /* inside ( ) */
    SHELL_C_FUNC = 1 << 4,       /* inside a function body */
    SHELL_C_LOOP = 1 << 5,       /* inside for, while, until, select */
    SHELL_C_COND = 1 << 6,       /* inside if or case */
    SHELL_C_BACKGROUND = 1 << 7, /* followed by & */
    SHELL_C_MAYBE = 1 << 9,      /* behind && or || */
    SHELL_C_STDIN = 1 << 8,      /* stdin comes from a redirection of its own or of the compound around it */
};

struct shell_cmd {
    struct shell_range at;
    const char *text;         /* its own source text */
    struct shell_word *words; /* [0] is the program; none for a mere assignment or redirection */
    size_t nwords;
    struct shell_assign *assigns;
    size_t nassigns;
    struct shell_redir *redirs;
    size_t nredirs;
    unsigned ctx;                        /* enum shell_ctx */
    int scope;                           /* index into shell.scopes: a subshell has its own current directory */
    int pipe_from;                       /* command whose stdout feeds this one's stdin; -1: none, or a compound */
    const struct shell_word *stdin_text; /* of a heredoc or here-string; NULL: none */
    const char *func;                    /* the function whose body this is; NULL: none */
    int via;                             /* command through which this was seen; -1: stands in the text */
    const char *how;                     /* the wrapper: "bash -c", "xargs"; NULL: stands in the text */
    bool transparent;                    /* a wrapper that only runs what was found in it */
    unsigned nest;                       /* how many texts within texts */
};

struct shell_opaque {
    struct shell_range at;
    const char *reason; /* a sentence without a full stop */
    const char *text;   /* the piece, shortened */
    int cmd;            /* of which command; -1: of the text */
};

struct shell_var {
    const char *name;
    const char *form; /* one value the text gives to it; a name may have several rows */
};

struct shell_func {
    const char *name;
    struct shell_range at;
    bool sure; /* defined whatever happens: at the top, in no branch */
};

struct shell {
    struct shell_cmd **cmds; /* in the order of the text; those seen through wrappers come after */
    size_t ncmds;
    struct shell_opaque *opaque;
    size_t nopaque;
    struct shell_var *vars;
    size_t nvars;
    struct shell_func *funcs;
    size_t nfuncs;
    int *scopes; /* parent of each scope; [0] = -1 */
    size_t nscopes;
    struct shell_priv *priv;
};

/* Parses n bytes. Never fails on what the text says (that is what opaque pieces are for); only -ERR_OOM. */
CHECKED int shell_parse(const char *text, size_t n, struct shell **ret, struct err *);
/* One simple command given as a vector; no shell reads it. */
CHECKED int shell_from_argv(const char *const *argv, size_t n, struct shell **ret, struct err *);
/* Second layer: adds the commands inside wrappers and the opaque pieces they make. Call once. */
CHECKED int shell_unwrap(struct shell *, struct err *);
void shell_free(struct shell *);
DEFINE_AUTO_PTR(struct shell, shell_free);

/* What a form may look like once the variables the text itself sets are put in; the `pick`th
 * combination. False when there is no such combination. Appends to out. */
bool shell_resolve(const struct shell *, const char *form, unsigned pick, struct buf *out);
/* How many readings it has; SHELL_READINGS_MAX + 1: more, or more than can be followed. */
unsigned shell_readings(const struct shell *, const char *form);
/* The part behind the last '/'. */
const char *shell_base(const char *program);
/* The form holds no variable: nothing in it is unknown but globs, the home and the current directory. */
bool shell_form_known(const char *form);
