/* shell_env - environment variables that make a program load or run something.
 *
 * Why it exists: `BASH_ENV=x make` runs x. The names come from ld.so(8),
 * bash(1), git(1), and the manuals of the interpreters.
 * May include: core/shell_wrap.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/shell_wrap.h"

/* Names between blanks; globs. */
static const char loads_code[] =
    /* the loader, the shell, libc */
    "LD_* DYLD_* GCONV_PATH LOCPATH NLSPATH HOSTALIASES RES_OPTIONS MALLOC_TRACE PATH CDPATH IFS ENV BASH_ENV "
    "BASH_FUNC_* PROMPT_COMMAND PS0 PS1 PS4 SHELLOPTS BASHOPTS SHELL HOME BASH_LOADABLES_PATH GLOBIGNORE EXECIGNORE "
    "INPUTRC BASH_XTRACEFD ZDOTDIR FPATH TERMINFO TERMCAP XDG_CONFIG_HOME XDG_DATA_DIRS OPENSSL_* TEXMFCNF "
    /* git */
    "GIT_SSH* GIT_PROXY_COMMAND GIT_EXTERNAL_DIFF GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_ASKPASS GIT_CONFIG* "
    "GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_DIR GIT_WORK_TREE GIT_COMMON_DIR GIT_INDEX_FILE GIT_OBJECT_DIRECTORY "
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_ATTR_SOURCE GIT_NAMESPACE GIT_REDIRECT_* GIT_TRACE* GIT_ALLOW_PROTOCOL "
    "SSH_ASKPASS SUDO_ASKPASS GNUPGHOME "
    /* pagers, editors, what they read first */
    "PAGER *_PAGER MANPAGER ACK_PAGER* MANOPT MANPATH MANROFFSEQ GROFF_* EDITOR *_EDITOR VISUAL FCEDIT BROWSER "
    "LESSOPEN LESSCLOSE LESSEDIT LESSKEY* LESS MORE VIMINIT EXINIT ACKRC BAT_CONFIG_PATH RIPGREP_CONFIG_PATH "
    /* options by the back door */
    "TAR_OPTIONS GREP_OPTIONS ZIPOPT ZIP UNZIP UNZIPOPT ZIPINFO* GZIP BZIP BZIP2 XZ_OPT XZ_DEFAULTS ZSTD_* RSYNC_* "
    "*_OPTS *_ARGS *_ADDOPTS *SAN_OPTIONS MAKEFLAGS GNUMAKEFLAGS MFLAGS MAKEFILES MAKE CMAKE_TOOLCHAIN_FILE "
    "CMAKE_GENERATOR CMAKE_PROJECT_* "
    /* interpreters and their tools */
    "PYTHONSTARTUP PYTHONHOME PYTHONPATH PYTHONINSPECT PYTHONBREAKPOINT PYTHONUSERBASE PYTHONPLATLIBDIR PYTEST_PLUGINS "
    "COVERAGE_PROCESS_START TOX_OVERRIDE MYPYPATH PIP_CONFIG_FILE PIP_TARGET PIP_PREFIX "
    "PERL5OPT PERL5LIB PERLLIB PERL5DB PERL_MB_OPT PERL_MM_OPT HARNESS_PERL* RUBYOPT RUBYLIB RUBYSHELL RAKEOPT "
    "GEM_HOME "
    "GEM_PATH BUNDLE_GEMFILE BUNDLE_PATH BUNDLE_BIN* "
    "NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE npm_config_* NPM_CONFIG_* "
    "JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS CLASSPATH JAVA_HOME MSBUILD* DOTNET_STARTUP_HOOKS CORECLR_* "
    "COR_* "
    "LUA_INIT* LUA_PATH* LUA_CPATH* R_PROFILE* R_ENVIRON* PHP_INI_SCAN_DIR PHPRC COMPOSER_HOME AWKPATH AWKLIBPATH "
    "ELIXIR_ERL_OPTIONS ERL_* MIX_HOME MIX_ARCHIVES GHC_PACKAGE_PATH OCAMLPARAM CAML_LD_LIBRARY_PATH "
    "RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTDOC CARGO_BUILD_* CARGO_TARGET_* CARGO_ALIAS_* CARGO_HOME "
    "RUSTUP_HOME RUSTUP_TOOLCHAIN GOFLAGS GOENV GOROOT GOPATH GOBIN GOTOOLDIR GOTOOLCHAIN GOPROXY GOWORK "
    "COMPILER_PATH GCC_EXEC_PREFIX GOCACHEPROG AUTOM4TE_CFG autom4te_perllibdir TCLLIBPATH VALGRIND_LIB "
    "COVERAGE_RCFILE "
    "YARN_RC_FILENAME YARN_YARN_PATH YARN_PLUGINS PNPM_*SCRIPT_SHELL pnpm_config_* ACK_OPTIONS CCC_OVERRIDE_OPTIONS "
    "CLANG_CONFIG_FILE CTAGS GHC_ENVIRONMENT GHCRTS CONFIG_SITE MAKESHELL DOTNET_ADDITIONAL_DEPS "
    /* plugins */
    "GTK_MODULES GTK_PATH GIO_*MODULE* GST_*PLUGIN* QT_PLUGIN_PATH QT_QPA_PLATFORM_PLUGIN_PATH VK_*LAYER* VK_*ICD* "
    "LIBGL_DRIVERS_PATH GDK_PIXBUF_MODULE_FILE PKCS11_MODULE* KRB5_CONFIG";

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
                {"GIT_TRACE*", "[0-9]"},
                {"GIT_TRACE*", "true"},
                {"*_OPTS", "-Xm[sxn][0-9]*[gGmMkK]"},
                {"*_OPTS", "-[0-9]"},
                {"*_PAGER", "cat"},
                {"*_PAGER", "less"},
                {"*_PAGER", ""},
                {"XZ_OPT", "-[0-9T]*"},
                {"GZIP", "-[0-9]"},
                {"ZSTD_*", "[0-9]*"},
                {"PYTEST_ADDOPTS", "-[vqxs]"},
                {"PYTEST_ADDOPTS", "--color=*"},
                {"JAVA_HOME", "/usr/lib/jvm/*"},
                {"GOPROXY", "off"},
                {"GOPROXY", "direct"},
                {"GOTOOLCHAIN", "local"},
                {"GOTOOLCHAIN", "auto"},
                {"GOWORK", "off"},
                {"RUSTUP_TOOLCHAIN", "stable"},
                {"RUSTUP_TOOLCHAIN", "nightly"},
                {"RUSTUP_TOOLCHAIN", "beta"},
                {"RUSTUP_TOOLCHAIN", "[0-9].[0-9]*"},
                {"CMAKE_GENERATOR", "Ninja"},
                {"CARGO_TARGET_DIR", "[a-z]*"},
                {"CARGO_BUILD_JOBS", "[0-9]*"},
                {"npm_config_loglevel", "[a-z]*"},
                {"GIT_CONFIG_NOSYSTEM", "1"},
                {"npm_config_yes", "true"},
                {"SHELL", "/bin/zsh"}};

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
        if (glob_match(harmless[i].name, name) && !strpbrk(value, " ;") && glob_match(harmless[i].value, value))
            return true;
    }
    if (str_eq(name, "PYTHONPATH") || str_eq(name, "NODE_PATH") || str_eq(name, "RUBYLIB") || str_eq(name, "PERL5LIB"))
        return relative_list(value);
    if (str_eq(name, "MAKEFLAGS") || str_eq(name, "MFLAGS"))
        return plain_jobs(value);
    if (str_eq(name, "GOFLAGS"))
        return str_starts(value, "-mod=") || str_eq(value, "-count=1") || str_eq(value, "-race");
    if (glob_match("*SAN_OPTIONS", name))
        return !strchr(value, '/') && !strstr(value, "symbolizer_path");
    return false;
}

void uw_env_name(struct uw *u, const char *name, const struct shell_word *value)
{
    const char *v = value ? value->value : NULL;

    if (glob_listed(loads_code, name)) {
        if (!is_harmless(name, v))
            uw_opaque(u, "sets an environment variable that changes what programs load or run");
        return;
    }
    /* make expands its environment, too: CFLAGS='$(shell x)'. */
    if (v && (strstr(v, "$(") || strstr(v, "${") || strchr(v, '`')))
        uw_opaque(u, "sets an environment variable to a text that make or a shell would expand");
    else
        uw_tool_variable(u, name, value);
}

/* read, mapfile, printf -v … put text into a variable of a given name. */
static void names_as_words(struct uw *u)
{
    static const char *const progs[] = {"read",  "mapfile", "readarray", "getopts", "printf",
                                        "unset", "wait",    "export",    "declare"};
    const char *prog = uw_value(u, 0);
    bool sets = false;

    for (size_t i = 0; i < ARRAY_LEN(progs); i++)
        sets = sets || str_eq(prog, progs[i]);
    bool print = str_eq(prog, "printf");
    if (!sets || (print && !(uw_value(u, 1) && str_starts(uw_value(u, 1), "-v"))))
        return;
    for (size_t i = 1; i < u->c->nwords; i++) {
        const char *v = uw_value(u, i);
        if (v && v[0] == '-' && v[1] && v[2]) /* printf -vPATH, read -aPATH */
            v += 2;
        if (v && shell_ps_name(v, strlen(v)) == strlen(v) && *v && !(print && i > 2))
            uw_env_name(u, v, NULL);
    }
}

void uw_environment(struct uw *u)
{
    for (size_t i = 0; i < u->c->nassigns; i++) {
        const struct shell_assign *a = &u->c->assigns[i];
        bool sets_only = u->c->nwords == 0 && !a->exported; /* x='$(y)': nobody gets it but by its name */
        if (!sets_only || glob_listed(loads_code, a->name))
            uw_env_name(u, a->name, &a->value);
        else
            uw_tool_variable(u, a->name, &a->value); /* it may be exported already */
    }
    if (u->c->nwords)
        names_as_words(u);
}
