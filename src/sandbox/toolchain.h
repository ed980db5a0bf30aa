/* toolchain - what of a home directory a step may use: compilers, interpreters, package caches; never a login.
 *
 * Why it exists: people keep their tools in their home (nvm, pyenv, rustup …), and a sandbox shows no home. The rows of
 * toolchain.def say which parts are shown, read-only and at their own path, and how PATH is set.
 * May include: base os.   Must not know: store service api.   Threads: any.
 *
 *   home ─ places that are there, are no symbolic link, belong to the home's owner and are not writable by everybody
 *        ─► binds, PATH, variables;  looked through for credentials ─► hidden
 *
 * What is looked through is looked through when the sandbox is built: a file that appears later in a shown place is
 * seen. */
#pragma once
#include <sys/types.h>
#include "base/err.h"
#include "base/json.h"

struct toolchain_ask {
    const char *home;     /* canonical; NULL or "" = there is none */
    uid_t owner;          /* whose home it is */
    const char *project;  /* canonical; its version files are read; may be NULL */
    const char *data_dir; /* never shown; may be NULL */
    const char *choice;   /* "auto", "none", or names: "nvm,pyenv" */
};

struct toolchains;

/* Nothing found is no error. */
CHECKED int toolchains_find(const struct toolchain_ask *, struct toolchains **ret, struct err *);
void toolchains_free(struct toolchains *);
DEFINE_AUTO_PTR(struct toolchains, toolchains_free);

/* NULL-terminated, valid while it is. binds and hidden are for struct sandbox_spec, env holds "NAME=value". */
const char *const *toolchains_binds(const struct toolchains *);
const char *const *toolchains_hidden(const struct toolchains *);
const char *const *toolchains_env(const struct toolchains *);

/* {"home","choice","found":[{"name","what","places","path"}],"masked":[…],"skipped":[{"path","why"}]} */
void toolchains_json(const struct toolchains *, struct jw *);

/* "auto", "none" or names of toolchain.def, separated by commas? Else ERR_INVALID with this field. */
CHECKED int toolchains_choice_ok(const char *choice, const char *field, struct err *);

/* The home of `owner`, canonical: env_home when the server runs as `owner` and it is the owner's directory, else that
 * of the user database. *ret NULL when there is none that can be used. free() it. */
CHECKED int toolchains_home(uid_t owner, const char *env_home, char **ret, struct err *);
