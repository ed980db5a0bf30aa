/* What parses has a canonical form or a clear reason why not; that form parses, and is its own canonical form. */
#include "fuzz.h"
#include "base/json.h"
#include "base/str.h"

static void as_string(const char *p, size_t n)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(1 << 20);
    AUTO_PTR(json_free) struct json *j = NULL;
    struct jw w = JW_INIT(&b);
    jw_obj(&w);
    jw_kbytes(&w, "k", p, n);
    jw_end_obj(&w);
    MUST(!b.bad && json_parse(b.p, b.len, &j, NULL) == 0);
    const struct json *raw = json_get(j, "k_b64");
    if (!raw) {
        MUST(json_str_len(json_get(j, "k")) == n);
        MUST(n == 0 || memcmp(json_str(json_get(j, "k")), p, n) == 0);
        return;
    }
    char *back = malloc(n + 3);
    MUST(back && b64_decode(json_str(raw), back) == (long)n && memcmp(back, p, n) == 0);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    AUTO(buf_fini) struct buf one = BUF_INIT(1 << 20), two = BUF_INIT(1 << 20);
    AUTO_PTR(json_free) struct json *j = NULL;
    struct err e = ERR_INIT;
    char *text = fuzz_string(p, n);
    as_string(text, n);
    int r = json_parse(text, n, &j, &e);
    MUST(r == 0 ? j != NULL : r == -ERR_JSON && e.code == ERR_JSON && utf8_valid(e.msg, strlen(e.msg)));
    if (r == 0) {
        r = json_canonical(j, &one, &e);
        MUST(r == 0 || r == -ERR_INVALID);
    }
    if (j && r == 0) {
        MUST(utf8_valid(one.p, one.len));
        MUST(json_canonical_text(one.p, one.len, &two, &e) == 0);
        MUST(one.len == two.len && memcmp(one.p, two.p, one.len) == 0);
    }
    free(text);
    return 0;
}
