/* fuzz_client - any bytes to the reader of answers: the split makes no difference to an accepted answer. */
#include <stdlib.h>
#include <string.h>
#include "net/client_resp.h"

static const struct client_call call = {.method = "GET", .target = "/"};

/* 0: complete. */
static int feed(const char *s, size_t n, size_t step, struct client_answer *a)
{
    struct err e = ERR_INIT;
    struct client_resp *r = client_resp_new(&call, 256, a);
    int k = 0;
    for (size_t i = 0; i < n && k == 0 && !client_resp_done(r); i += step)
        k = client_resp_feed(r, s + i, step < n - i ? step : n - i, &e);
    if (k == 0 && !client_resp_done(r))
        k = client_resp_feed(r, NULL, 0, &e);
    if (k < 0 && !e.msg[0])
        abort();
    client_resp_free(r);
    return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client_answer a = {0}, b = {0};
    int x = feed((const char *)data, size, size, &a), y = feed((const char *)data, size, 1, &b);
    if (x == 0 && y == 0 &&
        (a.status != b.status || a.body.len != b.body.len || a.headers.len != b.headers.len ||
         (a.body.len && memcmp(a.body.p, b.body.p, a.body.len) != 0)))
        abort();
    (void)client_answer_header(&a, "content-type");
    client_answer_fini(&a);
    client_answer_fini(&b);
    return 0;
}
