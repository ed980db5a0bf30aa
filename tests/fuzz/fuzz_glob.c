/* "pattern NUL text": no crash, no hang; a text matches itself escaped, and "*" matches whatever has no slash. */
#include "fuzz.h"
#include "base/buf.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n > 2048)
        return 0;
    char *pat = fuzz_string(p, n);
    size_t cut = strlen(pat) < n ? strlen(pat) + 1 : n;
    char *text = fuzz_string(p + cut, n - cut);
    AUTO(buf_fini) struct buf quoted = BUF_INIT(8192);
    glob_match(pat, text);
    glob_path(pat, text);
    for (const char *c = text; *c; c++) {
        if (strchr("*?[]\\", *c))
            buf_addc(&quoted, '\\');
        buf_addc(&quoted, *c);
    }
    buf_add(&quoted, "", 0);
    MUST(glob_match(quoted.p, text) && glob_path(quoted.p, text));
    MUST(glob_match("*", text) && glob_path("**", text));
    MUST(glob_path("*", text) == !strchr(text, '/'));
    free(pat);
    free(text);
    return 0;
}
