/* shell_env - environment variables that make a program load or run something.
 *
 * Why it exists: `BASH_ENV=x make` runs x. The names come from ld.so(8),
 * bash(1), git(1), and the manuals of the interpreters.
 * May include: core/shell_wrap.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

/* A trailing '*' matches any rest. */
static const char *const loads_code[] = {"LD_*",
                                         "GCONV_PATH",
                                         "LOCPATH",
                                         "NLSPATH",
                                         "HOSTALIASES",
                                         "PATH",
                                         "CDPATH",
                                         "IFS",
                                         "ENV",
                                         "BASH_ENV",
                                         "BASH_FUNC_*",
                                         "PROMPT_COMMAND",
                                         "PS0",
                                         "PS1",
                                         "PS4",
                                         "SHELLOPTS",
                                         "BASHOPTS",
                                         "SHELL",
                                         "HOME",
                                         "BASH_LOADABLES_PATH",
                                         "GLOBIGNORE",
                                         "EXECIGNORE",
                                         "INPUTRC",
                                         "GIT_SSH*",
                                         "GIT_PROXY_COMMAND",
                                         "GIT_EXTERNAL_DIFF",
                                         "GIT_PAGER",
                                         "GIT_EDITOR",
                                         "GIT_SEQUENCE_EDITOR",
                                         "GIT_ASKPASS",
                                         "GIT_CONFIG*",
                                         "GIT_EXEC_PATH",
                                         "GIT_TEMPLATE_DIR",
                                         "GIT_DIR",
                                         "GIT_WORK_TREE",
                                         "GIT_ALLOW_PROTOCOL",
                                         "SSH_ASKPASS",
                                         "SUDO_ASKPASS",
                                         "SUDO_EDITOR",
                                         "PAGER",
                                         "MANPAGER",
                                         "MANOPT",
                                         "EDITOR",
                                         "VISUAL",
                                         "FCEDIT",
                                         "BROWSER",
                                         "LESSOPEN",
                                         "LESSCLOSE",
                                         "LESS",
                                         "PYTHONSTARTUP",
                                         "PYTHONHOME",
                                         "PYTHONPATH",
                                         "PYTHONINSPECT",
                                         "PYTHONBREAKPOINT",
                                         "PYTHONUSERBASE",
                                         "PERL5OPT",
                                         "PERL5LIB",
                                         "PERLLIB",
                                         "PERL5DB",
                                         "RUBYOPT",
                                         "RUBYLIB",
                                         "GEM_HOME",
                                         "BUNDLE_GEMFILE",
                                         "NODE_OPTIONS",
                                         "NODE_PATH",
                                         "npm_config_*",
                                         "NPM_CONFIG_*",
                                         "JAVA_TOOL_OPTIONS",
                                         "_JAVA_OPTIONS",
                                         "JDK_JAVA_OPTIONS",
                                         "CLASSPATH",
                                         "LUA_INIT*",
                                         "LUA_PATH*",
                                         "LUA_CPATH*",
                                         "R_PROFILE*",
                                         "R_ENVIRON*",
                                         "PHP_INI_SCAN_DIR",
                                         "PHPRC",
                                         "AWKPATH",
                                         "AWKLIBPATH",
                                         "MAKEFLAGS",
                                         "GNUMAKEFLAGS",
                                         "MFLAGS",
                                         "MAKEFILES",
                                         "RUSTC",
                                         "RUSTC_WRAPPER",
                                         "RUSTC_WORKSPACE_WRAPPER",
                                         "RUSTDOC",
                                         "CARGO_BUILD_*",
                                         "CARGO_TARGET_*",
                                         "GOFLAGS",
                                         "GOENV",
                                         "CMAKE_TOOLCHAIN_FILE",
                                         "TAR_OPTIONS",
                                         "RSYNC_RSH",
                                         "RIPGREP_CONFIG_PATH",
                                         "TEXMFCNF",
                                         "OPENSSL_CONF",
                                         "OPENSSL_ENGINES",
                                         "GTK_MODULES",
                                         "QT_PLUGIN_PATH",
                                         "TERMINFO",
                                         "TERMCAP",
                                         "DYLD_*",
                                         "GDK_PIXBUF_MODULE_FILE",
                                         "XDG_CONFIG_HOME",
                                         "XDG_DATA_DIRS",
                                         "BASH_XTRACEFD"};

/* Values everybody uses and nobody can be hurt by. */
static const struct {
    const char *name, *value; /* value: a glob */
} harmless[] = {{"PAGER", "cat"},
                {"PAGER", "less"},
                {"PAGER", ""},
                {"GIT_PAGER", "cat"},
                {"GIT_PAGER", ""},
                {"MANPAGER", "cat"},
                {"EDITOR", "true"},
                {"EDITOR", ":"},
                {"EDITOR", "cat"},
                {"VISUAL", "true"},
                {"GIT_EDITOR", "true"},
                {"GIT_EDITOR", ":"},
                {"GIT_SEQUENCE_EDITOR", "true"},
                {"GIT_SEQUENCE_EDITOR", ":"},
                {"NODE_OPTIONS", "--max-old-space-size=[0-9]*"},
                {"NODE_OPTIONS", "--max_old_space_size=[0-9]*"},
                {"NODE_OPTIONS", "--experimental-vm-modules"},
                {"NODE_OPTIONS", "--openssl-legacy-provider"},
                {"LESS", "-*"},
                {"BROWSER", "none"},
                {"IFS", ""},
                {"IFS", ","},
                {"IFS", ":"},
                {"IFS", "\n"},
                {"SHELL", "/bin/sh"},
                {"SHELL", "/bin/bash"},
                {"GIT_SSH_VARIANT", "*"},
                {"npm_config_loglevel", "[a-z]*"},
                {"GIT_CONFIG_NOSYSTEM", "1"},
                {"npm_config_yes", "true"},
                {"SHELL", "/bin/zsh"}};

static bool name_matches(const char *pat, const char *name)
{
    size_t n = strlen(pat);

    if (n && pat[n - 1] == '*')
        return strncmp(pat, name, n - 1) == 0;
    return strcmp(pat, name) == 0;
}

/* "src", "./lib:.": below the current directory for certain. */
static bool relative_list(const char *v)
{
    if (!v || !*v || v[0] == '/' || strstr(v, ":/") || strstr(v, "..") || strchr(v, '~'))
        return false;
    return true;
}

/* -j4 and its like. */
static bool plain_jobs(const char *v)
{
    return v && (str_starts(v, "-j") || str_starts(v, "--jobs=") || str_starts(v, "--no-print-directory")) &&
           strspn(v, "-jobsnprintdirectory=0123456789") == strlen(v);
}

static bool is_harmless(const char *name, const char *value)
{
    if (!value)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
        if (str_eq(harmless[i].name, name) && !strpbrk(value, " ;") && glob_match(harmless[i].value, value))
            return true;
    }
    if (str_eq(name, "PYTHONPATH") || str_eq(name, "NODE_PATH") || str_eq(name, "RUBYLIB") || str_eq(name, "PERL5LIB"))
        return relative_list(value);
    if (str_eq(name, "MAKEFLAGS") || str_eq(name, "MFLAGS"))
        return plain_jobs(value);
    if (str_eq(name, "GOFLAGS"))
        return str_starts(value, "-mod=") || str_eq(value, "-count=1") || str_eq(value, "-race");
    return false;
}

void uw_env_name(struct uw *u, const char *name, const struct shell_word *value)
{
    for (size_t i = 0; i < ARRAY_LEN(loads_code); i++) {
        if (!name_matches(loads_code[i], name))
            continue;
        if (!is_harmless(name, value ? value->value : NULL))
            uw_opaque(u, "sets an environment variable that changes what programs load or run");
        return;
    }
}

/* read, mapfile, printf -v … put text into a variable of a given name. */
static void names_as_words(struct uw *u)
{
    static const char *const progs[] = {"read", "mapfile", "readarray", "getopts", "printf"};
    const char *prog = uw_value(u, 0);
    bool sets = false;

    for (size_t i = 0; i < ARRAY_LEN(progs); i++)
        sets = sets || str_eq(prog, progs[i]);
    if (!sets || (str_eq(prog, "printf") && !uw_is(u, 1, "-v")))
        return;
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (v && shell_ps_name(v, strlen(v)) == strlen(v) && *v && !(str_eq(prog, "printf") && i > 2))
            uw_env_name(u, v, NULL);
    }
}

void uw_environment(struct uw *u)
{
    for (size_t i = 0; i < u->c->nassigns; i++)
        uw_env_name(u, u->c->assigns[i].name, &u->c->assigns[i].value);
    if (u->c->nwords)
        names_as_words(u);
}
