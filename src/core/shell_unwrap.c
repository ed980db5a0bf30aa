/* shell_unwrap - sees through programs that run other programs.
 *
 * Why it exists: `sudo env X=1 timeout 5 bash -c 'rm -rf /'` is about rm. Each
 * wrapper is one row; what a row does not explain (an unknown option, a value
 * that is not literal) makes the command opaque.
 * May include: core/shell_wrap.h.  Pure.
 *
 * Commands found are appended, and looked at in turn, until none is new. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

const char *uw_value(const struct uw *u, size_t i)
{
    return i < u->c->nwords ? u->c->words[i].value : NULL;
}

bool uw_is(const struct uw *u, size_t i, const char *s)
{
    return str_eq(uw_value(u, i), s);
}

void uw_opaque(struct uw *u, const char *reason)
{
    shell_add_opaque(u->sh, u->c->at, reason, u->c->text, strlen(u->c->text), u->at);
}

static const char *join_text(struct shell *sh, const struct shell_word *w, size_t n)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(512);

    for (size_t i = 0; i < n && !b.bad; i++) {
        if (i)
            buf_addc(&b, ' ');
        buf_puts(&b, w[i].text);
    }
    if (b.bad) {
        while (b.len > 0 && ((unsigned char)b.p[b.len - 1] & 0xc0) == 0x80)
            b.len--;
        b.len -= b.len > 0 && (unsigned char)b.p[b.len - 1] >= 0xc0;
    }
    const char *p = shell_strn(sh, b.p ? b.p : "", b.len);
    return p ? p : "";
}

void uw_derive(struct uw *u, const char *how, const struct shell_word *words, size_t n)
{
    struct shell_cmd *d = n ? shell_alloc(u->sh, sizeof(*d)) : NULL;

    if (!d)
        return;
    *d = *u->c;
    d->assigns = NULL;
    d->redirs = NULL;
    d->nassigns = d->nredirs = 0;
    d->words = (struct shell_word *)words;
    d->nwords = n;
    d->text = join_text(u->sh, words, n);
    d->via = u->at;
    d->how = how;
    d->transparent = false;
    shell_add_cmd(u->sh, d);
}

void uw_text(struct uw *u, const char *how, const char *text, bool new_scope)
{
    shell_parse_inner(u->sh, u->at, how, text, strlen(text), new_scope);
}

/* --- options --- */

/* Is `name` (n bytes) in "a,b=,c"? 0 no, 1 yes, 2 yes with a value. */
static int in_list(const char *list, const char *name, size_t n)
{
    for (const char *p = list; p && *p;) {
        size_t k = strcspn(p, ",");
        bool arg = k && p[k - 1] == '=';
        if (k - arg == n && memcmp(p, name, n) == 0)
            return 1 + arg;
        p += k + (p[k] == ',');
    }
    return 0;
}

static int long_opt(const struct uw *u, const struct uw_opts *o, size_t *i, const char *v, const char **ret_long,
                    const struct shell_word **ret_value, struct shell_word *scratch)
{
    const char *eq = strchr(v, '=');
    int kind = in_list(o->longs, v + 2, eq ? (size_t)(eq - v) - 2 : strlen(v + 2));

    *ret_long = v + 2;
    *ret_value = NULL;
    if (kind == 0 && !o->any_long)
        return -1;
    ++*i;
    if (eq) {
        *scratch = shell_word_lit(u->sh, eq + 1);
        *ret_value = scratch;
    } else if (kind == 2) {
        if (*i >= u->c->nwords)
            return -1;
        *ret_value = &u->c->words[(*i)++];
    }
    return 1;
}

int uw_opt(const struct uw *u, const struct uw_opts *o, size_t *i, size_t *sub, const char **ret_long,
           const struct shell_word **ret_value, struct shell_word *scratch)
{
    const char *v = uw_value(u, *i);

    if (*i >= u->c->nwords)
        return 0;
    if (!v) /* unknown text where options stand: might be one */
        return *u->c->words[*i].form == '-' || !shell_form_known(u->c->words[*i].form) ? -1 : 0;
    if (*sub == 0 && (v[0] != '-' || !v[1]))
        return 0;
    if (*sub == 0 && str_eq(v, "--")) {
        ++*i;
        return 0;
    }
    if (*sub == 0 && v[1] == '-')
        return long_opt(u, o, i, v, ret_long, ret_value, scratch);
    size_t k = *sub ? *sub : 1;
    char c = v[k];
    *ret_value = NULL;
    if (strchr(o->flags, c)) {
        *sub = v[k + 1] ? k + 1 : 0;
        *i += *sub == 0;
        return c;
    }
    if (!strchr(o->args, c))
        return -1;
    *sub = 0;
    ++*i;
    if (v[k + 1]) {
        *scratch = shell_word_lit(u->sh, v + k + 1);
        *ret_value = scratch;
    } else if (*i < u->c->nwords) {
        *ret_value = &u->c->words[(*i)++];
    } else {
        return -1;
    }
    return c;
}

/* --- the table of wrappers --- */

enum { W_CLEAR = 1 /* only runs what is in it */, W_ASSIGN = 2 /* NAME=value operands */, W_DIGITS = 4 /* -10 */ };
struct wrap {
    const char *name;
    struct uw_opts o;
    int skip; /* operands before the command */
    int flags;
    const char *special; /* letters that mean something else than "run the rest": not seen through */
};
static const struct wrap wraps[] = {
    {"env",
     {"i0v", "uCS",
      "ignore-environment,null,debug,unset=,chdir=,split-string=,block-signal,default-signal,ignore-signal,"
      "list-signal-handling"},
     0,
     W_CLEAR | W_ASSIGN,
     ""},
    {"sudo",
     {"AbEHKkNnPSlvVis", "ugpCrtTUDRh",
      "askpass,background,preserve-env,set-home,login,shell,non-interactive,preserve-groups,reset-timestamp,stdin,list,"
      "validate,version,user=,group=,prompt=,close-from=,role=,type=,command-timeout=,other-user=,chdir=,chroot=,"
      "host="},
     0,
     W_ASSIGN,
     "lvVKD"},
    {"doas", {"Lns", "uC", ""}, 0, 0, "LC"},
    {"pkexec", {"", "", "user=,disable-internal-agent,keep-cwd"}, 0, 0, ""},
    {"timeout", {"fpv", "ks", "foreground,preserve-status,verbose,kill-after=,signal="}, 1, W_CLEAR, ""},
    {"nice", {"", "n", "adjustment="}, 0, W_CLEAR | W_DIGITS, ""},
    {"ionice", {"t", "cnpPu", "ignore,class=,classdata=,pid=,pgid=,uid="}, 0, W_CLEAR, "pPu"},
    {"nohup", {"", "", ""}, 0, W_CLEAR, ""},
    {"setsid", {"cfw", "", "ctty,fork,wait"}, 0, W_CLEAR, ""},
    {"stdbuf", {"", "ioe", "input=,output=,error="}, 0, W_CLEAR, ""},
    {"bear", {"av", "o", "output=,append,verbose,config=,force-preload,force-wrapper"}, 0, W_CLEAR, ""},
    {"time", {"apvq", "fo", "append,portability,verbose,quiet,format=,output="}, 0, W_CLEAR, ""},
    {"command", {"pvV", "", ""}, 0, W_CLEAR, "vV"},
    {"exec", {"cl", "a", ""}, 0, W_CLEAR, ""},
    {"builtin", {"", "", ""}, 0, W_CLEAR, ""},
    {"busybox", {"", "", ""}, 0, W_CLEAR, ""},
    {"toybox", {"", "", ""}, 0, W_CLEAR, ""},
    {"chroot", {"", "", "userspec=,groups=,skip-chdir"}, 1, 0, ""},
    {"unshare",
     {"finmpuUCTrc", "SGRlw",
      "fork,ipc,net,mount,pid,uts,user,cgroup,time,map-root-user,map-current-user,map-auto,mount-proc,propagation=,"
      "setgroups=,root=,wd=,kill-child"},
     0,
     0,
     ""},
    {"runuser", {"lmp", "ugGs", "login,user=,group=,shell=,preserve-environment"}, 0, 0, ""},
    {"setpriv", {"d", "", ""}, 0, 0, "d"},
    {"strace", {"cCdfFhiknqrtTvVwxyzZ", "abeEIoOpPsSuUX", ""}, 0, 0, "pE"},
    {"ltrace", {"cCfhirStttLV", "aAeDlnopsuxFw", ""}, 0, 0, "p"},
    {"valgrind", {"vqh", "", "", true}, 0, W_CLEAR, ""},
    {"xvfb-run",
     {"al", "efnpsw",
      "auto-servernum,listen-tcp,auto-display,error-file=,auth-file=,server-num=,xauth-protocol=,"
      "server-args=,wait="},
     0,
     W_CLEAR,
     ""},
    {"taskset", {"ac", "p", "all-tasks,cpu-list"}, 1, W_CLEAR, "p"},
    {"chrt", {"abdfimorRvV", "pDPT", ""}, 1, W_CLEAR, "pm"},
    {"entr", {"acdnprsxz", "", ""}, 0, W_CLEAR, "s"},
    {"ccache", {"", "", ""}, 0, W_CLEAR, ""},
    {"sccache", {"", "", ""}, 0, W_CLEAR, ""},
    {"distcc", {"", "", ""}, 0, W_CLEAR, ""},
    {"unbuffer", {"p", "", ""}, 0, W_CLEAR, ""},
    {"fakeroot", {"", "", ""}, 0, W_CLEAR, ""},
    {"eatmydata", {"", "", ""}, 0, W_CLEAR, ""},
    {"catchsegv", {"", "", ""}, 0, W_CLEAR, ""},
    {"dbus-run-session", {"", "", ""}, 0, W_CLEAR, ""},
    {"linux32", {"", "", ""}, 0, W_CLEAR, ""},
    {"linux64", {"", "", ""}, 0, W_CLEAR, ""},
    {"watch",
     {"bcdegtxwp", "nq", "beep,color,differences,errexit,chgexit,no-title,exec,precise,interval=,equexit="},
     0,
     W_CLEAR,
     ""},
};

/* `tool sub command…`: the rest is the command. */
static const char *const two_words[][2] = {
    {"poetry", "run"}, {"pipenv", "run"},   {"bundle", "exec"}, {"uv", "run"},     {"hatch", "run"},
    {"pdm", "run"},    {"rye", "run"},      {"direnv", "exec"}, {"pnpm", "exec"},  {"yarn", "exec"},
    {"npm", "exec"},   {"npm", "x"},        {"stack", "exec"},  {"cabal", "exec"}, {"opam", "exec"},
    {"tox", "exec"},   {"meson", "devenv"}, {"conda", "run"},   {"mise", "exec"}};

static const struct wrap *find_wrap(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(wraps); i++) {
        if (str_eq(wraps[i].name, name))
            return &wraps[i];
    }
    return NULL;
}

/* env -C dir, sudo -D dir: what follows runs elsewhere. */
static void enter_dir(struct uw *u, const struct shell_word *dir)
{
    struct shell_word *cd = shell_alloc(u->sh, 2 * sizeof(*cd));

    if (!cd)
        return;
    cd[0] = shell_word_lit(u->sh, "cd");
    cd[1] = *dir;
    int scope = u->c->scope;
    u->c->scope = shell_add_scope(u->sh, scope);
    uw_derive(u, "chdir", cd, 2);
}

/* NAME=value before the command; then *i is behind them. */
static void env_assigns(struct uw *u, size_t *i)
{
    for (; *i < u->c->nwords; ++*i) {
        const char *f = u->c->words[*i].form, *eq = strchr(f, '=');
        size_t n = shell_ps_name(f, strlen(f));
        if (!eq || n == 0 || f + n != eq)
            return;
        const char *name = shell_strn(u->sh, f, n);
        struct shell_word value = shell_word_lit(u->sh, eq + 1);
        if (name)
            uw_env_name(u, name, &value);
    }
}

static void wrap_run(struct uw *u, const struct wrap *w)
{
    const struct shell_word *value;
    struct shell_word scratch;
    const char *name;
    size_t i = 1, sub = 0;
    int o;

    for (;;) {
        const char *v = uw_value(u, i);
        if ((w->flags & W_DIGITS) && v && v[0] == '-' && v[1] && strspn(v + 1, "-+0123456789") == strlen(v + 1)) {
            i++;
            continue;
        }
        o = uw_opt(u, &w->o, &i, &sub, &name, &value, &scratch);
        if (o == 0)
            break;
        if (o < 0) {
            uw_opaque(u, "an option of a wrapper that is not understood");
            return;
        }
        if (o > 1 && strchr(w->special, o))
            return;
        bool split = o == 'S' || (o == 1 && str_starts(name, "split-string"));
        bool chdir = o == 'C' || o == 'D' || (o == 1 && str_starts(name, "chdir"));
        bool unsets = str_eq(w->name, "env") && (o == 'u' || (o == 1 && str_starts(name, "unset")));
        if (unsets && value && value->value)
            uw_env_name(u, value->value, NULL);
        if (split && str_eq(w->name, "env")) {
            if (value && value->value && !strpbrk(value->value, "\\$#"))
                uw_text(u, "env -S", value->value, true);
            else
                uw_opaque(u, "env -S with a text that is not literal");
        }
        if (chdir && value && (str_eq(w->name, "env") || str_eq(w->name, "sudo")))
            enter_dir(u, value);
    }
    if (str_eq(w->name, "env") && uw_is(u, i, "-"))
        i++;
    i += (size_t)w->skip;
    if (w->flags & W_ASSIGN)
        env_assigns(u, &i);
    if (i < u->c->nwords)
        uw_derive(u, w->name, u->c->words + i, u->c->nwords - i);
    if (str_eq(w->name, "watch") && i < u->c->nwords) {
        AUTO(buf_fini) struct buf text = BUF_INIT(SHELL_TEXT_MAX); /* watch joins its operands for sh -c */
        bool known = true;
        for (; i < u->c->nwords; i++) {
            known = known && u->c->words[i].value;
            buf_puts(&text, u->c->words[i].form);
            buf_addc(&text, ' ');
        }
        if (known && !text.bad)
            uw_text(u, "watch", text.p, true);
        else
            uw_opaque(u, "a command text that is only known when it runs");
    }
}

/* --- xargs, flock, script: wrappers with a shape of their own --- */

struct items {
    struct shell_word *w;
    size_t n, cap;
};

static void item(struct uw *u, struct items *it, const char *form, size_t n)
{
    struct shell_word *w = shell_push(u->sh, &it->w, &it->n, &it->cap, sizeof(*w));

    if (w)
        *w = shell_word_form(u->sh, form, n);
}

/* `find … |`: the names it prints. */
static bool items_of_find(struct uw *u, const struct shell_cmd *from, struct items *it)
{
    struct shell_word names[16];
    const char *prog = from->nwords ? from->words[0].value : NULL;

    if (!prog || !str_eq(shell_base(prog), "find"))
        return false;
    size_t n = shell_find_names(u->sh, from, names, ARRAY_LEN(names));
    for (size_t i = 0; i < n; i++)
        item(u, it, names[i].form, strlen(names[i].form));
    return n > 0;
}

/* `apart`: what items end with; NULL: at something unusual, so nobody knows where. */
static void xargs_items(struct uw *u, struct items *it, const char *apart)
{
    bool some;
    const char *text = uw_stdin(u, &some);

    if (text && apart) {
        while (*text && it->n < 256) {
            text += strspn(text, apart);
            size_t n = strcspn(text, apart);
            if (n)
                item(u, it, text, n);
            text += n;
        }
        return;
    }
    if (u->c->pipe_from >= 0 && items_of_find(u, u->sh->cmds[u->c->pipe_from], it))
        return;
    item(u, it, "\x01\x01", 2);
}

static void xargs_run(struct uw *u, size_t i, const char *replace, const char *apart)
{
    struct items it = {0}, words = {0};

    xargs_items(u, &it, apart);
    for (; i < u->c->nwords; i++) {
        const char *f = u->c->words[i].form, *at = replace ? strstr(f, replace) : NULL;
        if (!at) {
            struct shell_word *w = shell_push(u->sh, &words.w, &words.n, &words.cap, sizeof(*w));
            if (w)
                *w = u->c->words[i];
            continue;
        }
        for (size_t k = 0; k < it.n; k++) {
            AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX);
            buf_add(&b, f, (size_t)(at - f));
            buf_puts(&b, it.w[k].form);
            buf_puts(&b, at + strlen(replace));
            if (!b.bad)
                item(u, &words, b.p ? b.p : "", b.len);
        }
    }
    for (size_t k = 0; !replace && k < it.n; k++)
        item(u, &words, it.w[k].form, strlen(it.w[k].form));
    if (words.n)
        uw_derive(u, "xargs", words.w, words.n);
}

static bool xargs(struct uw *u)
{
    static const struct uw_opts o = {
        "0rtxpo", "aEILnPsd",
        "null,no-run-if-empty,verbose,exit,interactive,open-tty,show-limits,eof,replace,max-lines,"
        "arg-file=,delimiter=,max-args=,max-procs=,max-chars=,process-slot-var="};
    const struct shell_word *value;
    struct shell_word scratch;
    const char *name, *replace = NULL, *apart = " \t\n";
    size_t i = 1, sub = 0;
    int c;

    if (!str_eq(u->prog, "xargs"))
        return false;
    for (;;) {
        const char *v = uw_value(u, i);
        if (sub == 0 && v && v[0] == '-' && v[1] &&
            strchr("eil", v[1])) { /* -i[R] -e[S] -l[N]: the value is attached */
            if (v[1] == 'i')
                apart = *apart ? "\n" : apart;
            if (v[1] == 'i')
                replace = v[2] ? v + 2 : "{}";
            i++;
            continue;
        }
        c = uw_opt(u, &o, &i, &sub, &name, &value, &scratch);
        if (c <= 0)
            break;
        if (c == 'I')
            replace = value->value;
        if (c == 'I' && !(replace && *replace))
            c = -1;
        if (c == '0' || (c == 1 && str_starts(name, "null")))
            apart = ""; /* no NUL in a text: it is one item */
        if (c == 'I' || c == 'L' || (c == 1 && str_starts(name, "replace")))
            apart = *apart ? "\n" : apart; /* a line is an item (xargs(1)) */
        if (c == 'd' || (c == 1 && str_starts(name, "delimiter")))
            apart = value && value->value && str_eq(value->value, "\\n") ? "\n" : NULL;
        if (c == 1 && str_starts(name, "replace"))
            replace = value && value->value && *value->value ? value->value : "{}";
        if (c < 0)
            break;
    }
    if (c < 0) {
        uw_opaque(u, "an option of a wrapper that is not understood");
        return true;
    }
    u->c->transparent = true;
    xargs_run(u, i, replace, apart);
    return true;
}

/* flock FILE cmd…, flock FILE -c text; script -c text; su -c text. */
static bool text_option(struct uw *u)
{
    bool flock = str_eq(u->prog, "flock"), su = str_eq(u->prog, "su") || str_eq(u->prog, "runuser");

    if (!flock && !su && !str_eq(u->prog, "script"))
        return false;
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (!v || !(str_eq(v, "-c") || str_starts(v, "--command") || (v[0] == '-' && v[1] != '-' && strchr(v, 'c'))))
            continue;
        const char *eq = strchr(v, '=');
        const char *text = eq ? eq + 1 : uw_value(u, i + 1);
        if (text)
            uw_text(u, u->prog, text, true);
        else
            uw_opaque(u, "a command text that is only known when it runs");
        u->c->transparent = flock;
        return true;
    }
    if (flock) {
        static const struct wrap w = {
            "flock",
            {"senxuoF", "wE",
             "shared,exclusive,nonblock,nb,unlock,close,no-fork,verbose,timeout=,wait=,conflict-exit-code="},
            1,
            W_CLEAR,
            ""};
        u->c->transparent = true;
        wrap_run(u, &w);
    }
    return flock;
}

static bool wrappers(struct uw *u)
{
    if (xargs(u) || text_option(u))
        return true;
    const struct wrap *w = find_wrap(u->prog);
    if (w) {
        u->c->transparent = (w->flags & W_CLEAR) != 0;
        wrap_run(u, w);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(two_words); i++) {
        if (!str_eq(u->prog, two_words[i][0]) || !uw_is(u, 1, two_words[i][1]))
            continue;
        size_t from = 2;
        const char *v = uw_value(u, 2);
        for (size_t k = 2; (!v || v[0] == '-') && k < u->c->nwords; k++) {
            if (uw_is(u, k, "--")) {
                from = k + 1;
                break;
            }
        }
        v = uw_value(u, from);
        if (!v || v[0] == '-') {
            uw_opaque(u, "an option of a wrapper that is not understood");
            return false;
        }
        u->c->transparent = true;
        uw_derive(u, u->prog, u->c->words + from, u->c->nwords - from);
        return true;
    }
    return false;
}

/* --- what variables may make of a command --- */

/* $CMD with CMD="rm -rf /": the words it falls into. Only to find what must be denied; the command itself stays
 * unknown. */
static void guess(struct uw *u)
{
    struct items it = {0};
    bool needed = false;

    for (size_t i = 0; i < u->c->nwords; i++) {
        const struct shell_word *w = &u->c->words[i];
        AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
        if (!shell_resolve(u->sh, w->form, 0, &b) || !b.p)
            return;
        bool changed = strcmp(b.p, w->form) != 0;
        bool split = changed && (w->flags & SHELL_W_SPLIT) && strpbrk(b.p, " \t\n");
        needed = needed || split || (i == 0 && changed && shell_form_known(b.p));
        if (!split) {
            item(u, &it, b.p, b.len);
            continue;
        }
        for (char *p = b.p; *p;) {
            p += strspn(p, " \t\n");
            size_t n = strcspn(p, " \t\n");
            if (n)
                item(u, &it, p, n);
            p += n;
        }
    }
    if (needed && it.n && u->c->nest < SHELL_NEST_MAX) {
        u->c->nest++;
        uw_derive(u, "variable", it.w, it.n);
        u->c->nest--;
        if (!shell_dead(u->sh))
            u->sh->cmds[u->sh->ncmds - 1]->transparent = u->c->words[0].value == NULL;
    }
}

static void unknown_program(struct uw *u)
{
    const struct shell_word *w = &u->c->words[0];

    if (w->flags & SHELL_W_SUBST)
        uw_opaque(u, "a substitution stands where the program is named");
    else if (w->flags & SHELL_W_DYNAMIC && !shell_form_known(w->form))
        uw_opaque(u, "a variable stands where the program is named");
    else if (w->flags & SHELL_W_GLOB)
        uw_opaque(u, "a pattern stands where the program is named");
}

/* Calls of functions the text defines: what $1… may be. */
static void bind_arguments(struct uw *u)
{
    for (size_t i = 1; i < u->c->nwords && i < 10; i++) {
        char *name = shell_alloc(u->sh, 2);
        if (!name)
            return;
        name[0] = (char)('0' + i);
        shell_add_var(u->sh, name, u->c->words[i].form);
        if (i == 1) {
            shell_add_var(u->sh, "@", u->c->words[i].form);
            shell_add_var(u->sh, "*", u->c->words[i].form);
        }
    }
}

/* A function that starts itself twice, or in the background, never ends. */
static void fork_bombs(struct shell *sh)
{
    for (size_t f = 0; f < sh->nfuncs; f++) {
        int calls = 0;
        for (size_t i = 0; i < sh->ncmds; i++) {
            struct shell_cmd *c = sh->cmds[i];
            bool self = str_eq(c->func, sh->funcs[f].name) && c->nwords && str_eq(c->words[0].value, c->func);
            calls += self && (c->ctx & (SHELL_C_PIPE | SHELL_C_BACKGROUND));
        }
        if (calls < 1)
            continue;
        struct shell_word *w = shell_alloc(sh, sizeof(*w));
        struct shell_cmd *c = shell_alloc(sh, sizeof(*c));
        if (!w || !c)
            return;
        *w = shell_word_lit(sh, ":fork-bomb");
        *c = (struct shell_cmd){.at = sh->funcs[f].at,
                                .text = sh->funcs[f].name,
                                .words = w,
                                .nwords = 1,
                                .pipe_from = -1,
                                .via = -1,
                                .how = "function"};
        shell_add_cmd(sh, c);
    }
}

/* --- files the text writes and then runs --- */

static const char *plain_name(const char *form)
{
    while (str_starts(form, "./"))
        form += 2;
    return form;
}

static bool reads_input(const struct shell_cmd *c)
{
    for (size_t i = 1; i < c->nwords; i++) {
        if (str_starts(c->words[i].form, "/dev/") || str_starts(c->words[i].form, "/proc/"))
            return true;
    }
    return false;
}

static void runs_own_file(struct shell *sh, int at, const char *file)
{
    struct uw u = {.sh = sh, .at = at, .c = sh->cmds[at]};

    for (size_t i = 0; i < sh->ncmds; i++) {
        const struct shell_cmd *c = sh->cmds[i];
        const char *prog = c->nwords > 1 && c->words[0].value ? shell_base(c->words[0].value) : "";
        bool tee = str_eq(prog, "tee") || str_eq(prog, "dd") || (str_eq(prog, "cp") && reads_input(c));
        for (size_t k = 0; k < c->nredirs; k++) {
            const struct shell_redir *r = &c->redirs[k];
            bool out =
                r->op == SHELL_R_OUT || r->op == SHELL_R_APPEND || r->op == SHELL_R_CLOBBER || r->op == SHELL_R_RW;
            if (out && str_eq(plain_name(r->target->form), file))
                uw_opaque(&u, "it runs a file that the same text writes");
        }
        for (size_t k = 1; tee && k < c->nwords; k++) {
            const char *f = c->words[k].form;
            if (str_eq(plain_name(str_starts(f, "of=") ? f + 3 : f), file))
                uw_opaque(&u, "it runs a file that the same text writes");
        }
    }
}

/* Files that a program reads by itself and runs what stands in them. */
static const struct {
    const char *prog, *file; /* a program's glob, a name */
} implied[] = {{"make", "Makefile"},
               {"make", "makefile"},
               {"make", "GNUmakefile"},
               {"gmake", "Makefile"},
               {"npm", "package.json"},
               {"pnpm", "package.json"},
               {"yarn", "package.json"},
               {"pytest", "conftest.py"},
               {"tox", "tox.ini"},
               {"nox", "noxfile.py"},
               {"cargo", "build.rs"},
               {"cargo", ".cargo/config.toml"},
               {"cmake", "CMakeLists.txt"},
               {"meson", "meson.build"},
               {"ninja", "build.ninja"},
               {"rake", "Rakefile"},
               {"just", "justfile"},
               {"just", "Justfile"},
               {"task", "Taskfile.yml"},
               {"gradle", "build.gradle"},
               {"mvn", "pom.xml"},
               {"ant", "build.xml"},
               {"bundle", "Gemfile"},
               {"composer", "composer.json"},
               {"pre-commit", ".pre-commit-config.yaml"},
               {"git", ".gitattributes"}};

/* `echo … > x; sh x`: what x holds was not read by anybody. */
static void own_files(struct shell *sh)
{
    static const char *const runners[] = {"python", "python3", "node", "perl", "ruby", "php", "awk", "sed", "make"};

    for (size_t i = 0; i < sh->ncmds; i++) {
        const struct shell_cmd *c = sh->cmds[i];
        const char *prog = c->nwords ? c->words[0].form : "";
        if (strchr(prog, '/'))
            runs_own_file(sh, (int)i, plain_name(prog));
        for (size_t k = 0; k < ARRAY_LEN(implied); k++) {
            if (str_eq(shell_base(prog), implied[k].prog))
                runs_own_file(sh, (int)i, implied[k].file);
        }
        for (size_t k = 0; k < ARRAY_LEN(runners); k++) {
            for (size_t w = 1; str_eq(shell_base(prog), runners[k]) && w < c->nwords && w < 8; w++) {
                const char *f = c->words[w].form;
                if (*f != '-' && (w == 1 || *c->words[w - 1].form == '-'))
                    runs_own_file(sh, (int)i, plain_name(f));
            }
        }
    }
}

/* A blank that no shell takes for one (no-break, ideographic …): `rm -rf` with it is one word that looks like two. */
static void odd_blanks(struct uw *u)
{
    for (size_t i = 0; i < u->c->nwords; i++) {
        const struct shell_word *w = &u->c->words[i];
        const char *p = w->text, *end = p + strlen(p);
        while (p < end && !(i > 0 && (w->flags & SHELL_W_QUOTED))) {
            int32_t cp = utf8_next(&p, end);
            bool blank = cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x202f || cp == 0x205f ||
                         cp == 0x3000;
            if (blank) {
                uw_opaque(u, "a blank that the shell does not take for one");
                return;
            }
        }
    }
}

static void look(struct shell *sh, int at)
{
    struct uw u = {.sh = sh, .at = at, .c = sh->cmds[at]};

    uw_environment(&u);
    odd_blanks(&u);
    if (u.c->nwords == 0 || (u.c->how && str_eq(u.c->how, "function")))
        return;
    guess(&u);
    if (!u.c->words[0].value) {
        const char *base = shell_base(u.c->words[0].form);
        if (!(u.c->how && str_eq(u.c->how, "variable")))
            unknown_program(&u);
        if (*base && strpbrk(base, "\x01\x02\x03"))
            return;
        u.prog = base; /* /b?n/sh, ~/bin/x: the last name is known */
    } else {
        u.prog = shell_base(u.c->words[0].value);
    }
    if (shell_is_func(sh, u.prog))
        bind_arguments(&u);
    if (uw_shells(&u) || uw_builtins(&u) || wrappers(&u))
        return;
    uw_interpreters(&u);
    uw_programs(&u);
}

int shell_unwrap(struct shell *sh, struct err *e)
{
    fork_bombs(sh);
    for (size_t i = 0; i < sh->ncmds && !shell_dead(sh); i++)
        look(sh, (int)i);
    own_files(sh);
    if (sh->priv->oom)
        return err_oom(e);
    if (sh->priv->full)
        shell_note_full(sh);
    return 0;
}
