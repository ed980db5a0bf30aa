/* shell_wraps - programs that run the rest of their arguments: env, sudo, timeout, nice …
 *
 * Why it exists: each is one row of a table: its options, the operands before the command. An option that no row
 * explains makes the command opaque.
 * May include: core/shell_wrap.h.  Pure. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

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

/* May become no word or many: then nobody knows which word is the next. */
static bool many_words(const struct shell_word *w)
{
    return (w->flags & SHELL_W_GLOB) || ((w->flags & SHELL_W_SPLIT) && !shell_form_known(w->form));
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
        if (*i >= u->c->nwords || many_words(&u->c->words[*i]))
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
    if (uw_disputed(&u->c->words[*i]) && (!v || *v == '-'))
        return -1;
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
    } else if (*i < u->c->nwords && !many_words(&u->c->words[*i])) {
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
    {"poetry", "run"},    {"pipenv", "run"},    {"bundle", "exec"},   {"uv", "run"},     {"hatch", "run"},
    {"pdm", "run"},       {"rye", "run"},       {"direnv", "exec"},   {"pnpm", "exec"},  {"yarn", "exec"},
    {"npm", "exec"},      {"npm", "x"},         {"stack", "exec"},    {"cabal", "exec"}, {"opam", "exec"},
    {"tox", "exec"},      {"meson", "devenv"},  {"conda", "run"},     {"mise", "exec"},  {"dune", "exec"},
    {"cabal", "v1-exec"}, {"cabal", "v2-exec"}, {"cabal", "new-exec"}};

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

/* NAME=value before the command; then *i is behind them. Any word with a '=' counts, whatever its name: env(1). */
static void env_assigns(struct uw *u, size_t *i)
{
    for (; *i < u->c->nwords; ++*i) {
        if (uw_disputed(&u->c->words[*i]))
            uw_opaque(u, "{a,b} or $'…' where variables may stand, which sh takes as it is");
        const char *f = u->c->words[*i].form, *eq = strchr(f, '=');
        const char *name = eq ? shell_strn(u->sh, f, (size_t)(eq - f)) : NULL;
        if (!name)
            return;
        struct shell_word value = shell_word_lit(u->sh, eq + 1);
        if (shell_form_known(name))
            uw_env_name(u, name, &value);
        else
            uw_opaque(u, "a variable whose name is only known when it runs");
    }
}

/* env -S 'a b' c is env a b c. Quotes, escapes and variables in the text have rules of their own: read as a shell
 * would, only to find what must be denied. */
static void env_split(struct uw *u, const struct shell_word *text, size_t rest)
{
    const char *p = text ? text->value : NULL;
    struct shell_word *words = NULL, *w;
    size_t n = 0, cap = 0;

    if (!p || strpbrk(p, "\\$#'\"`~*?[{;|&<>()!")) {
        uw_opaque(u, "env -S with a text that is not literal");
        if (p)
            uw_text(u, "env -S", p, true);
        return;
    }
    if ((w = shell_push(u->sh, &words, &n, &cap, sizeof(*w))))
        *w = shell_word_lit(u->sh, "env");
    for (size_t k; *p; p += k) {
        p += strspn(p, " \t\n");
        k = strcspn(p, " \t\n");
        if (k && (w = shell_push(u->sh, &words, &n, &cap, sizeof(*w)))) {
            *w = shell_word_form(u->sh, p, k);
            w->flags &= ~(unsigned)SHELL_W_MADE;
        }
    }
    for (; rest < u->c->nwords; rest++) {
        if ((w = shell_push(u->sh, &words, &n, &cap, sizeof(*w))))
            *w = u->c->words[rest];
    }
    if (!shell_dead(u->sh))
        uw_derive(u, "env -S", words, n);
}

/* watch joins its operands for sh -c. */
static void watch_text(struct uw *u, size_t i)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(SHELL_TEXT_MAX);
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

static void wrap_run(struct uw *u, const struct wrap *w)
{
    const struct shell_word *value;
    struct shell_word scratch;
    const char *name;
    size_t i = 1, sub = 0;
    bool cleared = false;
    int o;

    for (;;) {
        const char *v = uw_value(u, i);
        if ((w->flags & W_DIGITS) && v && v[0] == '-' && v[1] && strpbrk(v, "0123456789") &&
            strspn(v + 1, "-+0123456789") == strlen(v + 1)) {
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
        if (str_eq(w->name, "exec"))
            uw_opaque(u, "an option of exec, which sh takes for the program");
        bool env = str_eq(w->name, "env");
        cleared = cleared || (env && (o == 'i' || (o == 1 && str_eq(name, "ignore-environment"))));
        if (env && (o == 'u' || (o == 1 && str_starts(name, "unset"))) && value && value->value)
            uw_env_name(u, value->value, NULL);
        bool chdir = o == 'C' || o == 'D' || (o == 1 && str_starts(name, "chdir"));
        if (env && (o == 'S' || (o == 1 && str_starts(name, "split-string")))) {
            env_split(u, value, i);
            return;
        }
        if (o == 'o' && str_eq(w->name, "strace") && !(value->value && isalnum((unsigned char)*value->value)))
            uw_opaque(u, "strace -o may name a program");
        if (chdir && value && (env || str_eq(w->name, "sudo")))
            enter_dir(u, value);
    }
    if (str_eq(w->name, "exec") && uw_is(u, 1, "--"))
        uw_opaque(u, "an option of exec, which sh takes for the program");
    if (str_eq(w->name, "env") && uw_is(u, i, "-")) {
        cleared = true;
        i++;
    }
    for (size_t k = i; cleared && k < u->c->nwords; k++) { /* sh -c '$HOME/x' is /x there */
        if (strpbrk(u->c->words[k].form, "$~"))
            uw_opaque(u, "a variable in a text for an empty environment");
        if (str_ends(u->c->words[k].form, "sh")) /* bash's own PATH ends in "." */
            uw_opaque(u, "a shell that may look for programs in the directory it is in");
    }
    for (int k = 0; k < w->skip && i < u->c->nwords; k++) {
        if (many_words(&u->c->words[i++]))
            uw_opaque(u, "the command of a wrapper begins at a word that is only known when it runs");
    }
    if (w->flags & W_ASSIGN)
        env_assigns(u, &i);
    if (i < u->c->nwords)
        uw_derive(u, w->name, u->c->words + i, u->c->nwords - i);
    if (str_eq(w->name, "watch") && i < u->c->nwords)
        watch_text(u, i);
}

/* --- flock, script, su: a text behind -c --- */

/* flock [options] FILE cmd…, flock [options] FILE -c text. */
static void flock_run(struct uw *u)
{
    static const struct wrap w = {
        "flock",
        {"senxuoF", "wE",
         "shared,exclusive,nonblock,nb,unlock,close,no-fork,verbose,timeout=,wait=,conflict-exit-code="},
        1,
        W_CLEAR,
        ""};
    size_t n = u->c->nwords;

    u->c->transparent = true;
    bool with_text = n >= 4 && (uw_is(u, n - 2, "-c") || uw_is(u, n - 2, "--command"));
    for (size_t i = 1; i < n; i++) {
        if (with_text && i < n - 2 && many_words(&u->c->words[i]))
            uw_opaque(u, "the command of a wrapper begins at a word that is only known when it runs");
        if (uw_disputed(&u->c->words[i])) /* flock f -c x{a,b}: two words, or the text */
            uw_opaque(u, "{a,b} or $'…' in what flock is given, which sh takes as it is");
    }
    if (!with_text) {
        wrap_run(u, &w);
        return;
    }
    size_t i = 1, sub = 0;
    const struct shell_word *value;
    struct shell_word scratch;
    const char *name;
    int o;
    while ((o = uw_opt(u, &w.o, &i, &sub, &name, &value, &scratch)) > 0)
        ;
    if (o == 0 && i != n - 3) { /* flock FILE gcc -c x */
        wrap_run(u, &w);
        return;
    }
    const char *text = o == 0 ? uw_value(u, n - 1) : NULL;
    if (text)
        uw_text(u, "flock", text, true);
    else
        uw_opaque(u, "a command text that is only known when it runs");
}

/* The text that `-c` gives to script, su or runuser, wherever it stands: NULL when it is not known. */
static bool text_of_c(const struct uw *u, const char *with_value, const char **ret)
{
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (!v) {
            *ret = NULL; /* may be the option itself */
            return u->c->words[i].form[0] == '-' || !shell_form_known(u->c->words[i].form);
        }
        if (str_eq(v, "--"))
            return false;
        if (str_starts(v, "--c")) {
            const char *eq = strchr(v, '=');
            *ret = eq ? eq + 1 : uw_value(u, i + 1);
            return true;
        }
        if (v[0] != '-' || v[1] == '-')
            continue;
        size_t k = 1 + strcspn(v + 1, with_value), c = 1 + strcspn(v + 1, "c");
        if (v[c] && c < k) {
            *ret = v[c + 1] ? v + c + 1 : uw_value(u, i + 1);
            return true;
        }
        i += v[k] && !v[k + 1]; /* the value of another option */
    }
    return false;
}

static bool text_option(struct uw *u)
{
    bool script = str_eq(u->prog, "script"), su = str_eq(u->prog, "su") || str_eq(u->prog, "runuser");
    const char *text = NULL;

    if (str_eq(u->prog, "flock")) {
        flock_run(u);
        return true;
    }
    if ((!script && !su) || (su && uw_is(u, 1, "-u")))
        return false;
    if (!text_of_c(u, script ? "IOBTEmo" : "gGsTwu", &text)) {
        if (script)
            uw_opaque(u, "a shell without a command or script");
        return script;
    }
    if (text)
        uw_text(u, u->prog, text, true);
    else
        uw_opaque(u, "a command text that is only known when it runs");
    return true;
}

bool uw_wrappers(struct uw *u)
{
    if (uw_xargs(u) || text_option(u))
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
