/* base - attributes and small macros every module uses.
 *
 * Why it exists: ownership and "look at the result" are rules of this code
 * base; the compiler should know them.
 * May include: the C library.  Threads: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result must be looked at. */
#define CHECKED            __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define NONNULL            __attribute__((nonnull))

/* AUTO(buf_fini) struct buf b = ...;   runs buf_fini(&b) at scope exit.
 * AUTO_PTR(json_free) struct json *j;  runs json_free(j) at scope exit; fn accepts NULL. */
#define AUTO(fn) __attribute__((cleanup(fn)))
#define DEFINE_AUTO_PTR(type, fn)                                                                                      \
    static inline void fn##_p(type **p)                                                                                \
    {                                                                                                                  \
        fn(*p);                                                                                                        \
    }                                                                                                                  \
    struct auto_ptr_semicolon_##fn
#define AUTO_PTR(fn) __attribute__((cleanup(fn##_p)))

/* The pointer leaves this scope: returns it and forgets it. */
#define TAKE(p)                                                                                                        \
    __extension__({                                                                                                    \
        __typeof__(p) taken_ = (p);                                                                                    \
        (p) = NULL;                                                                                                    \
        taken_;                                                                                                        \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define KIB          ((size_t)1024)
#define MIB          (KIB * 1024)
#define GIB          (MIB * 1024)

#define MS_US  ((int64_t)1000)
#define SEC_US ((int64_t)1000000)
