/* docs: the man page and the completion name every command, option and exit code there is. */
#include "check.h"
#include "cli/cmd.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *name)
{
    struct buf b = BUF_INIT(1 << 20);
    char path[1024], part[4096];
    size_t n;
    snprintf(path, sizeof path, SOURCE_ROOT "/%s", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(&b, part, n);
    fclose(f);
    return buf_take(&b, NULL);
}

/* The man page writes "-" as "\-". */
static void unescape(char *s)
{
    char *w = s;
    for (; *s; s++)
        if (!(s[0] == '\\' && s[1] == '-'))
            *w++ = *s;
    *w = '\0';
}

static void has(const char *text, const char *where, const char *what)
{
    if (!strstr(text, what))
        fail_msg("%s does not name `%s`", where, what);
}

static void man_page_is_complete(void **state)
{
    char *man = read_all("docs/sallyport.1"), what[128];
    unescape(man);
    for (const struct cli_cmd *c = cli_cmds; c->name; c++) {
        snprintf(what, sizeof what, ".B %s", c->name);
        has(man, "docs/sallyport.1", what);
        for (const struct opt *o = c->opts; o && o->name; o++) {
            snprintf(what, sizeof what, "--%s", o->name);
            has(man, "docs/sallyport.1", what);
        }
    }
    for (const struct opt *o = cli_global_opts; o->name; o++) {
        snprintf(what, sizeof what, "--%s", o->name);
        has(man, "docs/sallyport.1", what);
    }
    for (int i = 1; i < ERR_N; i++) {
        snprintf(what, sizeof what, ".B %d\n", err_info(i)->exit);
        has(man, "docs/sallyport.1", what);
    }
    has(man, "docs/sallyport.1", ".B 9\n");
    free(man);
}

static void completion_is_complete(void **state)
{
    char *sh = read_all("packaging/completions/sallyport.bash"), what[128];
    for (const struct cli_cmd *c = cli_cmds; c->name; c++) {
        const char *space = strchr(c->name, ' ');
        has(sh, "the completion", space ? space + 1 : c->name);
        for (const struct opt *o = c->opts; o && o->name; o++) {
            snprintf(what, sizeof what, "--%s", o->name);
            has(sh, "the completion", what);
        }
    }
    free(sh);
}

static void rows_are_whole(void **state)
{
    for (const struct cli_cmd *c = cli_cmds; c->name; c++) {
        assert_non_null(c->args);
        assert_non_null(c->summary);
        assert_true(strncmp(c->example, "sallyport ", 10) == 0);
        assert_non_null(strstr(c->example, c->name)); /* the example is of this command */
        assert_true(c->min <= c->max);
        for (const struct opt *o = c->opts; o && o->name; o++)
            assert_true(o->help && *o->help);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(man_page_is_complete), cmocka_unit_test(completion_is_complete),
                                       cmocka_unit_test(rows_are_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
