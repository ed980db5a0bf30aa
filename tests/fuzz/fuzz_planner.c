/* fuzz_planner - any intent, any files: a plan that passes the checks of a plan, or a refusal that says something.
 *
 * Input: lines. The first is the intent; each other starts a file: a byte that picks it, then its text up to "\x01". */
#include "fuzz.h"
#include "base/str.h"
#include "core/planner.h"

#define FILES_MAX 64

/* Commands come from recipe.def only: whatever the files say, one of these begins each. */
static void known_command(const char *s)
{
    static const char *const starts[] = {"make",   "./configure", "NOCONFIGURE=1 ./autogen.sh && ./configure",
                                         "npm ",   "yarn run ",   "pnpm run ",
                                         "cmake ", "ctest ",      "meson ",
                                         "ninja",  "cargo ",      "go ",
                                         "gofmt ", "python3 -m ", "python3 setup.py build",
                                         "ruff ",  "autoreconf ", "find . -type d -name __pycache__ "};

    if (strpbrk(s, "\n\r`$|;<>"))
        abort();
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (str_starts(s, starts[i]))
            return;
    abort();
}

static void check_plan(const struct plan *p)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    AUTO_PTR(json_free) struct json *j = NULL;
    AUTO_PTR(plan_free) struct plan *back = NULL;
    struct jw w = JW_INIT(&b);

    for (size_t i = 0; i < p->nsteps; i++)
        known_command(p->steps[i].command);
    plan_json(&w, p);
    if (b.bad || json_parse(b.p, b.len, &j, NULL) < 0 || plan_from_json(j, &back, NULL) < 0)
        abort();
}

static void read_files(const char *s, const char *end, struct planner_fact v[FILES_MAX], size_t n)
{
    while (s < end) {
        const char *stop = memchr(s, 1, (size_t)(end - s));
        struct planner_fact *f = &v[(unsigned char)*s % n];
        stop = stop ? stop : end;
        *f = (struct planner_fact){true, s + 1 <= stop ? s + 1 : stop, s + 1 <= stop ? (size_t)(stop - s - 1) : 0};
        s = stop + (stop < end);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data, *nl = size ? memchr(s, '\n', size) : NULL;
    struct planner_fact v[FILES_MAX] = {0};
    AUTO_PTR(plan_free) struct plan *p = NULL;
    struct err e = ERR_INIT;
    size_t n = 0;

    while (planner_files()[n].name)
        n++;
    if (nl)
        read_files(nl + 1, s + size, v, n);
    char *intent = str_ndup(s, nl ? (size_t)(nl - s) : size);
    if (!intent)
        return 0;
    struct project_facts facts = {v, n};
    int r = planner_make(intent, &facts, &p, &e);
    if (r == 0)
        check_plan(p);
    else if (r != -e.code || !e.msg[0] || !utf8_valid(e.msg, strlen(e.msg)) ||
             (e.code != ERR_INTENT && e.code != ERR_INVALID))
        abort();
    free(intent);
    return 0;
}
