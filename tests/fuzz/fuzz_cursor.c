/* fuzz_cursor - any text to the reader of cursors: what is taken is written again as the same text, and is in bounds.
 *
 * Most texts fail the check sum; so the bytes are also given one, to get at what stands behind it. */
#include "fuzz.h"
#include "base/hash.h"
#include "base/str.h"
#include "core/cursor.h"

static const struct id stream = {"run_01JD5ZK8V0A1B2C3D4E5F6G7H8"};

static void check(const char *text)
{
    struct cursor c;
    char again[CURSOR_TEXT_MAX];

    if (cursor_decode(text, &stream, &c, NULL) < 0)
        return;
    MUST(c.n <= CURSOR_OPEN_MAX && c.seq >= 0);
    cursor_encode(&c, &stream, again);
    MUST(strcmp(text, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size);
    uint8_t *body = malloc(size + 4);
    char *summed = malloc(b64url_len(size + 4) + 1);

    if (text && body && summed) {
        check(text);
        memcpy(body, data, size);
        uint32_t crc = crc32c(crc32c(0, stream.s, ID_LEN), data, size);
        for (size_t i = 0; i < 4; i++)
            body[size + i] = (uint8_t)(crc >> (8 * i));
        b64url_encode(body, size + 4, summed);
        check(summed);
    }
    free(text);
    free(body);
    free(summed);
    return 0;
}
