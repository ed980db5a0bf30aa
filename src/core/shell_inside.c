/* shell_inside - programs that are given code: shells, eval and its kin, interpreters.
 *
 * Why it exists: what a shell is given as literal text is parsed and judged
 * like any other text; what it is given otherwise, and the code of other
 * languages, is opaque.
 * May include: core/shell_wrap.h.  Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

static bool one_of(const char *s, const char *const *list, size_t n)
{
    for (size_t i = 0; s && i < n; i++) {
        if (strcmp(list[i], s) == 0)
            return true;
    }
    return false;
}
#define ONE_OF(s, list) one_of(s, list, ARRAY_LEN(list))

/* --- what stdin holds --- */

/* The output of `echo LITERAL…`, `printf LITERAL` and `printf %s LITERAL`; NULL when it is anything else. */
static const char *echo_text(struct uw *u, const struct shell_cmd *c)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX);
    bool echo = str_eq(c->words[0].value, "echo"), print = str_eq(c->words[0].value, "printf");
    size_t i = 1;

    if ((!echo && !print) || shell_is_func(u->sh, c->words[0].value))
        return NULL;
    for (size_t k = 1; k < c->nwords; k++) { /* echo $'-n' a | sh: to sh that is $-n, which the second sh expands */
        if (uw_disputed(&c->words[k]))
            return NULL;
    }
    if (c->nwords == 1)
        return "";
    const char *first = c->words[1].form;
    bool option = first[0] == '-' && first[1] && (print || strspn(first + 1, "neE") == strlen(first + 1));
    if (echo ? str_eq(first, "-n") : str_eq(first, "%s") || str_eq(first, "%s\\n"))
        i++;
    else if (option || (print && (c->nwords > 2 || strchr(first, '%'))))
        return NULL;                /* echo -e: an option for bash, a word for sh */
    if (print && c->nwords > i + 1) /* the format is used again for each */
        return NULL;
    for (; i < c->nwords; i++) {
        if (b.len)
            buf_addc(&b, ' ');
        buf_puts(&b, c->words[i].form);
    }
    return b.bad ? NULL : shell_strn(u->sh, b.p ? b.p : "", b.len);
}

static bool descends(const struct shell *sh, int from, int to)
{
    while (from >= 0 && from != to)
        from = sh->cmds[from]->via;
    return from == to;
}

/* Another command reads the same stdin: `{ read x; sh; } <<E`. What it leaves is not the text. */
static bool stdin_shared(const struct uw *u)
{
    for (size_t i = 0; i < u->sh->ncmds; i++) {
        const struct shell_cmd *c = u->sh->cmds[i];
        bool same = u->c->stdin_text ? c->stdin_text == u->c->stdin_text : c->pipe_from == u->c->pipe_from;
        bool made = c->how && (str_eq(c->how, "chdir") || str_eq(c->how, "variable") || str_eq(c->how, "function"));
        if (same && c->nwords && !made && !descends(u->sh, (int)i, u->at) && !descends(u->sh, u->at, (int)i))
            return true;
    }
    return false;
}

const char *uw_stdin(struct uw *u, bool *ret_some)
{
    const struct shell_word *in = u->c->stdin_text;
    int from = u->c->pipe_from;

    *ret_some = (u->c->ctx & (SHELL_C_PIPE_IN | SHELL_C_STDIN)) != 0;
    if ((in || from >= 0) && stdin_shared(u))
        return NULL;
    if (in)
        return in->value;
    if (from < 0 || u->sh->cmds[from]->nwords == 0)
        return NULL;
    const struct shell_cmd *c = u->sh->cmds[from];
    if (str_eq(c->words[0].value, "cat") && c->nwords == 1 && c->stdin_text && !shell_is_func(u->sh, "cat"))
        return c->stdin_text->value;
    if (c->nredirs) /* echo a >x | sh */
        return NULL;
    const char *text = echo_text(u, c);
    return text && shell_form_known(text) && !strpbrk(text, "\x02\x03\x05\x06") ? text : NULL;
}

/* echo and printf may treat backslashes: then the text is a guess. */
static bool stdin_sure(const struct uw *u, const char *text)
{
    return u->c->stdin_text || (!strchr(text, '\\') && !strchr(text, '%'));
}

static bool fed_by_download(const struct uw *u)
{
    static const char *const progs[] = {"curl", "wget", "http", "aria2c", "lynx", "fetch"};
    int from = u->c->pipe_from;

    while (from >= 0) {
        const struct shell_cmd *c = u->sh->cmds[from];
        if (c->nwords && c->words[0].value && ONE_OF(shell_base(c->words[0].value), progs))
            return true;
        from = c->pipe_from < from ? c->pipe_from : -1;
    }
    return false;
}

/* Any command of the same text that downloads, when the shell reads a substitution: bash <(curl …), sh -c "$(curl …)".
 */
static bool substitution_downloads(const struct uw *u)
{
    static const char *const progs[] = {"curl", "wget", "http", "aria2c", "lynx", "fetch"};

    for (size_t i = 0; i < u->sh->ncmds; i++) {
        const struct shell_cmd *c = u->sh->cmds[i];
        bool inside = c->at.at >= u->c->at.at && c->at.at + c->at.len <= u->c->at.at + u->c->at.len;
        if (inside && (c->ctx & SHELL_C_SUBST) && c->nwords && c->words[0].value &&
            ONE_OF(shell_base(c->words[0].value), progs))
            return true;
    }
    return false;
}

/* A name no program has, so that a rule can speak about it. */
static void mark(struct uw *u, const char *name)
{
    struct shell_word *w = shell_alloc(u->sh, sizeof(*w));

    if (!w)
        return;
    *w = shell_word_lit(u->sh, name);
    uw_derive(u, "function", w, 1);
    if (!shell_dead(u->sh))
        u->sh->cmds[u->sh->ncmds - 1]->text = u->c->text;
}

static bool echoes(const struct shell_cmd *c)
{
    const char *prog = c->nwords ? c->words[0].value : NULL;
    return str_eq(prog, "echo") || str_eq(prog, "printf");
}

static void reads_stdin(struct uw *u)
{
    bool some;
    const char *text = uw_stdin(u, &some);

    if (text) {
        uw_text(u, u->prog, text, true);
        if (!stdin_sure(u, text))
            uw_opaque(u, "a shell reads a text that echo or printf may change");
        return;
    }
    if (fed_by_download(u)) {
        mark(u, ":download-to-shell");
        uw_opaque(u, "a shell runs what was just downloaded");
    } else if (u->c->ctx & SHELL_C_PIPE_IN) {
        bool changed = u->c->pipe_from >= 0 && echoes(u->sh->cmds[u->c->pipe_from]);
        uw_opaque(u, changed ? "a shell reads a text that echo or printf may change"
                             : "a shell reads its commands from a pipe");
    } else {
        uw_opaque(u, some ? "a shell reads its commands from what is only known when it runs"
                          : "a shell without a command or script");
    }
}

/* sh -c text name a b: $0 $1 $2 of the text. */
static void bind_operands(struct uw *u, const struct shell_word *w)
{
    for (size_t k = 0; k < 10 && w + 1 + k < u->c->words + u->c->nwords; k++) {
        char *name = shell_alloc(u->sh, 2);
        if (!name)
            return;
        name[0] = (char)('0' + k);
        shell_add_var(u->sh, name, w[1 + k].form);
        if (k == 1) {
            shell_add_var(u->sh, "@", w[1 + k].form);
            shell_add_var(u->sh, "*", w[1 + k].form);
        }
    }
}

static void shell_text(struct uw *u, const struct shell_word *w)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX);

    bind_operands(u, w);
    if (w->value) {
        uw_text(u, u->prog, w->value, true);
        return;
    }
    uw_opaque(u, "a shell is given a text or script that is only known when it runs");
    if ((w->flags & SHELL_W_SUBST) && substitution_downloads(u))
        mark(u, ":download-to-shell");
    for (unsigned k = 0; k < 4; k++) { /* what the text's own variables make of it: only to find what must be denied */
        buf_reset(&b);
        if (!shell_resolve(u->sh, w->form, k, &b) || !b.p)
            break;
        if (shell_form_known(b.p) && !strpbrk(b.p, "\x02\x03\x05\x06"))
            uw_text(u, "variable", b.p, true);
    }
}

/* --- shells --- */

static const char keyword[] = "set -k takes every argument with a = for an assignment";

/* `bash script args`: the script is the program. */
static void script(struct uw *u, size_t i)
{
    const struct shell_word *w = &u->c->words[i];
    struct shell_word *copy = shell_alloc(u->sh, (u->c->nwords - i) * sizeof(*copy));
    AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX);

    if (!w->value) {
        uw_opaque(u, "a shell runs a script whose name is only known when it runs");
        if ((w->flags & SHELL_W_SUBST) && substitution_downloads(u))
            mark(u, ":download-to-shell");
        return;
    }
    if (str_starts(w->value, "/dev/") || str_starts(w->value, "/proc/")) {
        uw_opaque(u, "a shell reads its commands from a device");
        return;
    }
    if (!copy)
        return;
    memcpy(copy, w, (u->c->nwords - i) * sizeof(*copy));
    if (!strchr(w->value, '/')) {
        buf_puts(&b, "./");
        buf_puts(&b, w->value);
        copy[0] = shell_word_form(u->sh, b.p, b.len);
    }
    uw_derive(u, "shell script", copy, u->c->nwords - i);
}

bool uw_shells(struct uw *u)
{
    static const char *const shells[] = {"sh",    "bash", "dash", "ash", "ksh", "mksh",
                                         "rbash", "zsh",  "fish", "csh", "tcsh"};
    static const char *const with_value[] = {"-o", "+o", "-O", "+O", "--rcfile", "--init-file"};
    static const char *const longs[] = {"debug",     "debugger",     "dump-strings", "dump-po-strings", "help",
                                        "init-file", "login",        "noediting",    "noprofile",       "norc",
                                        "posix",     "pretty-print", "rcfile",       "restricted",      "verbose",
                                        "version",   "wordexp"};
    bool c_seen = false, s_seen = false, foreign;
    size_t i = 1;

    if (!ONE_OF(u->prog, shells))
        return false;
    foreign = str_eq(u->prog, "zsh") || str_eq(u->prog, "fish") || str_eq(u->prog, "csh") || str_eq(u->prog, "tcsh");
    u->c->transparent = true;
    if (foreign)
        uw_opaque(u, "a shell with a grammar of its own");
    for (; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (!v && shell_form_known(u->c->words[i].form) && u->c->words[i].form[0] != '-')
            break;
        if (!v) {
            shell_text(u, &u->c->words[i]);
            return true;
        }
        if (str_eq(v, "--version") || str_eq(v, "--help"))
            return true;
        if (str_eq(v, "--") || str_eq(v, "-")) {
            i++;
            break;
        }
        if (v[0] != '-' && v[0] != '+')
            break;
        if (!v[1]) /* a + alone switches nothing */
            continue;
        if (str_eq(v, "--rcfile") || str_eq(v, "--init-file") || str_starts(v, "--rcfile=") ||
            str_starts(v, "--init-file="))
            uw_opaque(u, "a shell with a start-up file of its own");
        if (str_eq(v, "-O") && str_eq(uw_value(u, i + 1), "extglob"))
            uw_opaque(u, "a shell with patterns that are not understood");
        if (v[0] == '-' && ONE_OF(v + 1, longs)) /* bash takes its long options behind one dash, too */
            uw_opaque(u, "a long option of a shell behind one dash");
        if (v[0] == '-' && v[1] != '-' && strchr(v, 'k'))
            uw_opaque(u, keyword);
        if (ONE_OF(v, with_value))
            i++;
        bool letters = v[1] != '-' && !ONE_OF(v, with_value);
        c_seen = c_seen || (letters && strchr(v, 'c')); /* behind a + as well: there is nothing to switch off */
        s_seen = s_seen || (letters && strchr(v, 's')); /* operands are arguments, the commands come from stdin */
        if (letters && v[0] == '+' && strchr(v, 's'))
            uw_opaque(u, "+s, which sh takes back and bash does not");
        bool cluster = v[1] != '-' && v[2];
        if (cluster && strchr(v, 'O'))
            uw_opaque(u, "a shell with patterns that are not understood");
        for (const char *o = v; cluster && (o = strchr(o, 'o')); o++)
            i++; /* -eo pipefail, -coe errexit: each o takes a word */
        if (uw_disputed(&u->c->words[i < u->c->nwords ? i : 0]))
            uw_opaque(u, "{a,b} or $'…' in what a shell is given: sh and bash give it different texts");
    }
    if (c_seen && s_seen) /* sh goes on with stdin, bash does not */
        reads_stdin(u);
    if (c_seen && i < u->c->nwords)
        shell_text(u, &u->c->words[i]);
    else if (c_seen)
        uw_opaque(u, "a shell without a command or script");
    else if (i < u->c->nwords && !s_seen && !str_eq(uw_value(u, i), "/dev/stdin"))
        script(u, i);
    else
        reads_stdin(u);
    return true;
}

/* --- builtins that run text --- */

static void eval(struct uw *u)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX);
    bool known = true;

    for (size_t i = 1; i < u->c->nwords; i++) {
        if (b.len)
            buf_addc(&b, ' ');
        known = known && u->c->words[i].value;
        if (strchr(u->c->words[i].text, '~') && strstr(u->c->words[i].form, "/home/"))
            uw_opaque(u, "eval of ~user, which stays as it is where there is no such user");
        if (!shell_resolve(u->sh, u->c->words[i].form, 0, &b))
            return;
    }
    if (!known) {
        uw_opaque(u, "eval of a text that is only known when it runs");
        if (substitution_downloads(u))
            mark(u, ":download-to-shell");
    }
    if (u->c->nwords > 1 && u->c->words[1].form[0] == '-')
        uw_opaque(u, "an option of eval, which sh takes for the program");
    if (b.p && !b.bad && !strpbrk(b.p, "\x01\x02\x03\x05\x06"))
        uw_text(u, known ? "eval" : "variable", b.p, false);
}

static void trap(struct uw *u)
{
    size_t i = uw_is(u, 1, "--") ? 2 : 1;
    const char *v = uw_value(u, i);

    bool splits = i < u->c->nwords && (u->c->words[i].flags & SHELL_W_SPLIT); /* x='a EXIT'; trap $x */
    if (i >= u->c->nwords || (u->c->nwords - i < 2 && !splits) || str_eq(v, "-") || str_eq(v, ""))
        return;
    if (v)
        uw_text(u, "trap", v, false);
    else
        shell_text(u, &u->c->words[i]);
}

static void set(struct uw *u)
{
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (str_eq(v, "--") || (v && v[0] != '-' && !str_eq(uw_value(u, i - 1), "-o")))
            return;
        if (v ? str_eq(v, "keyword") || (v[0] == '-' && strchr(v, 'k')) : !shell_form_known(u->c->words[i].form))
            uw_opaque(u, v ? keyword : "an option of set that is only known when it runs");
    }
}

static void alias(struct uw *u)
{
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i), *eq = v ? strchr(v, '=') : NULL;
        if (str_eq(v, "-p"))
            continue;
        uw_opaque(u, "an alias changes what later words mean");
        if (eq)
            uw_text(u, "alias", eq + 1, false);
    }
}

static bool has_flag(const struct uw *u, char letter)
{
    const char opt[] = {'-', letter, '\0'};

    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (v ? v[0] == '-' && v[1] != '-' && strchr(v, letter) : uw_may_be(u, &u->c->words[i], opt))
            return true;
    }
    return false;
}

/* export "$x", let *: a name out of data may hold an index, and an index runs its substitutions. */
static void names_from_data(struct uw *u)
{
    static const char *const progs[] = {"export", "declare", "typeset", "local", "readonly", "let", "unset"};

    if (!ONE_OF(u->prog, progs))
        return;
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *f = u->c->words[i].form;
        size_t n = shell_ps_name(f, strlen(f));
        bool named = n && f[n] == '=';
        if (!u->c->words[i].value && (!named || str_eq(u->prog, "let")))
            uw_opaque(u, "a variable whose name is only known when it runs");
    }
}

bool uw_builtins(struct uw *u)
{
    static const struct {
        const char *name;
        char flag;
        const char *reason;
    } loads[] = {{"enable", 'f', "enable -f loads code into the shell"},
                 {"hash", 'p', "hash -p changes which program a name means"},
                 {"bind", 'x', "bind -x runs commands"},
                 {"complete", 'C', "complete -C runs commands"},
                 {"complete", 'F', "complete -F runs commands"},
                 {"compgen", 'C', "compgen -C runs commands"},
                 {"compgen", 'F', "compgen -F runs commands"},
                 {"mapfile", 'C', "mapfile -C runs commands"},
                 {"readarray", 'C', "readarray -C runs commands"},
                 {"declare", 'n', "a name reference can stand for any variable"},
                 {"typeset", 'n', "a name reference can stand for any variable"},
                 {"local", 'n', "a name reference can stand for any variable"}};

    for (size_t i = 0; i < ARRAY_LEN(loads); i++) {
        if (str_eq(u->prog, loads[i].name) && has_flag(u, loads[i].flag))
            uw_opaque(u, loads[i].reason);
    }
    names_from_data(u);
    if (str_eq(u->prog, "eval")) {
        u->c->transparent = true;
        eval(u);
        return true;
    }
    if (str_eq(u->prog, "trap")) {
        u->c->transparent = true;
        trap(u);
        return true;
    }
    if (str_eq(u->prog, ".") || str_eq(u->prog, "source")) {
        uw_opaque(u, "source runs a file inside the shell");
        return true;
    }
    if (str_eq(u->prog, "set"))
        set(u);
    else if (str_eq(u->prog, "alias"))
        alias(u);
    else if (str_eq(u->prog, "fc"))
        uw_opaque(u, "fc runs commands of the history");
    return false;
}

/* --- interpreters --- */

struct interp {
    const char *name;  /* a glob */
    const char *code;  /* letters that take code, anywhere in a cluster */
    const char *args;  /* letters with a value */
    const char *longs; /* long options that take code or load some, "a,b" */
    bool stdin_code;   /* without a script it runs its stdin */
};
static const struct interp interps[] = {
    {"python", "ci", "mWXQ", "", true},
    {"python[23]*", "ci", "mWXQ", "", true},
    {"pypy*", "ci", "mWXQ", "", true},
    {"perl*", "eE", "", "", true},
    {"ruby*", "e", "", "", true},
    {"node", "ep", "rC", "eval,print,require,import,loader,experimental-loader", true},
    {"nodejs", "ep", "rC", "eval,print,require,import,loader", true},
    {"deno", "", "", "eval", true},
    {"bun", "e", "r", "eval,print,preload", false},
    {"php*", "rBRE", "", "run", true},
    {"lua*", "ei", "l", "", true},
    {"Rscript", "e", "", "", true},
    {"tsx", "", "r", "", true},
    {"ts-node*", "", "rPCO", "", true},
    {"swift", "", "", "", true},
    {"R", "e", "", "", true},
    {"tclsh*", "", "", "", true},
    {"expect", "c", "", "", true},
    {"guile", "c", "", "", true},
    {"emacs", "", "", "eval,execute,funcall,load", false},
    {"vim", "cS", "", "cmd", false},
    {"vi", "c", "", "", false},
    {"nvim", "cS", "l", "cmd,headless", false},
    {"ex", "c", "", "", true},
    {"ed", "", "", "", true},
    {"gdb", "", "", "ex,eval-command,command", false},
    {"osascript", "e", "", "", true},
    {"scala", "e", "", "", false},
    {"ghc", "e", "", "", false},
    {"jshell", "", "", "", true},
    {"m4", "", "", "", true},
};

static bool interp_option(const struct interp *in, const char *v)
{
    size_t n = strcspn(v + (v[1] == '-' ? 2 : 1), "=");
    const char *name = v + (v[1] == '-' ? 2 : 1);

    for (const char *p = in->longs; *p;) {
        size_t k = strcspn(p, ",");
        if (k == n && memcmp(p, name, n) == 0)
            return true;
        p += k + (p[k] == ',');
    }
    if (v[1] == '-')
        return false;
    for (const char *p = v + 1; *p; p++) {
        if (strchr(in->code, *p))
            return true;
        if (strchr(in->args, *p))
            return false;
    }
    return false;
}

static bool informs(const char *v)
{
    static const char *const info[] = {"--version", "-V", "-v", "--help", "-h", "-VV", "--test"};
    return ONE_OF(v, info);
}

/* Long options whose value is the next word, so that it is not the script: python(1), node(1), ruby(1), php(1). */
static const char valued[] =
    "--check-hash-based-pycs --jit --title --input-type --conditions --env-file --env-file-if-exists --test-reporter "
    "--test-reporter-destination --test-name-pattern --test-skip-pattern --test-concurrency --test-timeout "
    "--watch-path --redirect-warnings --disable-warning --icu-data-dir --openssl-config --diagnostic-dir "
    "--report-directory --report-dir --inspect-port --unhandled-rejections --stack-trace-limit --dns-result-order "
    "--localstorage-file --trace-event-categories --tls-keylog --secure-heap --snapshot-blob --cpu-prof-dir "
    "--heap-prof-dir --encoding --external-encoding --internal-encoding --define --php-ini --zend-extension";

static void interp(struct uw *u, const struct interp *in)
{
    bool file = false, info = false;

    if (str_eq(in->name, "deno") && (uw_is(u, 1, "eval") || uw_is(u, 1, "repl")))
        uw_opaque(u, "code of another language stands in the command");
    for (size_t i = 1; i < u->c->nwords && !file; i++) {
        const char *v = uw_value(u, i);
        if (!v) {
            file = u->c->words[i].form[0] != '-';
            if (u->c->words[i].flags & SHELL_W_SUBST)
                uw_opaque(u, "an interpreter runs what a substitution gives it");
        } else if (v[0] != '-') {
            file = true;
            if (str_starts(v, "/dev/"))
                uw_opaque(u, "an interpreter reads its program from a device");
        } else if (str_eq(v, "-")) {
            break;
        } else if (interp_option(in, v)) {
            uw_opaque(u, "code of another language stands in the command");
            return;
        } else if (informs(v)) {
            info = true;
        } else if (str_starts(v, "-m") && strchr(in->args, 'm')) {
            file = true; /* python -m module */
        } else if (glob_listed(valued, v)) {
            i++;
        } else if (v[1] != '-' && v[1] && strchr(in->args, v[strlen(v) - 1])) {
            i++;
        }
    }
    if (!file && !info && in->stdin_code)
        uw_opaque(u, "an interpreter reads its program from its input");
}

bool uw_interpreters(struct uw *u)
{
    for (size_t i = 0; i < ARRAY_LEN(interps); i++) {
        if (glob_match(interps[i].name, u->prog)) {
            interp(u, &interps[i]);
            return true;
        }
    }
    return false;
}
