#include "greet.h"
#include <stdio.h>
#include <string.h>

static int failed;

static void check(const char *what, int ok)
{
    printf("%s %s\n", ok ? "ok" : "FAILED", what);
    failed |= !ok;
}

int main(void)
{
    char buf[16];

    check("greets", greet(buf, sizeof buf, "world") == 13 && strcmp(buf, "Hello, world!") == 0);
    check("says when it does not fit", greet(buf, sizeof buf, "a very long name") == -1);
    return failed;
}
