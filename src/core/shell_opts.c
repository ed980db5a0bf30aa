/* shell_opts - options with which an everyday program runs, loads or becomes something else.
 *
 * Why it exists: an allow rule for `sort` or `gcc` must not be a way to run anything. Most programs have an option
 * that names a program, a plugin or a text to run; one row per family lists them, from the programs' manual pages.
 * Options that load a file of the project (mocha -r, jest --config) are left out: the project's own code is
 * allowed to run anyway.
 * May include: core/shell_wrap.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

/* Words of a row's `opts`:
 *   --name   that long option, also shortened (getopt_long, argparse and git take `--n`)
 *   --name!  the same, never shortened: a longer or shorter option with this beginning is harmless
 *   -x       that letter, also inside a cluster or with its value behind it
 *   -x.      that letter at the beginning of the word only: the program's other options are words
 *   -word    a word behind one or two dashes, with whatever follows
 *   =NAME    an operand NAME=…
 *   @ +!     an operand beginning so
 *   :glob    the first operand, a subcommand
 *   %text    any word that holds the text */
static const struct {
    const char *progs, *opts; /* words between blanks; progs are globs */
} runs[] = {
    {"tar gtar bsdtar", "-F --to-command --checkpoint-action! --info-script --new-volume-script --rsh-command "
                        "--rmt-command"},
    {"bsdtar", "--use-compress-program"},
    {"cpio", "--rsh-command"},
    {"zip", "-TT --unzip-command"},
    {"unzip", "-:"},
    {"xz unxz lzma", "--files"},
    {"sort", "--compress-program"},
    {"split", "--filter"},
    {"install ginstall", "--strip-program"},
    {"rsync", "-e --rsh --rsync-path"},
    {"sdiff diff3", "--diff-program"},
    {"diff", "--paginate"},
    {"man", "-P -H -C --pager --html --config-file"},
    {"less more", "-k +! +| +v --lesskey-src --lesskey-file --lesskey-content"},
    {"bat batcat delta ag ack", "--pager --ackrc"},
    {"fd fdfind", "-x -X --exec --exec-batch"},
    {"rg", "--pre! --hostname-bin"},
    {"cloc", "--extract-with --config"},
    {"xmllint", "--shell"},
    {"file", "-C --compile"},
    {"date", "-s --set"},
    {"hostname", ":*"},
    {"apt-cache", "-o -c --option --config-file"},
    {"look", "--exec"},
    {"dpkg", "--pre-invoke"},
    {"wget", "--use-askpass"},
    {"curl", "-K --config"},
    {"tcpdump", "-z"},
    {"journalctl", "--vacuum"},
    {"crontab", "-e"},
    {"sysctl", "-w"},
    {"make gmake bmake", "-E --eval =SHELL =.SHELLFLAGS =MAKE =MAKEFLAGS =GNUMAKEFLAGS =MFLAGS"},
    {"cmake", "-P"},
    {"ctest", "-S --script --script-new-process --test-command --build-and-test --build-makeprogram --launch! "
              "--overwrite!"},
    {"ninja samu", "-t"},
    {"meson", "--wrapper --gdb-path --internal! :runpython"},
    {"bazel bazelisk", "--run_under --workspace_status_command --host_jvm_args --server_javabase"},
    {"just", "-c --command --shell --shell-arg --choose --chooser"},
    {"mvn mvnw", "%exec:exec %-Dexec.executable %exec-maven-plugin %maven.ext.class.path "
                 "%-Djvm= %javaagent: %agentpath: %agentlib:"},
    {"gradle gradlew", "-I. --init-script %org.gradle.java.home %javaagent: %agentpath: %agentlib:"},
    {"ant", "-lib"},
    {"gcc g++ cc c++ cpp gcc-[0-9]* g++-[0-9]* cpp-[0-9]* *-gcc *-g++ clang clang++ clang-[0-9]* clang++-[0-9]*",
     "-wrapper -fplugin -fpass-plugin -specs -load -plugin --config! --ld-path -fuse-ld=/ -B. @ %-plugin, %-load,"},
    {"ld lld ld.* gold", "-plugin @"},
    {"nm ar ranlib strip objcopy objdump size addr2line readelf", "--plugin @"},
    {"windres", "--preprocessor"},
    {"bison", "-S --skeleton"},
    {"m4", "%syscmd"},
    {"clang-tidy clang-tidy-[0-9]* iwyu include-what-you-use", "-load %-fplugin %-fpass-plugin %=-load"},
    {"rustc", "%linker= --sysroot %codegen-backend="},
    {"rustdoc", "--runtool --test-runtool --test-builder --test-builder-wrapper"},
    {"cargo", "--config"},
    {"go", "-exec -toolexec -overlay -vettool %-extld"},
    {"java javac javadoc jar kotlinc scalac", "-XX:On -agentlib -agentpath -javaagent -J. @"},
    {"kotlinc", "-e."},
    {"ghc", "-e. -pgm --interactive!"},
    {"elixir iex", "-e --eval --rpc-eval --pipe-to!"},
    {"mix", ":eval :cmd -e --eval"},
    {"crystal", ":eval :i :interactive :play --link-flags"},
    {"cabal", "-w. -with- %-pgm :repl :v[12]-repl :new-repl"},
    {"stack", ":eval :ghci :repl :script --exec! -with- %-pgm"},
    {"dune", ":utop --diff-command!"},
    {"opam", ":config"},
    {"zig", "--test-cmd!"},
    {"nim", ":e :secret %--eval %.exe: %.exe= %linkerexe"},
    {"cpack", "-D --config"},
    {"dpkg-buildpackage debuild", "-hook- %-hook= -r. -p. -e. -R. --root-command --sign-command --check-command "
                                  "--rules-file --set-envvar --prepend-path"},
    {"ocamlfind ocamlopt ocamlc", "-pp -cc"},
    {"rebar3", "--eval --script"},
    {"sbt", "%eval set -java-home %javaagent: %agentpath:"},
    {"swift swiftc", "-e :repl --repl! %-load-plugin -tools-directory"},
    {"genhtml lcov geninfo", "%-script %demangle-cpp= %demangle_cpp_tool %_tool="},
    {"mypy", "--python-executable --install-types"},
    {"pyright", "--pythonpath"},
    {"pip pip3 uv", "--python!"},
    {"valgrind", "--db-command %--tool=/ %--tool=."},
    {"getent", ":shadow :gshadow"},
    {"yq", "%load( %load_"},
    {"deno", ":x --eval!"},
    {"bun", "-e. --eval! -p. --print!"},
    {"ruby*", "-S. --crash-report!"},
    {"perl perl5*", "-S."},
    {"dotnet msbuild", ":exec %BuildEvent= -l: -logger:"},
    {"npm pnpm yarn", "--script-shell --node-options --globalconfig --userconfig --git!"},
    {"lerna", "--npm-client"},
    {"ts-node ts-node-esm tsx", "-e -p --eval --print"},
    {"vitest", "%execArgv"},
    {"mocha", "--node-option -n."},
    {"ava", "--node-arguments"},
    {"rollup", "-p. --plugin! -watch.on"},
    {"php*", "%auto_prepend_file %auto_append_file %extension= %sendmail_path --process-begin --process-code "
             "--process-end"},
    {"tox", "-x --override"},
    {"pytest py.test", "--debugger! --pdbcls"},
    {"pylint", "--init-hook"},
    {"rake", "-e -E -p --execute --execute-print --execute-continue"},
    {"prove", "-e --exec"},
    {"perlcritic", "--pager!"},
    {"busted", "-e. --lua!"},
    {"bats", "--parallel-binary-name!"},
    {"actionlint", "-shellcheck -pyflakes"},
    {"hlint", "-with"},
    {"git", "--unsafe-paths!"},
    {"patch", "-e --ed! -g --get!"},
    {"gotestsum", "--post-run-command --raw-command"},
    {"gcovr", "--gcov-executable"},
    {"lcov geninfo", "--gcov-tool"},
    {"llvm-cov", "-Xdemangler"},
    {"cppcheck", "--addon! --addon-python --clang! --exename"},
    {"ctags", "--options"},
    {"pandoc", "-F -L --filter --lua-filter --pdf-engine --pdf-engine-opt! :lua :server"},
};

/* The next word of a list between blanks, into out. False at the end. */
static bool next_word(const char **list, char *out, size_t cap)
{
    *list += strspn(*list, " ");
    size_t n = strcspn(*list, " ");
    if (n == 0 || n >= cap)
        return false;
    memcpy(out, *list, n);
    out[n] = '\0';
    *list += n;
    return true;
}

/* `--n=x` for --name. */
static bool long_there(const char *v, const char *opt)
{
    size_t n = strcspn(v, "="), full = strlen(opt);
    bool exact = full && opt[full - 1] == '!';

    full -= exact;
    if (exact)
        return n == full && strncmp(v, opt, n) == 0;
    return n >= 3 && n <= full && strncmp(v, opt, n) == 0;
}

static bool letter_there(const char *v, const char *opt)
{
    size_t len = strlen(v);
    bool cluster = v[0] == '-' && v[1] != '-' && len <= 6 && strcspn(v + 1, "=./0123456789") == len - 1;

    return str_starts(v, opt) || (cluster && strchr(v, opt[1]));
}

static bool opt_there(const char *v, const char *opt, bool first_operand)
{
    size_t n = strlen(opt);

    if (opt[0] == '%')
        return strstr(v, opt + 1) != NULL;
    if (opt[0] == ':')
        return first_operand && glob_match(opt + 1, v);
    if (opt[0] == '=')
        return str_starts(v, opt + 1) && v[n - 1] && strspn(v + n - 1, ":+?!") == strcspn(v + n - 1, "=");
    if (opt[0] != '-')
        return str_starts(v, opt);
    if (v[0] != '-')
        return false;
    if (opt[1] == '-')
        return long_there(v, opt);
    if (n == 3 && opt[2] == '.')
        return strncmp(v, opt, 2) == 0;
    if (n == 2)
        return letter_there(v, opt);
    return str_starts(v + (v[1] == '-'), opt);
}

/* The option stands in `text`, or what is known of it is the beginning of the option. */
static bool begins_option(const char *text, const char *opt, bool cut)
{
    size_t n = strlen(text), full = strcspn(opt, "!");

    if (text[0] != '-' || !text[1])
        return false;
    if (opt[0] == '-' && opt[1] == '-' && n >= 3 && cut && strncmp(text, opt, n < full ? n : full) == 0)
        return true;
    return (text[2] || (opt[0] == '-' && opt[1] == text[1] && !opt[2])) && opt_there(text, opt, false);
}

/* What a form becomes when each variable is `with`; a byte 0 ends it at the first. */
static void without_vars(const char *form, char with, struct buf *out)
{
    for (const char *p = form; *p && !(!with && *p == SHELL_F_VAR); p++) {
        if (*p != SHELL_F_VAR) {
            buf_addc(out, *p);
            continue;
        }
        const char *end = strchr(p + 1, SHELL_F_VAR);
        p = end ? end : p;
        if (with != SHELL_F_VAR)
            buf_addc(out, with);
    }
}

/* A word that is not literal: --filt$IFS'x', or $x with x=--filter=y. A variable may be empty, or a blank, or the end
 * of what is known. */
bool uw_may_be(const struct uw *u, const struct shell_word *w, const char *opt)
{
    static const char readings[] = {'\0', SHELL_F_VAR, ' '};
    bool splits = (w->flags & SHELL_W_SPLIT) != 0;

    for (unsigned pick = 0; pick < SHELL_READINGS_MAX; pick++) {
        AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX);
        if (!shell_resolve(u->sh, w->form, pick, &b) || !b.p)
            break;
        for (size_t r = 0; r < sizeof(readings) - !splits; r++) {
            AUTO(buf_fini) struct buf text = BUF_INIT(SHELL_TEXT_MAX);
            without_vars(b.p, readings[r], &text);
            char *save = NULL;
            for (char *p = text.p ? strtok_r(text.p, " \t\n", &save) : NULL; p; p = strtok_r(NULL, " \t\n", &save)) {
                p[strcspn(p, "\x02\x03\x05\x06")] = '\0';
                if (begins_option(p, opt, readings[r] == '\0'))
                    return true;
                if (!splits)
                    break;
            }
        }
    }
    return false;
}

static bool row_speaks(const struct uw *u, const char *opts)
{
    char opt[64];

    while (next_word(&opts, opt, sizeof(opt))) {
        bool operand_seen = false;
        for (size_t i = 1; i < u->c->nwords; i++) {
            const char *v = uw_value(u, i);
            if (str_eq(v, "--"))
                break;
            if (!v && uw_may_be(u, &u->c->words[i], opt))
                return true;
            if (!v)
                continue;
            if (opt_there(v, opt, v[0] != '-' && !operand_seen))
                return true;
            operand_seen = operand_seen || v[0] != '-';
        }
    }
    return false;
}

/* `tar xIf prog x`: the first word needs no dash, and its letters take their values in turn. */
static void tar_bundle(struct uw *u)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(SHELL_TEXT_MAX), text = BUF_INIT(SHELL_TEXT_MAX);

    if (u->c->nwords < 2 || !shell_resolve(u->sh, u->c->words[1].form, 0, &b) || !b.p)
        return;
    without_vars(b.p, SHELL_F_VAR, &text);
    if (text.p && text.p[0] != '-' && strpbrk(text.p, "FI"))
        uw_opaque(u, "an option of tar that runs another program");
}

/* tar -P keeps absolute names and `..`; an archive host:name is reached through ssh. */
static void tar_reaches(struct uw *u)
{
    bool local = false;

    for (size_t i = 1; i < u->c->nwords; i++)
        local = local || str_eq(uw_value(u, i), "--force-local");
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i), *file = NULL;
        if (!v)
            continue;
        bool letters = (v[0] == '-' && v[1] != '-') || i == 1;
        if ((letters && v[1] != '-' && strchr(v, 'P') && !strpbrk(v, "./=")) || long_there(v, "--absolute-names"))
            uw_opaque(u, "tar keeps absolute names: it may write anywhere");
        if (str_starts(v, "--file="))
            file = v + 7;
        else if (letters && strchr(v, 'f') && !strpbrk(v, "=/."))
            file = strchr(v, 'f')[1] ? NULL : uw_value(u, i + 1);
        if (!local && file && strchr(file, ':') && strcspn(file, ":") < strcspn(file, "/"))
            uw_opaque(u, "an archive on another machine");
    }
}

/* --- names of commands in variables --- */

/* CC='sh -c x': what make, configure and cmake run under this name. */
static bool names_command(const char *name)
{
    static const char list[] =
        "CC CXX CPP CXXCPP FC F77 OBJC LD AR AS NM RANLIB STRIP OBJCOPY OBJDUMP READELF DLLTOOL WINDRES HOSTCC HOSTCXX "
        "CC_FOR_BUILD BUILD_CC YACC LEX BISON FLEX M4 AWK SED GREP EGREP PERL PKG_CONFIG INSTALL RM MKDIR_P LN_S "
        "LIBTOOL LIBTOOLIZE AUTOCONF AUTOHEADER AUTOMAKE AUTOM4TE AUTORECONF ACLOCAL AUTOPOINT CONFIG_SHELL MAKEINFO "
        "*_COMPILER *_LAUNCHER CMAKE_MAKE_PROGRAM CMAKE_AR CMAKE_LINKER CMAKE_RANLIB NINJA JAVACMD SWIFT_EXEC "
        "CCACHE_PREFIX CCACHE_PREFIX_CPP CCACHE_COMPILER RSH LESSECHO *_SYMBOLIZER_PATH DEBUILD_ROOTCMD JUST_SHELL "
        "BAZEL_SH SPHINXBUILD LATEX PDFLATEX CHROME_BIN FIREFOX_BIN CYPRESS_RUN_BINARY ESBUILD_BINARY_PATH "
        "*_EXECUTABLE_PATH PIP_PYTHON";

    return glob_listed(list, name);
}

/* CFLAGS="-wrapper sh,-c,x": the options some program will get. NULL: none. */
static const char *names_flags(const char *name)
{
    if (glob_listed("RUSTFLAGS CARGO_ENCODED_RUSTFLAGS", name))
        return "rustc";
    if (str_eq(name, "RUSTDOCFLAGS"))
        return "rustdoc";
    if (glob_listed("CFLAGS CXXFLAGS CPPFLAGS LDFLAGS FFLAGS FCFLAGS CGO_*FLAGS CL _CL_ LDLIBS LIBS", name))
        return "gcc";
    return NULL;
}

bool uw_tool_variable(struct uw *u, const char *name, const struct shell_word *value)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4 * KIB);
    const char *flags = names_flags(name), *v = value ? value->value : NULL;

    if (!flags && !names_command(name))
        return false;
    if (!v) {
        if (!flags)
            uw_opaque(u, "a variable that names a command is only known when it runs");
        return true;
    }
    if (!*v)
        return true;
    buf_puts(&b, flags ? flags : "");
    buf_puts(&b, flags ? " " : "");
    buf_puts(&b, v);
    if (b.bad)
        uw_opaque(u, "a variable that names a command is too long to judge");
    else
        uw_text(u, "variable of a build", b.p, true);
    return true;
}

/* cmake -DCMAKE_C_COMPILER=x, -D NAME:TYPE=x; ./configure CC=x; make CC=x. */
static void definitions(struct uw *u)
{
    bool cmake = str_eq(u->prog, "cmake"), configure = glob_listed("configure make gmake bmake", u->prog);

    for (size_t i = 1; (cmake || configure) && i < u->c->nwords; i++) {
        const char *f = u->c->words[i].form;
        bool split = cmake && str_eq(f, "-D") && i + 1 < u->c->nwords;
        if (split)
            f = u->c->words[++i].form;
        else if (cmake && str_starts(f, "-D"))
            f += 2;
        else if (cmake || f[0] == '-')
            continue;
        const char *eq = strchr(f, '=');
        char *name = eq ? shell_strn(u->sh, f, strcspn(f, ":=")) : NULL;
        struct shell_word w = name ? shell_word_form(u->sh, eq + 1, strlen(eq + 1)) : (struct shell_word){0};
        if (name)
            uw_tool_variable(u, name, &w);
    }
}

/* python -m pytest is pytest. */
static void python_module(struct uw *u)
{
    static const char code[] = "timeit pdb code bdb idlelib asyncio IPython ptpython bpython runpy";
    static const char programs[] =
        "pip pytest mypy black ruff flake8 isort pylint coverage tox nox twine poetry pipenv uv pre_commit http.server "
        "webbrowser ensurepip ftplib smtpd smtplib telnetlib poplib imaplib nntplib";

    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (!v || v[0] != '-' || v[1] == '-' || !v[1])
            return;
        const char *m = strchr(v, 'm');
        if (!m || strpbrk(v + 1, "cWXQ") != NULL) {
            i += strchr("WXQ", v[strlen(v) - 1]) != NULL;
            continue;
        }
        size_t at = m[1] ? i : i + 1;
        const char *name = m[1] ? m + 1 : uw_value(u, at);
        if (at >= u->c->nwords)
            return;
        if (!name || glob_listed(code, name)) {
            uw_opaque(u, name ? "a python module that runs code from the command line"
                              : "a python module that is only known when it runs");
        } else if (glob_listed(programs, name)) {
            struct shell_word *w = shell_alloc(u->sh, (u->c->nwords - at) * sizeof(*w));
            if (!w)
                return;
            memcpy(w, u->c->words + at, (u->c->nwords - at) * sizeof(*w));
            w[0] = shell_word_lit(u->sh, name);
            uw_derive(u, "python -m", w, u->c->nwords - at);
        }
        return;
    }
}

/* --- the arguments of another program --- */

/* words[from..] behind `lead`, words between blanks. */
static void derive_behind(struct uw *u, const char *how, const char *lead, size_t from)
{
    size_t n = 0, rest = u->c->nwords - from;
    struct shell_word *w = shell_alloc(u->sh, (rest + 4) * sizeof(*w));
    char word[64];

    while (w && n < 4 && next_word(&lead, word, sizeof(word)))
        w[n++] = shell_word_lit(u->sh, word);
    if (!w)
        return;
    memcpy(w + n, u->c->words + from, rest * sizeof(*w));
    uw_derive(u, how, w, n + rest);
}

/* cmake --build b -- SHELL=x are arguments of make; and whose else's stand behind a `--`. */
static void behind_dashes(struct uw *u)
{
    static const struct {
        const char *prog, *sub, *how, *lead;
    } passes[] = {{"cmake", "--build", "cmake --build", "make"},
                  {"gotestsum", "", "gotestsum", "go test"},
                  {"clang-tidy", "", "clang-tidy", "clang"},
                  {"stack", "ghc", "stack ghc", "ghc"}};
    size_t dashes = 1;

    while (dashes < u->c->nwords && !uw_is(u, dashes, "--"))
        dashes++;
    for (size_t k = 0; k < ARRAY_LEN(passes) && dashes + 1 < u->c->nwords; k++) {
        if (str_eq(u->prog, passes[k].prog) && (!*passes[k].sub || uw_is(u, 1, passes[k].sub)))
            derive_behind(u, passes[k].how, passes[k].lead, dashes + 1);
    }
}

/* coverage run -m module is python -m module; protoc --plugin=name=program runs it; yarn run node runs node. */
static void runs_another(struct uw *u)
{
    bool coverage = str_eq(u->prog, "coverage"), protoc = str_eq(u->prog, "protoc"), yarn = str_eq(u->prog, "yarn");

    for (size_t i = 1; (coverage || protoc || yarn) && i < u->c->nwords; i++) {
        const char *v = uw_value(u, i), *before = i > 1 ? uw_value(u, i - 1) : NULL;
        const char *plugin = v && str_starts(v, "--plugin=") ? v + 9 : str_eq(before, "--plugin") ? v : NULL;
        if (coverage && v && (str_starts(v, "-m") || str_eq(v, "--module"))) {
            derive_behind(u, "coverage run", v[1] == '-' ? "python3 -m" : "python3", i + (v[1] == '-'));
            return;
        }
        struct shell_word *w = protoc && plugin ? shell_alloc(u->sh, sizeof(*w)) : NULL;
        if (w) {
            *w = shell_word_lit(u->sh, strrchr(plugin, '=') ? strrchr(plugin, '=') + 1 : plugin);
            uw_derive(u, "protoc --plugin", w, 1);
        }
        if (yarn && str_eq(before, "run") && v && glob_listed("node nodejs python* sh bash", v)) {
            derive_behind(u, "yarn run", "", i);
            return;
        }
    }
}

/* --- scripts nobody has read --- */

/* Programs that take a process substitution, or their input, for data. */
static const char takes_data[] =
    ": true false echo printf test [ read mapfile readarray cat tac head tail wc sort uniq diff colordiff delta cmp "
    "comm "
    "join paste grep egrep fgrep zgrep rg ag ack cut tr column nl rev fold fmt expand unexpand od xxd hexdump strings "
    "diff3 sdiff diffstat md5sum sha*sum b2sum cksum sum jq tee cp mv ls file stat readlink realpath dd base64 base32 "
    "gzip gunzip zcat bzip2 xz zstd tar gtar bsdtar cpio zip patch git less more bat iconv numfmt ts pv tsort bc shuf "
    "split csplit look gcc g++ cc c++ cpp clang clang++ rsync ctags shellcheck protoc";

/* `-`, /dev/stdin, /dev/fd/3: what comes in. */
static bool is_input(const char *v)
{
    return str_eq(v, "-") || str_starts(v, "/dev/stdin") || str_starts(v, "/dev/fd/") || glob_match("/proc/*/fd/*", v);
}

/* The option names a file with a script: -f, -nf, --file, --makefile, --justfile. */
static bool names_script(const char *f)
{
    size_t n = strcspn(f, "=");

    if (f[0] != '-' || !f[1])
        return false;
    if (f[1] != '-')
        return f[n - 1] == 'f';
    return str_starts(f, "--fi") || (n > 4 && strncmp(f + n - 4, "file", 4) == 0) || str_starts(f, "--make");
}

/* -f-, -sf/dev/stdin, --file=-. */
static bool glued_input(const char *v)
{
    const char *value = v[1] == '-' ? strchr(v, '=') : strchr(v, 'f');

    return v[0] == '-' && value && names_script(v[1] == '-' ? v : "-f") && is_input(value + 1);
}

/* A script that is a process substitution, or the input. Where operands are data, only the values of options count. */
static void script_from_input(struct uw *u)
{
    static const char by_option[] = "python python[23]* pypy* perl* ruby* node nodejs php* lua* Rscript tclsh*";
    bool text = glob_listed("sed gsed awk gawk mawk nawk", u->prog), lang = glob_listed(by_option, u->prog);

    if (glob_listed(takes_data, u->prog) || shell_is_func(u->sh, u->prog))
        return;
    for (size_t i = 1; i < u->c->nwords; i++) {
        const struct shell_word *w = &u->c->words[i];
        const char *before = i > 1 ? u->c->words[i - 1].form : "";
        bool process = (w->flags & SHELL_W_SUBST) && w->text && (strstr(w->text, "<(") || strstr(w->text, ">("));
        bool option = w->form[0] == '-' || (text ? names_script(before) : before[0] == '-');
        bool input = w->value && ((names_script(before) && is_input(w->value)) || glued_input(w->value));
        input = input || (w->value && is_input(w->value) && str_eq(u->prog, "doxygen"));
        if (input || (process && (option || !(text || lang))))
            uw_opaque(u, "a script that is only known when it runs");
    }
}

/* deno -A eval x, deno run npm:x, bun run -. */
static void module_from_afar(struct uw *u)
{
    static const char code[] = "eval repl - data:* blob:* npm:* jsr:* http:* https:* /dev/* /proc/*";

    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (v && glob_listed(code, v))
            uw_opaque(u, "code that does not lie in the project");
    }
}

void uw_option_rows(struct uw *u)
{
    for (size_t k = 0; k < ARRAY_LEN(runs); k++) {
        if (glob_listed(runs[k].progs, u->prog) && row_speaks(u, runs[k].opts))
            uw_opaque(u, "an option that runs another program or changes what is run");
    }
}

void uw_options(struct uw *u)
{
    uw_option_rows(u);
    if (glob_listed("tar gtar bsdtar", u->prog)) {
        tar_bundle(u);
        tar_reaches(u);
    }
    if (glob_listed("python python[23]* pypy*", u->prog))
        python_module(u);
    behind_dashes(u);
    runs_another(u);
    script_from_input(u);
    if (glob_listed("deno bun", u->prog))
        module_from_afar(u);
    for (size_t i = 1; str_eq(u->prog, "pkill") && i < u->c->nwords; i++)
        if (str_eq(uw_value(u, i), ""))
            uw_opaque(u, "an empty pattern fits every process");
    definitions(u);
}
