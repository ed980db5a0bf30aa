/* fuzz_audit - any file to the verifier: it says why it does not hold, and what holds was counted. */
#include "fuzz.h"
#include "base/str.h"
#include "core/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_verifier v;
    struct err e = ERR_INIT;
    int r = audit_verify_text((const char *)data, size, &v, &e);

    if (r == 0 && v.records != (v.next_seq ? v.next_seq - v.first_seq : 0))
        abort();
    if (r < 0 &&
        (r != -ERR_AUDIT_BROKEN || e.code != ERR_AUDIT_BROKEN || !e.msg[0] || !utf8_valid(e.msg, strlen(e.msg))))
        abort();
    return 0;
}
