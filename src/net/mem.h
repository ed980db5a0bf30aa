/* mem - allocation that a test can make fail. Inner header of src/net.
 * May include: base/.   Threads: any. */
#pragma once
#include <stdlib.h>
#include "base/fault.h"

/* calloc(3): zeroed, NULL on out-of-memory. */
static inline void *mem_new(size_t n, size_t size)
{
    return FAULT(alloc) ? NULL : calloc(n, size);
}

/* Asks for n bytes to be in the cache soon. Any address will do, NULL too. */
enum { MEM_LINE = 64 };
static inline void mem_fetch(const void *p, size_t n)
{
    for (size_t i = 0; p && i < n; i += MEM_LINE)
        __builtin_prefetch((const char *)p + i);
}
