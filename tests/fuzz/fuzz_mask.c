/* byte count of secrets, each "length bytes", then the stream: fed whole, byte by byte and in the pieces its own
 * bytes name, the result is the same, and no secret is in it. */
#include "fuzz.h"
#include "os/mask.h"

#define MAX 8

static size_t take_secrets(const uint8_t **p, size_t *n, struct mask_secret s[MAX])
{
    size_t want = *n ? **p % (MAX + 1) : 0, got = 0;
    if (*n) {
        ++*p;
        --*n;
    }
    while (got<want && * n> 0) {
        size_t len = **p % 24;
        ++*p;
        --*n;
        len = len < *n ? len : *n;
        s[got++] = (struct mask_secret){*p, len};
        *p += len;
        *n -= len;
    }
    return got;
}

static void feed(struct mask *m, const uint8_t *p, size_t n, int how, struct buf *out)
{
    for (size_t i = 0; i < n;) {
        size_t step = how == 0 ? n : how == 1 ? 1 : p[i] % 37u;
        step = step < n - i ? step : n - i;
        step = step == 0 && how == 2 ? 1 : step;
        mask_feed(m, p + i, step, out);
        i += step;
    }
    mask_flush(m, out);
    buf_add(out, "", 0);
    MUST(!out->bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct mask_secret s[MAX];
    struct mask *m = NULL;
    size_t ns = take_secrets(&p, &n, s);
    MUST(mask_new(s, ns, &m, NULL) == 0);
    struct buf out[3] = {BUF_INIT(1 << 22), BUF_INIT(1 << 22), BUF_INIT(1 << 22)};
    for (int how = 0; how < 3; how++)
        feed(m, p, n, how, &out[how]);
    for (int how = 1; how < 3; how++)
        MUST(out[how].len == out[0].len && memcmp(out[how].p, out[0].p, out[0].len) == 0);
    for (size_t i = 0; i < ns; i++) /* "***" itself may complete a secret that holds stars */
        if (s[i].n >= 4 && !memchr(s[i].p, '*', s[i].n))
            MUST(!memmem(out[0].p, out[0].len, s[i].p, s[i].n));
    for (int how = 0; how < 3; how++)
        buf_fini(&out[how]);
    mask_free(m);
    return 0;
}
