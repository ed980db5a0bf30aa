/* fuzz - what a fuzzer starts with. A property that does not hold ends the program, in every build. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MUST(cond)                                                                                                     \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The input as a string of its own: the sanitizer sees a read past its end. */
static inline char *fuzz_string(const uint8_t *p, size_t n)
{
    char *s = malloc(n + 1);
    MUST(s);
    if (n > 0)
        memcpy(s, p, n);
    s[n] = '\0';
    return s;
}
