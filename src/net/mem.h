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
