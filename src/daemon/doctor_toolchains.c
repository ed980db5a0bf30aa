/* doctor_toolchains.c - the part of `sallyport doctor` that says which toolchains of this user's home steps will see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "sandbox/toolchain.h"

static const char *text(const struct json *o, const char *k)
{
    const char *s = json_str(json_get(o, k));

    return s ? s : "";
}

static void print(const struct json *doc)
{
    const struct json *found = json_get(doc, "found"), *skipped = json_get(doc, "skipped");
    const struct json *masked = json_get(doc, "masked");

    printf("\ntoolchains in %s%s\n", text(doc, "home"), json_len(found) ? ", shown read-only:" : ": none found");
    for (size_t i = 0; i < json_len(found); i++) {
        const struct json *f = json_at(found, i), *path = json_get(f, "path");

        printf("  %-8s %s", text(f, "name"), text(f, "what"));
        for (size_t k = 0; k < json_len(path); k++)
            printf("%s%s", k ? ":" : ", PATH ", json_str(json_at(path, k)));
        printf("\n");
    }
    for (size_t i = 0; i < json_len(masked); i++)
        printf("  masked   %s\n", json_str(json_at(masked, i)));
    for (size_t i = 0; i < json_len(skipped); i++)
        printf("  skipped  %s: %s\n", text(json_at(skipped, i), "path"), text(json_at(skipped, i), "why"));
}

/* Never a reason to fail: steps run without toolchains too. */
void doctor_toolchains(void)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
    AUTO_PTR(json_free) struct json *doc = NULL;
    AUTO_PTR(toolchains_free) struct toolchains *t = NULL;
    struct toolchain_ask ask = {.owner = geteuid(), .choice = "auto"};
    struct jw w = JW_INIT(&b);
    struct err e = ERR_INIT;
    char *home = NULL;
    int r = toolchains_home(ask.owner, getenv("HOME"), &home, &e);

    ask.home = home;
    if (r == 0)
        r = toolchains_find(&ask, &t, &e);
    if (r == 0) {
        toolchains_json(t, &w);
        r = json_parse(b.p, b.len, &doc, &e);
    }
    if (r < 0)
        fprintf(stderr, "sallyport: look for toolchains: %s\n", e.msg);
    else if (home)
        print(doc);
    free(home);
}
