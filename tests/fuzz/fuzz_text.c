/* Times, numbers, ids, base64, hex, UTF-8: what is accepted comes back the same when it is written again. */
#include "fuzz.h"
#include "base/id.h"
#include "base/str.h"

static void times_and_numbers(const char *s)
{
    int64_t v;
    uint64_t u;
    char text[TIME_LEN], number[32];
    if (time_parse(s, &v)) {
        int64_t again;
        time_format(v, text);
        MUST(time_parse(text, &again) && again == v);
    }
    if (str_i64(s, &v)) {
        snprintf(number, sizeof number, "%lld", (long long)v);
        const char *digits = s + (s[0] == '-');
        while (digits[0] == '0' && digits[1])
            digits++;
        MUST(strcmp(number + (number[0] == '-'), digits) == 0);
    }
    if (str_duration_ms(s, &v))
        MUST(v >= 0);
    (void)!str_bytes(s, &u);
    struct id id;
    if (id_parse(ID_RUN, s, &id))
        MUST(strcmp(id.s, s) == 0);
}

static void codes(const char *s, size_t n)
{
    char *raw = malloc(n + 4), *text = malloc(2 * n + 8);
    MUST(raw && text);
    long len = b64_decode(s, raw);
    if (len >= 0) {
        b64_encode(raw, (size_t)len, text);
        MUST(strcmp(text, s) == 0);
    }
    len = b64url_decode(s, n, raw);
    if (len >= 0) {
        b64url_encode(raw, (size_t)len, text);
        MUST(strlen(text) == n && memcmp(text, s, n) == 0);
    }
    if (hex_decode(s, raw, n / 2)) {
        hex_encode(raw, n / 2, text);
        MUST(strcasecmp(text, s) == 0);
    }
    free(raw);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char *s = fuzz_string(p, n);
    bool good = true;
    for (const char *at = s, *end = s + n; at < end;) {
        int32_t cp = utf8_next(&at, end);
        good = good && cp >= 0;
        utf8_deceptive(cp);
    }
    MUST(good == utf8_valid(s, n));
    times_and_numbers(s);
    codes(s, n);
    free(s);
    return 0;
}
