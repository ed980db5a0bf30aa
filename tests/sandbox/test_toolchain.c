/* toolchain: what of a home is found, what is masked, what is refused; and all of it seen from inside a sandbox. The
 * same program runs as root (root's own home, and the home of another user) and as an ordinary user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "os/file.h"
#include "rig.h"
#include "sandbox/toolchain.h"

#define OTHER 64322 /* somebody else than whoever runs this */
#define KEY   "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n"

struct fix {
    struct rig g;
    char home[256];
    struct toolchains *t;
    struct toolchain_ask ask;
};

static char *at(struct fix *f, const char *rel)
{
    static char path[4][512];
    static int i;
    char *p = path[i++ % 4];
    snprintf(p, 512, "%s/%s", f->home, rel);
    return p;
}

/* A file of the home with the directories above it. */
static void put(struct fix *f, const char *rel, const char *text, mode_t mode)
{
    char dir[512];
    struct err e = ERR_INIT;
    snprintf(dir, sizeof(dir), "%s", rel);
    char *slash = strrchr(dir, '/');
    if (slash) {
        *slash = 0;
        int home = open(f->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(dir_make(home, dir, NULL, &e), 0);
        close(home);
    }
    FILE *file = fopen(at(f, rel), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(at(f, rel), mode), 0);
}

static void node(struct fix *f, const char *version)
{
    char rel[256], text[256];
    snprintf(rel, sizeof(rel), ".nvm/versions/node/%s/bin/node", version);
    snprintf(text, sizeof(text), "#!/bin/sh\necho node %s\n", version);
    put(f, rel, text, 0700);
}

/* Directories are 0700, as with umask 077; programs 0700, files 0600. */
static void lay(struct fix *f)
{
    *f = (struct fix){0};
    rig_init(&f->g);
    snprintf(f->home, sizeof(f->home), "%s/home", f->g.base);
    assert_int_equal(mkdir(f->home, 0700), 0);
    f->ask = (struct toolchain_ask){.home = f->home, .owner = geteuid(), .project = f->g.project, .choice = "auto"};
    node(f, "v9.11.2");
    node(f, "v18.17.1");
    node(f, "v18.9.0");
    node(f, "v20.2.0");
    put(f, ".nvm/alias/default", "lts/hydrogen\n", 0600);
    put(f, ".nvm/alias/lts/hydrogen", "v18.17.1\n", 0600);
    put(f, ".nvm/versions/node/v18.17.1/etc/npmrc", "SECRET\n", 0600);
    put(f, ".nvm/versions/node/v18.17.1/etc/id_deploy", KEY, 0600);
    put(f, ".nvm/versions/node/v18.17.1/etc/cacert.pem", "-----BEGIN CERTIFICATE-----\npublic\n", 0600);
    put(f, ".nvm/.npmrc", "SECRET\n", 0600);
    put(f, ".npmrc", "SECRET\n", 0600);
    put(f, ".ssh/id_rsa", KEY, 0600);
    put(f, ".cargo/bin/cargo", "#!/bin/sh\necho cargo of $CARGO_HOME\n", 0700);
    put(f, ".cargo/credentials.toml", "SECRET\n", 0600);
    put(f, ".pyenv/shims/python3", "#!/bin/sh\nexec \"$PYENV_ROOT/versions/3.11/bin/python3\"\n", 0700);
    put(f, ".pyenv/versions/3.11/bin/python3", "#!/bin/sh\necho python of pyenv\n", 0700);
    put(f, ".pyenv/versions/3.11/pip.conf", "SECRET\n", 0600);
    put(f, "private.txt", "SECRET\n", 0644);
}

static void find(struct fix *f)
{
    struct err e = ERR_INIT;
    toolchains_free(f->t);
    f->t = NULL;
    if (toolchains_find(&f->ask, &f->t, &e) < 0)
        fail_msg("%s", e.msg);
}

static void clear(struct fix *f)
{
    toolchains_free(f->t);
    rig_fini(&f->g);
}

static bool among(const char *const *v, const char *s)
{
    for (; *v; v++) {
        if (strcmp(*v, s) == 0)
            return true;
    }
    return false;
}

static bool shown(struct fix *f, const char *rel)
{
    return among(toolchains_binds(f->t), at(f, rel));
}

static bool masked(struct fix *f, const char *rel)
{
    return among(toolchains_hidden(f->t), at(f, rel));
}

static bool says(struct fix *f, const char *text)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    struct jw w = JW_INIT(&b);
    toolchains_json(f->t, &w);
    return strstr(b.p, text) != NULL;
}

static const char *env_of(struct fix *f, const char *name)
{
    size_t n = strlen(name);
    for (const char *const *v = toolchains_env(f->t); *v; v++) {
        if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
            return *v + n + 1;
    }
    return "";
}

static size_t length(const char *const *v)
{
    size_t n = 0;
    while (v[n])
        n++;
    return n;
}

/* One step in a sandbox with what was found. */
static void inside(struct fix *f, const char *command)
{
    f->g.spec.ro_binds = toolchains_binds(f->t);
    f->g.spec.nro_binds = length(f->g.spec.ro_binds);
    f->g.spec.hidden = toolchains_hidden(f->t);
    f->g.spec.nhidden = length(f->g.spec.hidden);
    f->g.env = toolchains_env(f->t);
    rig_open(&f->g);
    rig_run(&f->g, command);
}

/* ---- what is found ---- */

static void test_found(void **state)
{
    (void)state;
    struct fix f;
    lay(&f);
    find(&f);
    assert_true(shown(&f, ".nvm/versions") && shown(&f, ".cargo/bin") && shown(&f, ".pyenv/shims"));
    assert_false(shown(&f, ".nvm") || shown(&f, ".cargo") || shown(&f, ".ssh"));
    assert_true(masked(&f, ".nvm/versions/node/v18.17.1/etc/npmrc"));
    assert_true(masked(&f, ".nvm/versions/node/v18.17.1/etc/id_deploy"));
    assert_true(masked(&f, ".pyenv/versions/3.11/pip.conf"));
    assert_false(masked(&f, ".nvm/versions/node/v18.17.1/etc/cacert.pem"));
    assert_string_equal(env_of(&f, "PYENV_ROOT"), at(&f, ".pyenv"));
    assert_string_equal(env_of(&f, "JAVA_HOME"), "");
    assert_non_null(strstr(env_of(&f, "PATH"), "/.nvm/versions/node/v18.17.1/bin:"));
    assert_true(says(&f, "\"name\":\"nvm\""));
    f.ask.choice = "pyenv,rust";
    find(&f);
    assert_false(shown(&f, ".nvm/versions"));
    assert_true(shown(&f, ".cargo/bin") && shown(&f, ".pyenv/versions"));
    f.ask.choice = "none";
    find(&f);
    assert_null(toolchains_binds(f.t)[0]);
    assert_null(toolchains_env(f.t)[0]);
    clear(&f);
}

static void check_node(struct fix *f, const char *version)
{
    char want[128];
    find(f);
    snprintf(want, sizeof(want), "/.nvm/versions/node/%s/bin:", version);
    if (!strstr(env_of(f, "PATH"), want))
        fail_msg("PATH is %s, should hold %s", env_of(f, "PATH"), want);
}

static void test_node_versions(void **state)
{
    (void)state;
    static const struct {
        const char *nvmrc, *version;
    } rows[] = {{"v9", "v9.11.2"},
                {"18\n", "v18.17.1"},
                {"  18.9  # a comment\n", "v18.9.0"},
                {"lts/hydrogen", "v18.17.1"},
                {"node", "v20.2.0"},
                {"1", "v18.17.1"},               /* none such: the default */
                {"../../../../etc", "v18.17.1"}, /* nothing that leads elsewhere */
                {"lts/../../../x", "v18.17.1"},
                {"", "v18.17.1"}};
    struct fix f;
    lay(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_file(&f.g, ".nvmrc", rows[i].nvmrc);
        check_node(&f, rows[i].version);
    }
    put(&f, ".nvm/alias/default", "default\n", 0600); /* an alias of itself */
    check_node(&f, "v20.2.0");
    assert_int_equal(unlink(at(&f, ".nvm/alias/default")), 0);
    check_node(&f, "v20.2.0");
    clear(&f);
}

static void test_other_managers(void **state)
{
    (void)state;
    struct fix f;
    lay(&f);
    put(&f, ".local/share/fnm/node-versions/v16.1.0/installation/bin/node", "", 0700);
    put(&f, ".local/share/fnm/node-versions/v21.0.0/installation/bin/node", "", 0700);
    assert_int_equal(mkdir(at(&f, ".local/share/fnm/aliases"), 0700), 0);
    assert_int_equal(symlink("../node-versions/v16.1.0/installation", at(&f, ".local/share/fnm/aliases/default")), 0);
    put(&f, ".volta/tools/image/node/19.0.0/bin/node", "", 0700);
    put(&f, ".volta/tools/image/node/22.0.0/bin/node", "", 0700);
    put(&f, ".volta/tools/user/platform.json", "{\"node\":{\"runtime\":\"19.0.0\"}}", 0600);
    put(&f, ".asdf/installs/erlang/26.1/bin/erl", "", 0700);
    put(&f, ".tool-versions", "erlang 26.1\nevil ../../..\n", 0600);
    put(&f, ".sdkman/candidates/java/17/bin/java", "", 0700);
    assert_int_equal(symlink("17", at(&f, ".sdkman/candidates/java/current")), 0);
    find(&f);
    const char *path = env_of(&f, "PATH");
    assert_non_null(strstr(path, "/fnm/node-versions/v16.1.0/installation/bin:"));
    assert_non_null(strstr(path, "/.volta/tools/image/node/19.0.0/bin:"));
    assert_non_null(strstr(path, "/.asdf/installs/erlang/26.1/bin:"));
    assert_non_null(strstr(path, "/.sdkman/candidates/java/current/bin:"));
    assert_null(strstr(path, ".."));
    assert_string_equal(env_of(&f, "JAVA_HOME"), at(&f, ".sdkman/candidates/java/current"));
    clear(&f);
}

/* The project's own environment: first on PATH, also without any home; a link out of the project is none. */
static void test_venv(void **state)
{
    (void)state;
    struct fix f;
    char dir[300], far[600];
    lay(&f);
    find(&f);
    assert_string_equal(env_of(&f, "VIRTUAL_ENV"), "");
    snprintf(dir, sizeof(dir), "%s/.venv", f.g.project);
    assert_int_equal(symlink("/usr", dir), 0);
    find(&f);
    assert_string_equal(env_of(&f, "VIRTUAL_ENV"), "");
    assert_int_equal(unlink(dir), 0);
    snprintf(far, sizeof(far), "%s/bin", dir);
    assert_int_equal(mkdir(dir, 0755) + mkdir(far, 0755), 0);
    rig_file(&f.g, ".venv/pyvenv.cfg", "home = /usr/bin\n");
    rig_file(&f.g, ".venv/bin/python3", "#!/bin/sh\necho python of the project\n");
    snprintf(far, sizeof(far), "%s/.venv/bin/python3", f.g.project);
    assert_int_equal(chmod(far, 0755), 0);
    find(&f);
    assert_int_equal(strncmp(env_of(&f, "PATH"), "/workspace/.venv/bin:", 21), 0);
    assert_true(says(&f, "\"name\":\"venv\""));
    f.ask.home = NULL;
    find(&f);
    assert_null(toolchains_binds(f.t)[0]);
    inside(&f, "python3; echo $VIRTUAL_ENV");
    assert_string_equal(f.g.out.p, "python of the project\n/workspace/.venv\n");
    f.ask.choice = "nvm";
    find(&f);
    assert_string_equal(env_of(&f, "PATH"), "");
    clear(&f);
}

/* ---- from inside ---- */

static void test_works_inside(void **state)
{
    (void)state;
    struct fix f;
    char cmd[2048];
    lay(&f);
    find(&f);
    snprintf(cmd, sizeof(cmd), "node; cargo; python3; ls -A %s; cat %s", f.home,
             at(&f, ".nvm/versions/node/v18.17.1/etc/cacert.pem"));
    inside(&f, cmd);
    assert_int_equal(f.g.x.exit_code, 0);
    assert_true(rig_has(&f.g.out, "node v18.17.1\n"));
    assert_true(rig_has(&f.g.out, "python of pyenv\n") && rig_has(&f.g.out, "cargo of "));
    assert_true(rig_has(&f.g.out, ".cargo\n.nvm\n.pyenv\n"));
    assert_true(rig_has(&f.g.out, "public"));
    assert_false(rig_has(&f.g.out, "private.txt"));
    snprintf(cmd, sizeof(cmd),
             "grep -rs SECRET %s / --include=npmrc --include=.npmrc --include=id_* --include=pip.conf", f.home);
    rig_run(&f.g, cmd);
    assert_int_equal(f.g.out.len, 0);
    snprintf(cmd, sizeof(cmd), "cat %s %s %s %s; echo x > %s; rm -f %s; mkdir %s; echo done", at(&f, ".npmrc"),
             at(&f, ".ssh/id_rsa"), at(&f, ".cargo/credentials.toml"), at(&f, ".nvm/.npmrc"), "/workspace/ok",
             "/workspace/ok", "/workspace/d");
    rig_run(&f.g, cmd);
    assert_string_equal(f.g.out.p, "done\n");
    snprintf(cmd, sizeof(cmd),
             "echo x > %s/.nvm/versions/new; echo x > %s/.nvm/new; echo x > %s/new; rm -rf %s/.pyenv; node", f.home,
             f.home, f.home, f.home);
    rig_run(&f.g, cmd);
    assert_string_equal(f.g.out.p, "node v18.17.1\n");
    assert_int_equal(access(at(&f, ".nvm/versions/new"), F_OK), -1);
    assert_int_equal(access(at(&f, ".pyenv/versions/3.11/bin/python3"), X_OK), 0);
    clear(&f);
}

/* ---- attacks ---- */

static void test_links(void **state)
{
    (void)state;
    struct fix f;
    char cmd[1024];
    lay(&f);
    /* inside a place: a link to what is not shown leads nowhere */
    assert_int_equal(symlink("../../.ssh", at(&f, ".nvm/versions/ssh")), 0);
    /* a place that is a link, and one behind a link */
    assert_int_equal(rename(at(&f, ".cargo"), at(&f, "real-cargo")), 0);
    assert_int_equal(symlink("real-cargo", at(&f, ".cargo")), 0);
    assert_int_equal(mkdir(at(&f, ".bun"), 0700), 0);
    assert_int_equal(symlink("../.ssh", at(&f, ".bun/bin")), 0);
    find(&f);
    assert_false(shown(&f, ".cargo/bin") || shown(&f, ".bun/bin"));
    assert_true(says(&f, "symbolic link"));
    snprintf(cmd, sizeof(cmd), "cat %s %s/id_rsa %s; echo done", at(&f, ".nvm/versions/ssh/id_rsa"), at(&f, ".bun/bin"),
             at(&f, ".cargo/credentials.toml"));
    inside(&f, cmd);
    assert_string_equal(f.g.out.p, "done\n");
    clear(&f);
}

/* A place that becomes a link after it was looked at. */
static void test_swapped(void **state)
{
    (void)state;
    struct fix f;
    char cmd[1024];
    lay(&f);
    find(&f);
    assert_true(shown(&f, ".cargo/bin"));
    assert_int_equal(rename(at(&f, ".cargo/bin"), at(&f, ".cargo/old")), 0);
    assert_int_equal(symlink("../.ssh", at(&f, ".cargo/bin")), 0);
    snprintf(cmd, sizeof(cmd), "cat %s; ls -A %s; echo done", at(&f, ".cargo/bin/id_rsa"), at(&f, ".cargo/bin"));
    inside(&f, cmd);
    assert_string_equal(f.g.out.p, "done\n");
    clear(&f);
}

static void test_hard_links(void **state)
{
    (void)state;
    struct fix f;
    char cmd[1024];
    lay(&f);
    put(&f, ".nvm/versions/deep/a/b/c/d/e/f/g/x", "", 0600);
    assert_int_equal(link(at(&f, ".ssh/id_rsa"), at(&f, ".nvm/versions/deep/a/b/c/d/e/f/g/harmless")), 0);
    assert_int_equal(link(at(&f, ".npmrc"), at(&f, ".pyenv/shims/tool")), 0);
    find(&f);
    assert_true(masked(&f, ".nvm/versions/deep/a/b/c/d/e/f/g/harmless"));
    assert_true(masked(&f, ".pyenv/shims/tool"));
    snprintf(cmd, sizeof(cmd), "cat %s %s; echo done", at(&f, ".nvm/versions/deep/a/b/c/d/e/f/g/harmless"),
             at(&f, ".pyenv/shims/tool"));
    inside(&f, cmd);
    assert_string_equal(f.g.out.p, "done\n");
    clear(&f);
}

/* `cargo login` while a step runs: the file lies beside what is shown. */
static void test_appears_later(void **state)
{
    (void)state;
    struct fix f;
    char cmd[1024];
    lay(&f);
    assert_int_equal(unlink(at(&f, ".cargo/credentials.toml")), 0);
    find(&f);
    inside(&f, "true");
    put(&f, ".cargo/credentials.toml", "SECRET\n", 0600);
    put(&f, ".cargo/.netrc", "SECRET\n", 0600);
    snprintf(cmd, sizeof(cmd), "ls -A %s; cat %s; echo done", at(&f, ".cargo"), at(&f, ".cargo/credentials.toml"));
    rig_run(&f.g, cmd);
    assert_string_equal(f.g.out.p, "bin\ndone\n");
    clear(&f);
}

static void test_whose(void **state)
{
    (void)state;
    struct fix f;
    lay(&f);
    assert_int_equal(chmod(at(&f, ".pyenv"), 0777), 0); /* whoever may write here decides what runs */
    assert_int_equal(chmod(at(&f, ".cargo/bin"), 0703), 0);
    find(&f);
    assert_false(shown(&f, ".pyenv/shims") || shown(&f, ".pyenv/versions") || shown(&f, ".cargo/bin"));
    assert_true(says(&f, "everybody may write it"));
    assert_true(shown(&f, ".nvm/versions"));
    f.ask.owner = geteuid() + 1; /* as if the home were somebody else's */
    if (geteuid() != 0) {
        find(&f);
        assert_false(shown(&f, ".nvm/versions"));
        assert_true(says(&f, "belongs to another user"));
    }
    clear(&f);
}

static void test_data_directory(void **state)
{
    (void)state;
    struct fix f;
    lay(&f);
    f.ask.data_dir = at(&f, ".nvm/versions/data");
    find(&f);
    assert_false(shown(&f, ".nvm/versions"));
    assert_true(says(&f, "the data directory is there"));
    clear(&f);
}

static void chown_all(const char *path, uid_t uid)
{
    char cmd[600];
    snprintf(cmd, sizeof(cmd), "chown -hR %u:%u %s", uid, uid, path);
    assert_int_equal(system(cmd), 0);
}

/* The server is root, project and home are a user's: everything in it 0700 and 0600, and still of use inside. */
static void test_home_of_another(void **state)
{
    (void)state;
    struct fix f;
    char cmd[1024];
    if (geteuid() != 0)
        skip();
    lay(&f);
    put(&f, ".nvm/versions/roots", "ROOTS\n", 0600);
    chown_all(f.home, OTHER);
    chown_all(f.g.project, OTHER);
    assert_int_equal(chown(at(&f, ".nvm/versions/roots"), 0, 0), 0);
    f.ask.owner = OTHER;
    find(&f);
    assert_true(shown(&f, ".nvm/versions"));
    snprintf(cmd, sizeof(cmd), "node; python3; cat %s; cat %s; id -u", at(&f, ".nvm/versions/roots"),
             at(&f, ".nvm/versions/node/v18.17.1/etc/npmrc"));
    inside(&f, cmd);
    assert_string_equal(f.g.out.p, "node v18.17.1\npython of pyenv\n64322\n");
    /* a directory of root's that the user cannot have put there, but root did */
    chown_all(at(&f, ".cargo"), OTHER + 1);
    find(&f);
    assert_false(shown(&f, ".cargo/bin"));
    clear(&f);
}

static void test_home(void **state)
{
    (void)state;
    struct fix f;
    struct err e = ERR_INIT;
    char *home = NULL;
    lay(&f);
    assert_int_equal(toolchains_home(geteuid(), f.home, &home, &e), 0);
    assert_string_equal(home, f.home);
    free(home);
    home = NULL;
    assert_int_equal(toolchains_home(geteuid(), "/usr", &home, &e),
                     0); /* not ours, or not to be shown: the database's */
    assert_true(!home || strcmp(home, "/usr") != 0);
    free(home);
    home = NULL;
    assert_int_equal(chmod(f.home, 0777), 0);
    assert_int_equal(toolchains_home(geteuid(), f.home, &home, &e), 0);
    assert_true(!home || strcmp(home, f.home) != 0);
    free(home);
    home = NULL;
    assert_int_equal(toolchains_home(3999999999u, f.home, &home, &e), 0); /* an account that is not there */
    assert_null(home);
    clear(&f);
}

static void test_choice(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const char *const good[] = {"auto", "none", "nvm", "nvm,pyenv"};
    static const char *const bad[] = {"", ",", "nvm,", ",nvm", "nvm,,rust", "Nvm", "auto,nvm", "nvm pyenv", "../x"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(toolchains_choice_ok(good[i], "toolchains", &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(toolchains_choice_ok(bad[i], "toolchains", &e), -ERR_INVALID);
    assert_string_equal(e.field, "toolchains");
    assert_non_null(strstr(e.msg, "pyenv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),           cmocka_unit_test(test_node_versions),
        cmocka_unit_test(test_other_managers),  cmocka_unit_test(test_works_inside),
        cmocka_unit_test(test_links),           cmocka_unit_test(test_swapped),
        cmocka_unit_test(test_hard_links),      cmocka_unit_test(test_appears_later),
        cmocka_unit_test(test_whose),           cmocka_unit_test(test_data_directory),
        cmocka_unit_test(test_home_of_another), cmocka_unit_test(test_home),
        cmocka_unit_test(test_choice),          cmocka_unit_test(test_venv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
