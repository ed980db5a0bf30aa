/* fuzz_planform - any text a person may save at the first door: refused by line, or steps that come back unchanged
 * through the form they are shown in. */
#include "fuzz.h"
#include "base/str.h"
#include "cli/planform.h"
#include "cli/text.h"

/* The canonical body of a text, or NULL when it is refused; free() it. */
static char *steps_of(const char *p, size_t n)
{
    struct buf body = BUF_INIT(8 << 20), canon = BUF_INIT(8 << 20);
    struct err e = ERR_INIT;
    size_t steps;
    char *ret = NULL;
    int r = planform_read(p, n, &body, &steps, &e);
    if (r < 0 && (!e.msg[0] || !utf8_valid(e.msg, strlen(e.msg))))
        abort();
    if (r == 0 && json_canonical_text(body.p, body.len, &canon, &e) == 0)
        ret = buf_take(&canon, NULL);
    buf_fini(&body);
    buf_fini(&canon);
    return ret;
}

static bool shows(const char *s)
{
    struct buf b = BUF_INIT(1 << 20);
    text_clean(&b, s, strlen(s), TEXT_ONE_LINE);
    bool same = b.p && strcmp(b.p, s) == 0;
    buf_fini(&b);
    return same;
}

/* A title that repeats its command, an empty one and "." as directory say nothing: the form leaves them out. */
static bool says_all(const struct json *plan)
{
    const struct json *steps = json_get(plan, "steps");
    for (size_t i = 0; i < json_len(steps); i++) {
        const struct json *s = json_at(steps, i);
        const char *title = json_str(json_get(s, "title")), *cwd = json_str(json_get(s, "cwd"));
        if (json_get(s, "env_names") && json_len(json_get(s, "env_names")) == 0)
            return false;
        if ((title && !*title) || (cwd && (!*cwd || str_eq(cwd, "."))) ||
            text_is_cut(title, json_str(json_get(s, "command"))))
            return false;
        if ((title && !shows(title)) || (cwd && !shows(cwd)))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = BUF_INIT(8 << 20);
    struct json *plan;
    char *one = steps_of((const char *)data, size);
    if (!one || json_parse(one, strlen(one), &plan, NULL) < 0) {
        free(one);
        return 0;
    }
    planform_write(&text, plan);
    char *two = text.bad ? NULL : steps_of(text.p, text.len);
    if (says_all(plan) && !text.bad && (!two || strcmp(one, two) != 0))
        abort();
    free(one);
    free(two);
    json_free(plan);
    buf_fini(&text);
    return 0;
}
