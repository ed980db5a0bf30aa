/* shell_prog - programs with a way to run another one: git, find, tar, sed, awk …
 *
 * Why it exists: an allow rule for `find` or `git log` must not be a way to run
 * anything. Where the inner command can be read it is judged, else the command
 * is opaque. Sources: the programs' manual pages.
 * May include: core/shell_wrap.h.  Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

/* --- find --- */

/* Where find's expression begins: a lone '-' is a name, and so is "(x". */
static bool find_starts_end(const char *form, bool first)
{
    if (*form == '-')
        return form[1] != '\0';
    return *form && !form[1] && strchr(first ? "(!" : "(!),", *form);
}

/* The names find comes to: everything below the starting points when a test chooses among them, else those themselves.
 */
size_t shell_find_names(struct shell *sh, const struct shell_cmd *c, struct shell_word *out, size_t max)
{
    /* Ages, sizes, owners and modes can fit every file. */
    static const char *const tests[] = {"-name",       "-iname", "-path",   "-ipath", "-wholename",
                                        "-iwholename", "-regex", "-iregex", "-empty", "-lname"};
    bool chosen = false;
    size_t n = 0, i = 1, from;

    for (size_t k = 1; k < c->nwords; k++) {
        bool all_but = str_eq(c->words[k - 1].value, "!") || str_eq(c->words[k - 1].value, "-not");
        const char *pat = k + 1 < c->nwords ? c->words[k + 1].value : NULL;
        bool all = pat && *pat && strspn(pat, "./*") == strlen(pat) && strchr(pat, '*');
        for (size_t t = 0; !all_but && !all && t < ARRAY_LEN(tests); t++)
            chosen = chosen || str_eq(c->words[k].value, tests[t]);
    }
    while (i < c->nwords && c->words[i].form[0] == '-' && c->words[i].form[1] && strchr("HLPDO", c->words[i].form[1]))
        i++;
    from = i;
    for (; i < c->nwords && n < max && !find_starts_end(c->words[i].form, i == from); i++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX);
        buf_puts(&b, c->words[i].form);
        buf_puts(&b, chosen ? "/\x02" : "");
        if (!b.bad)
            out[n++] = shell_word_form(sh, b.p ? b.p : "", b.len);
    }
    if (i == from && max > 0)
        out[n++] = shell_word_form(sh, chosen ? "./\x02" : ".", chosen ? 3 : 1);
    bool more = i < c->nwords && !find_starts_end(c->words[i].form, i == from);
    for (; i < c->nwords; i++)
        more = more || str_eq(c->words[i].value, "-files0-from");
    if (more && n > 0)
        out[n - 1] = shell_word_form(sh, "\x01\x01", 2); /* starting points that are not known */
    return n;
}

/* Nothing of it is certain: it may be any text. */
static bool blank(const char *form)
{
    while (*form == SHELL_F_STAR || *form == SHELL_F_ONE || *form == SHELL_F_VAR) {
        if (*form == SHELL_F_VAR)
            form = strchr(form + 1, SHELL_F_VAR);
        if (!form)
            return false;
        form++;
    }
    return *form == '\0';
}

/* Could find read words from..to as more than one command? A word that splits may hold the command's end and another
 * action; one that is not known may be that end, when another one or an action follows, or no other end. */
static bool find_exec_unsure(const struct uw *u, size_t from, size_t to)
{
    static const char *const actions[] = {"-exec", "-ok", "-delete", "-fprint", "-fls"};
    bool unknown = false;

    if (to < u->c->nwords && uw_disputed(&u->c->words[to])) /* $';' ends nothing in sh */
        return true;
    for (size_t i = from; i < to; i++) {
        const struct shell_word *w = &u->c->words[i];
        bool any = !w->value && w->form[0] && blank(w->form);

        if (!w->value && (w->flags & (any ? SHELL_W_SPLIT | SHELL_W_GLOB : SHELL_W_SPLIT)))
            return true;
        for (size_t k = 0; unknown && k < ARRAY_LEN(actions); k++)
            if (any || strncmp(w->form, actions[k], strlen(actions[k])) == 0)
                return true;
        unknown = unknown || any;
    }
    return unknown && to >= u->c->nwords;
}

/* -exec cmd …: {} is any of these names. */
static void find_exec_names(struct uw *u, size_t from, size_t to, const struct shell_word *below, size_t nbelow)
{
    struct shell_word *words = NULL;
    size_t n = 0, cap = 0;

    for (size_t i = from; i < to; i++) {
        bool braces = strstr(u->c->words[i].form, "{}") != NULL, whole = str_eq(u->c->words[i].form, "{}");
        if (braces && !whole) { /* sh -c 'rm {}': the name becomes part of a text */
            struct shell_word *w = shell_push(u->sh, &words, &n, &cap, sizeof(*w));
            if (w)
                *w = shell_word_form(u->sh, "\x01\x01", 2);
        }
        for (size_t k = 0; k < (whole ? nbelow : braces ? 0 : 1); k++) {
            struct shell_word *w = shell_push(u->sh, &words, &n, &cap, sizeof(*w));
            if (w)
                *w = whole ? below[k] : u->c->words[i];
        }
    }
    if (n)
        uw_derive(u, "find -exec", words, n);
}

/* {} is one name below one of the starting points, with + any number, which need not be below the first of them. */
static void find_exec(struct uw *u, size_t from, size_t to, const struct shell_word *below, size_t nbelow)
{
    bool many = uw_is(u, to, "+"), names = false;

    for (size_t i = from; i < to; i++)
        names = names || str_eq(u->c->words[i].form, "{}");
    if (from < to && strstr(u->c->words[from].form, "{}"))
        uw_opaque(u, "find runs what it finds");
    for (size_t k = 0; k < (names ? nbelow : 1); k++)
        find_exec_names(u, from, to, below + k, many || !names ? nbelow - k : 1);
}

static void find_delete(struct uw *u, const struct shell_word *below, size_t nbelow)
{
    struct shell_word *w = shell_alloc(u->sh, (nbelow + 2) * sizeof(*w));

    if (!w)
        return;
    w[0] = shell_word_lit(u->sh, "rm");
    w[1] = shell_word_lit(u->sh, "-rf");
    memcpy(w + 2, below, nbelow * sizeof(*w));
    uw_derive(u, "find -delete", w, nbelow + 2);
}

static void prog_find(struct uw *u)
{
    static const char *const execs[] = {"-exec", "-execdir", "-ok", "-okdir"};
    struct shell_word below[16];
    size_t nbelow = 0;
    bool deletes = false;

    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        bool exec = false;
        for (size_t k = 0; k < ARRAY_LEN(execs); k++)
            exec = exec || str_eq(v, execs[k]);
        if (exec) {
            size_t end = i + 1;
            while (end < u->c->nwords && !uw_is(u, end, ";") && !(uw_is(u, end, "+") && uw_is(u, end - 1, "{}")))
                end++;
            if (find_exec_unsure(u, i + 1, end))
                uw_opaque(u, "find -exec with a variable that may end its command");
            nbelow = nbelow ? nbelow : shell_find_names(u->sh, u->c, below, ARRAY_LEN(below));
            find_exec(u, i + 1, end, below, nbelow);
            i = end;
        } else if (str_eq(v, "-delete") && !deletes) {
            nbelow = nbelow ? nbelow : shell_find_names(u->sh, u->c, below, ARRAY_LEN(below));
            find_delete(u, below, nbelow);
            deletes = true;
        } else if (!v && (u->c->words[i].form[0] == '-' ||
                          ((u->c->words[i].flags & SHELL_W_SPLIT) && (i > 1 || strchr(u->c->words[i].form, '-'))))) {
            uw_opaque(u, "find with a variable that may add -exec");
        }
    }
}

/* --- git --- */

/* Keys whose values git runs, or that name a place to load from (git-config(1)). */
static bool git_key_runs(const char *key)
{
    static const char *const globs[] = {"alias.*",
                                        "core.hookspath",
                                        "core.sshcommand",
                                        "core.fsmonitor",
                                        "core.pager",
                                        "core.editor",
                                        "core.askpass",
                                        "core.gitproxy",
                                        "core.worktree",
                                        "core.attributesfile",
                                        "core.alternaterefscommand",
                                        "sequence.editor",
                                        "pager.*",
                                        "diff.external",
                                        "diff.*.command",
                                        "diff.*.textconv",
                                        "diff.guitool",
                                        "difftool.*",
                                        "merge.*.driver",
                                        "mergetool.*",
                                        "filter.*",
                                        "credential*.helper",
                                        "gpg.program",
                                        "gpg.*.program",
                                        "gpg.ssh.defaultkeycommand",
                                        "man.*",
                                        "browser.*",
                                        "web.browser",
                                        "interactive.difffilter",
                                        "include.path",
                                        "includeif.*",
                                        "protocol.*",
                                        "remote.*.vcs",
                                        "remote.*.uploadpack",
                                        "remote.*.receivepack",
                                        "uploadpack.packobjectshook",
                                        "sendemail.*",
                                        "imap.tunnel",
                                        "http.proxy",
                                        "http.sslverify",
                                        "http.sslbackend",
                                        "submodule.*.update",
                                        "trailer.*.command",
                                        "trailer.*.cmd",
                                        "init.templatedir",
                                        "instaweb.*",
                                        "guitool.*",
                                        "url.*",
                                        "tar.*.command",
                                        "ssh.variant",
                                        "receive.*hook*",
                                        "safe.directory",
                                        "hook.*",
                                        "fsmonitor.*",
                                        "extensions.*",
                                        "remote.*.url",
                                        "remote.*.pushurl",
                                        "remote.pushdefault",
                                        "core.repositoryformatversion",
                                        "core.excludesfile",
                                        "bitmap.*"};
    AUTO(buf_fini) struct buf low = BUF_INIT(512);

    for (const char *p = key; *p && *p != '='; p++)
        buf_addc(&low, *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p);
    if (low.bad || !low.p)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(globs); i++) {
        if (glob_match(globs[i], low.p))
            return true;
    }
    return false;
}

/* `core.pager=cat` and the like. */
static bool git_value_harmless(const char *pair)
{
    static const char *const ok[] = {
        "core.pager=cat",           "core.pager=",       "core.editor=true",     "core.editor=:",
        "sequence.editor=true",     "sequence.editor=:", "core.fsmonitor=false", "core.hooksPath=/dev/null",
        "core.hookspath=/dev/null", "pager.log=false",   "pager.diff=false",     "pager.branch=false"};

    for (size_t i = 0; i < ARRAY_LEN(ok); i++) {
        if (str_eq(pair, ok[i]))
            return true;
    }
    return false;
}

static void git_config(struct uw *u, size_t sub)
{
    bool reads = false;
    size_t key = 0, operands = 0;

    for (size_t i = sub + 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (v && v[0] == '-') {
            reads = reads || str_starts(v, "--get") || str_starts(v, "--list") || str_eq(v, "-l") ||
                    str_starts(v, "--unset");
            if (str_eq(v, "-f") || str_eq(v, "--file") || str_eq(v, "--type"))
                i++;
            if (str_eq(v, "-e") || str_eq(v, "--edit"))
                uw_opaque(u, "git config --edit starts an editor");
            continue;
        }
        if (operands == 0 && str_eq(v, "edit")) {
            uw_opaque(u, "git config edit starts an editor");
            return;
        }
        if (operands == 0 && v && (str_eq(v, "set") || str_eq(v, "get") || str_eq(v, "list") || str_eq(v, "unset"))) {
            reads = reads || !str_eq(v, "set");
            continue;
        }
        if (operands++ == 0)
            key = i;
    }
    if (reads || operands < 2)
        return;
    const char *k = uw_value(u, key), *v = uw_value(u, key + 1);
    if (!k) {
        uw_opaque(u, "git config of a key that is only known when it runs");
        return;
    }
    AUTO(buf_fini) struct buf pair = BUF_INIT(1024);
    buf_puts(&pair, k);
    buf_addc(&pair, '=');
    buf_puts(&pair, v ? v : "\x01");
    if (git_key_runs(k) && !git_value_harmless(pair.p ? pair.p : ""))
        uw_opaque(u, "git config of a key whose value git runs");
}

/* What stands behind the option in v: git takes long ones shortened and letters in clusters (gitcli(7)); NULL: it is
 * not that option. */
static const char *git_option(const char *v, const char *opt)
{
    size_t n = strcspn(v, "="), full = strlen(opt);

    if (str_eq(v, "--"))
        return NULL;
    if (opt[1] == '-' && full > 2)
        return n >= 3 && n <= full && strncmp(v, opt, n) == 0 ? v + n : NULL;
    if (str_starts(v, opt))
        return v + full;
    const char *at = v[0] == '-' && v[1] != '-' && full == 2 && strlen(v) <= 4 ? strchr(v, opt[1]) : NULL;
    return at ? at + 1 : NULL;
}

/* Options of subcommands that run something. */
static void git_sub(struct uw *u, size_t sub)
{
    static const struct {
        const char *sub, *opt;
        bool shell; /* its value is a shell text */
    } runs[] = {{"rebase", "-x", true},
                {"rebase", "--exec", true},
                {"grep", "-O", false},
                {"grep", "--open-files-in-pager", false},
                {"difftool", "-x", false},
                {"difftool", "--extcmd", false},
                {"archive", "--exec", false},
                {"archive", "--remote", false},
                {"help", "-w", false},
                {"help", "--web", false},
                {"help", "-m", false},
                {"help", "--man", false},
                {"diff", "--textconv", false},
                {"notes", "--exec", false},
                {"clone", "-u", false},
                {"clone", "--upload-pack", false},
                {"clone", "-c", false},
                {"clone", "--config", false},
                {"clone", "--template", false},
                {"fetch", "--upload-pack", false},
                {"pull", "--upload-pack", false},
                {"push", "--receive-pack", false},
                {"push", "--exec", false},
                {"ls-remote", "--upload-pack", false},
                {"ls-remote", "--exec", false},
                {"filter-branch", "--", false},
                {"init", "--template", false},
                {"send-email", "--", false},
                {"diff", "--ext-diff", false},
                {"log", "--ext-diff", false},
                {"show", "--ext-diff", false},
                {"mergetool", "-t", false},
                {"mergetool", "--tool", false}};
    const char *name = uw_value(u, sub);

    if (sub == 1) /* behind options of git it is looked at again without them */
        uw_git_loses(u, sub);
    if (str_eq(name, "config"))
        git_config(u, sub);
    if (str_eq(name, "bisect") && (uw_is(u, sub + 1, "view") || uw_is(u, sub + 1, "visualize")) &&
        u->c->nwords > sub + 2)
        uw_opaque(u, "git bisect view runs the command behind it");
    if (str_eq(name, "bisect") && uw_is(u, sub + 1, "run") && u->c->nwords > sub + 2)
        uw_derive(u, "git bisect run", u->c->words + sub + 2, u->c->nwords - sub - 2);
    if (str_eq(name, "submodule") && uw_is(u, sub + 1, "foreach")) {
        size_t i = sub + 2;
        while (uw_value(u, i) && uw_value(u, i)[0] == '-')
            i++;
        if (i + 1 < u->c->nwords)
            uw_derive(u, "git submodule foreach", u->c->words + i, u->c->nwords - i);
        else if (uw_value(u, i))
            uw_text(u, "git submodule foreach", uw_value(u, i), true);
        else
            uw_opaque(u, "a command text that is only known when it runs");
    }
    for (size_t k = 0; k < ARRAY_LEN(runs); k++) {
        if (!str_eq(name, runs[k].sub))
            continue;
        for (size_t i = sub + 1; i < u->c->nwords; i++) {
            const char *v = uw_value(u, i);
            const char *behind = v ? git_option(v, runs[k].opt) : NULL;
            if (!behind)
                continue;
            const char *text = *behind == '=' ? behind + 1 : *behind ? behind : uw_value(u, i + 1);
            if (runs[k].shell && text)
                uw_text(u, "git rebase --exec", text, true);
            else
                uw_opaque(u, "an option of git that runs another program");
        }
    }
}

static void prog_git(struct uw *u)
{
    static const char *const alone[] = {
        "--no-pager",          "--paginate",          "-p",        "-P",     "--bare",         "--no-replace-objects",
        "--literal-pathspecs", "--no-optional-locks", "--version", "--help", "--no-lazy-fetch"};
    size_t i = 1, chdir = 0;

    for (; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        bool known = false;
        if (!v || v[0] != '-')
            break;
        for (size_t k = 0; k < ARRAY_LEN(alone); k++)
            known = known || str_eq(v, alone[k]);
        if (str_eq(v, "-C")) {
            chdir = ++i;
        } else if (str_eq(v, "-c")) {
            const char *pair = uw_value(u, ++i);
            if (!pair || (git_key_runs(pair) && !git_value_harmless(pair)))
                uw_opaque(u, "git -c sets a key whose value git may run");
        } else if (!known) {
            uw_opaque(u, "an option of git that changes what it loads or runs");
        }
    }
    if (i >= u->c->nwords)
        return;
    if (!uw_value(u, i)) {
        uw_opaque(u, "a git command that is only known when it runs");
        return;
    }
    git_sub(u, i);
    if (i == 1)
        return;
    /* `git -C dir status` is judged as `git status`, in dir. */
    struct shell_word *w = shell_alloc(u->sh, (u->c->nwords - i + 1) * sizeof(*w));
    struct shell_word *cd = shell_alloc(u->sh, 2 * sizeof(*cd));
    if (!w || !cd)
        return;
    w[0] = u->c->words[0];
    memcpy(w + 1, u->c->words + i, (u->c->nwords - i) * sizeof(*w));
    u->c->transparent = true;
    if (chdir && chdir < u->c->nwords) {
        cd[0] = shell_word_lit(u->sh, "cd");
        cd[1] = u->c->words[chdir];
        u->c->scope = shell_add_scope(u->sh, u->c->scope);
        uw_derive(u, "chdir", cd, 2);
    }
    uw_derive(u, "git", w, u->c->nwords - i + 1);
}

/* --- sed --- */

/* Behind the delimiter that ends a part; NULL when it does not end. GNU sed looks at backslashes only, not at [ ], and
 * takes no bare newline: where it begins to read another command is not guessed. */
static const char *sed_part(const char *p, char delim)
{
    for (; *p && *p != delim && *p != '\n'; p++)
        p += *p == '\\' && p[1];
    return *p == delim && delim != '\n' ? p + 1 : NULL;
}

static const char *sed_address(const char *p)
{
    for (;;) {
        p += strspn(p, " \t0123456789$,~+!IM");
        if (*p == '/')
            p = sed_part(p + 1, '/');
        else if (*p == '\\' && p[1])
            p = sed_part(p + 2, p[1]);
        else
            return p;
        if (!p)
            return NULL;
    }
}

/* Behind a `s`: to the end of its flags; NULL when it runs or writes something. */
static const char *sed_subst(const char *p)
{
    char delim = *p;

    if (!delim || delim == '\n' || delim == '\\')
        return NULL;
    p = sed_part(p + 1, delim);
    p = p ? sed_part(p, delim) : NULL;
    if (!p)
        return NULL;
    p += strspn(p, "gpiImM0123456789");
    return *p && strchr("ew", *p) ? NULL : p;
}

/* A script that only edits text (sed(1), GNU): no e, w, W commands or flags. */
static bool sed_plain(const char *p)
{
    while (p && *p) {
        p += strspn(p, " \t\n\v\f\r;{}");
        p = sed_address(p);
        if (!p || !*p)
            return p != NULL;
        p += strspn(p, " \t{");
        char c = *p++;
        if (c == 's') {
            p = sed_subst(p);
        } else if (c == 'y') {
            char delim = *p;
            p = delim ? sed_part(p + 1, delim) : NULL;
            p = p ? sed_part(p, delim) : NULL;
        } else if (c && strchr("rR", c) && p[strspn(p, " \t")] == '/') {
            return false; /* a file from elsewhere */
        } else if (c && strchr("aicrR", c)) {
            while (*p && *p != '\n')
                p += *p == '\\' && p[1] ? 2 : 1;
        } else if (c == '#') {
            p += strcspn(p, "\n");
        } else if (c && strchr(":btT", c)) { /* GNU sed ends a label at a space, too: `:a e evil` is two commands */
            p += strspn(p, " \t");
            p += strcspn(p, "; \t\n\v\f\r}");
        } else if (c && strchr("dDpPnNgGhHxz=FqQlLv}", c)) {
            p += strspn(p, " \t0123456789");
        } else {
            return false;
        }
        if (p && *p && !strchr(" \t\n;}", *p))
            return false;
    }
    return p != NULL;
}

static void prog_sed(struct uw *u)
{
    bool given = false, more = true;

    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        bool option = more && u->c->words[i].form[0] == '-' && u->c->words[i].form[1];
        const char *script = NULL;
        bool is_script = false;
        if (v && str_eq(v, "--")) {
            more = false;
        } else if (!v && more && (option || (given && uw_may_be(u, &u->c->words[i], "-e")))) {
            uw_opaque(u, "sed with a variable that may add a script");
        } else if (option && v && v[1] == '-') {
            const char *eq = strchr(v, '='); /* GNU: long options may be abbreviated */
            is_script = str_starts(v, "--e");
            script = is_script ? (eq ? eq + 1 : uw_value(u, ++i)) : NULL;
            given = given || str_starts(v, "--fi");
            i += !eq && (str_starts(v, "--fi") || str_starts(v, "--l"));
        } else if (option && v) {
            const char *e = strpbrk(v + 1, "efil");
            is_script = e && *e == 'e';
            script = is_script ? (e[1] ? e + 1 : uw_value(u, ++i)) : NULL;
            given = given || (e && *e == 'f');
            i += (e && *e == 'f' && !e[1]) || (e && *e == 'l' && !e[1]);
        } else if (!given) {
            is_script = true;
            script = v;
        }
        if (!is_script)
            continue;
        given = true;
        if (!script)
            uw_opaque(u, "a sed script that is only known when it runs");
        else if (!sed_plain(script))
            uw_opaque(u, "a sed script that may run a program or write a file");
    }
}

/* --- awk --- */

static bool c_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Behind the regex whose '/' is at p. */
static const char *awk_regex(const char *p)
{
    for (p++; *p && *p != '/' && *p != '\n'; p++)
        p += *p == '\\' && p[1];
    return *p ? p : p - 1;
}

static bool awk_word_at(const char *start, const char *p, const char *word)
{
    size_t n = strlen(word);
    bool before = p == start || !(c_alnum(p[-1]) || p[-1] == '_');

    return before && strncmp(p, word, n) == 0 && !(c_alnum(p[n]) || p[n] == '_');
}

/* Programs that only compute and print (gawk(1)): no system(), no getline, no `|`, and no `>` in a print statement,
 * which ends at ; } or a newline; in brackets `>` compares. */
static bool awk_plain(const char *s)
{
    bool print = false;
    int depth = 0;
    char last = '\0', before = '\0'; /* the last two characters: tell a division from a regex */

    if (strstr(s, "system") || strstr(s, "getline") || strstr(s, "ENVIRON[") || strstr(s, "ARGV[") || strchr(s, '@') ||
        strstr(s, "/inet"))
        return false;
    for (const char *p = s; *p; p++) {
        if (*p == '"') {
            for (p++; *p && *p != '"'; p++)
                p += *p == '\\' && p[1];
            if (!*p)
                return false;
        } else if (*p == '/' && last == before && (last == '+' || last == '-')) {
            return false; /* x++ / y: either */
        } else if (*p == '/' && !(c_alnum(last) || (last && strchr("_)]$\"", last)))) {
            p = awk_regex(p);
        } else if (*p == '#') {
            p += strcspn(p, "\n");
            p -= !*p;
        } else if (*p == '|' && p[1] == '|') {
            p++;
        } else if (*p == '|' || (*p == '>' && print && depth == 0)) {
            return false;
        } else if (*p == '(' || *p == '[') {
            depth++;
        } else if (*p == ')' || *p == ']') {
            depth -= depth > 0;
        } else if (strchr(";}{\n", *p)) {
            print = false;
            depth = 0;
        } else if (awk_word_at(s, p, "print") || awk_word_at(s, p, "printf")) {
            print = true;
        }
        if (*p != ' ' && *p != '\t') {
            before = last;
            last = *p;
        }
    }
    return true;
}

/* -vx=$y, -F$x with something certain behind the letter: else the next word may be its value. */
static bool awk_value_behind(const char *form)
{
    size_t name = strspn(form + 2, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return str_starts(form, "-v") ? name > 0 && form[2 + name] == '=' : str_starts(form, "-F") && name > 0;
}

static void prog_awk(struct uw *u)
{
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i), *f = u->c->words[i].form;
        if (str_eq(v, "-F") || str_eq(v, "-v") || str_eq(f, "-v") || str_eq(v, "--assign") ||
            str_eq(v, "--field-separator")) {
            i++;
            continue;
        }
        if (str_eq(v, "-f") || (v && str_starts(v, "--file")))
            return;
        if (f[0] == '-' && f[1] && !str_eq(v, "--")) {
            if (v && (str_starts(v, "-e") || str_starts(v, "--source") || str_starts(v, "-i") ||
                      str_starts(v, "--include") || str_starts(v, "-l") || str_starts(v, "--load") ||
                      str_starts(v, "-E") || str_starts(v, "--exec") || str_starts(v, "-W")))
                uw_opaque(u, "an option of awk that loads or runs code");
            if (!v && !awk_value_behind(f))
                uw_opaque(u, "an option of awk that is only known when it runs");
            continue;
        }
        if (str_eq(v, "--"))
            continue;
        if (!v)
            uw_opaque(u, "an awk program that is only known when it runs");
        else if (!awk_plain(v))
            uw_opaque(u, "an awk program that may run a program or write a file");
        return;
    }
}

/* tar -I zstd is fine; anything else it names is run. tar's long options may be abbreviated. */
static void prog_tar(struct uw *u)
{
    static const char *const known[] = {"zstd",   "pigz", "xz",  "gzip",   "bzip2",
                                        "lbzip2", "pixz", "lz4", "pbzip2", "zstdmt"};
    static const char *const abbreviated[] = {"--checkp", "--to-c", "--info-s", "--new-v", "--rsh-c", "--rmt-c"};

    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i), *prog = NULL;
        bool is = false;
        if (!v) {
            is = uw_may_be(u, &u->c->words[i], "-I") || uw_may_be(u, &u->c->words[i], "--use-compress-program");
        } else if (str_starts(v, "--use")) {
            is = true;
            prog = strchr(v, '=') ? strchr(v, '=') + 1 : uw_value(u, i + 1);
        } else if (v[0] == '-' && v[1] != '-' && strchr(v, 'I')) {
            is = true;
            prog = strchr(v, 'I')[1] ? strchr(v, 'I') + 1 : uw_value(u, i + 1);
        }
        bool ok = !is;
        for (size_t k = 0; k < ARRAY_LEN(known); k++)
            ok = ok || str_eq(prog, known[k]);
        for (size_t k = 0; k < ARRAY_LEN(abbreviated); k++)
            ok =
                ok && (v ? !str_starts(v, abbreviated[k]) || str_starts(v, "--checkpoint=") || str_eq(v, "--checkpoint")
                         : !uw_may_be(u, &u->c->words[i], abbreviated[k]));
        if (!ok)
            uw_opaque(u, "an option of tar that runs another program");
    }
}

/* cmake -E rm -rf x, cmake -E env A=1 cmd, cmake -E time cmd. */
static void prog_cmake(struct uw *u)
{
    if (!uw_is(u, 1, "-E") || u->c->nwords < 3)
        return;
    uw_derive(u, "cmake -E", u->c->words + 2, u->c->nwords - 2);
}

/* NAME=value on make's command line is makefile text: it is expanded, and often run. Flags and lists of names are not.
 */
static bool make_var_runs(const char *v)
{
    static const char *const lists[] = {"FLAGS", "LIBS", "ARGS", "OPTS", "TARGETS", "DIRS", "TESTS", "DEFS"};
    const char *eq = v[0] == '-' ? NULL : strchr(v, '=');
    size_t n = eq ? (size_t)(eq - v) : 0;

    if (!eq)
        return false;
    if ((n && eq[-1] == '!') || strchr(eq, '$') || strchr(eq, '`')) /* X!=cmd, $(shell cmd) */
        return true;
    while (n && strchr(":+?", v[n - 1]))
        n--;
    if (!strpbrk(eq, " \t\n;|&"))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (n >= strlen(lists[i]) && strncmp(v + n - strlen(lists[i]), lists[i], strlen(lists[i])) == 0)
            return strpbrk(eq, ";|&\n") != NULL;
    return true;
}

/* make reads a makefile from its input, and more of it from its arguments. */
static void prog_make(struct uw *u)
{
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (v && make_var_runs(v))
            uw_opaque(u, "a variable given to make holds a command");
        bool file = str_eq(v, "-f") || str_eq(v, "--file") || str_eq(v, "--makefile");
        const char *name = file ? uw_value(u, i + 1) : v && str_starts(v, "-f") ? v + 2 : NULL;
        if ((file && !name) || str_eq(name, "-") || (name && str_starts(name, "/dev/")))
            uw_opaque(u, "make reads its rules from what is only known when it runs");
    }
}

void uw_programs(struct uw *u)
{
    static const struct {
        const char *name;
        void (*fn)(struct uw *);
    } table[] = {{"find", prog_find}, {"gfind", prog_find}, {"git", prog_git},  {"sed", prog_sed},
                 {"gsed", prog_sed},  {"awk", prog_awk},    {"gawk", prog_awk}, {"mawk", prog_awk},
                 {"nawk", prog_awk},  {"tar", prog_tar},    {"gtar", prog_tar}, {"cmake", prog_cmake},
                 {"make", prog_make}, {"gmake", prog_make}};
    static const char *const opaque[] = {"ssh",  "parallel", "at",          "batch", "crontab", "expect", "screen",
                                         "tmux", "nsenter",  "systemd-run", "dtach", "socat",   "rlwrap", "telnet"};

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (str_eq(u->prog, table[i].name))
            table[i].fn(u);
    }
    for (size_t i = 0; i < ARRAY_LEN(opaque); i++) {
        if (str_eq(u->prog, opaque[i]))
            uw_opaque(u, "a program that runs commands elsewhere or later");
    }
    uw_options(u);
}
