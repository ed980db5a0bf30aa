/* clock - the time and random bytes, in one place. Threads: any. */
#pragma once
#include "base/base.h"
#include "base/id.h"

int64_t clock_now_us(void);  /* Unix time, microseconds */
int64_t clock_mono_us(void); /* CLOCK_MONOTONIC, microseconds */
void clock_sleep_us(int64_t us);
/* getrandom(2); aborts when the kernel has none (it cannot fail after boot). */
void random_bytes(void *p, size_t n);
/* A new id from the clock and getrandom. */
struct id id_new(const char *prefix);
