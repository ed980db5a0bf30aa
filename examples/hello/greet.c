#include "greet.h"
#include <stdio.h>

int greet(char *buf, int cap, const char *name)
{
    int n = snprintf(buf, (unsigned)cap, "Hello, %s!", name);

    return n < 0 || n >= cap ? -1 : n;
}
