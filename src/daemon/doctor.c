/* doctor.c - `sallyport doctor`: what this host can do for a sandbox, each barrier and limit, with the fix for each
 * weakness. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/console.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "sandbox/sandbox.h"

static const char *text(const struct json *o, const char *k)
{
    const char *s = json_str(json_get(o, k));

    return s ? s : "";
}

static void print_checks(const struct json *doc, bool colour)
{
    const struct json *checks = json_get(doc, "checks");

    printf("sallyport %s, kernel %s, mode %s\n\n", SALLYPORT_VERSION, text(doc, "kernel"), text(doc, "mode"));
    for (size_t i = 0; i < json_len(checks); i++) {
        const struct json *c = json_at(checks, i);
        const char *level = text(c, "level");
        const char *on = !colour                 ? ""
                         : str_eq(level, "hard") ? "\033[32m"
                         : str_eq(level, "soft") ? "\033[33m"
                                                 : "\033[31m";

        printf("  %s%-7s%s %-36s %s\n", on, level, colour ? "\033[0m" : "", text(c, "name"), text(c, "detail"));
        if (!str_eq(level, "hard") && *text(c, "fix"))
            printf("          fix: %s\n", text(c, "fix"));
    }
}

static void print_console(void)
{
    if (*console_missing)
        printf("\nThis program has no web console: %s.\n"
               "  fix: build it where Node.js 18 or newer and npm are (Debian: nodejs npm): make clean && make\n",
               console_missing);
}

int doctor_main(int argc, char **argv)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(256 * KIB);
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct jw w = JW_INIT(&b);
    struct err e = ERR_INIT;
    const char *env = getenv("SALLYPORT_DATA"), *data = env && *env == '/' ? env : "/var/lib/sallyport";
    bool ok = false, json = false;
    int r;

    for (int i = 0; i < argc; i++) {
        if (str_eq(argv[i], "--json")) {
            json = true;
        } else if (str_eq(argv[i], "--data") && i + 1 < argc) {
            data = argv[++i];
        } else {
            printf("usage: sallyport doctor [--json] [--data DIR]\n\nLooks at this host: which barriers and limits a "
                   "sandbox has here (hard, soft, absent),\n"
                   "and the fix for each weakness. Needs no server.\n\n"
                   "  --data DIR  where runs will be, for the disk limit (default: $SALLYPORT_DATA, "
                   "/var/lib/sallyport)\n\nexample:\n  sallyport doctor\n\nexit codes: 0 a "
                   "sandbox can be built, "
                   "16 none can, 2 usage\n");
            return str_eq(argv[i], "--help") || str_eq(argv[i], "-h") ? 0 : err_info(ERR_USAGE)->exit;
        }
    }
    r = sandbox_probe(data, &w, &ok, &e);
    if (r == 0)
        r = json_parse(b.p, b.len, &doc, &e);
    if (r < 0) {
        fprintf(stderr, "sallyport: %s\n", e.msg);
        return err_info(e.code)->exit;
    }
    if (json)
        printf("%s\n", b.p);
    else
        print_checks(doc, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
    if (!json) {
        doctor_toolchains();
        print_console();
    }
    if (!json)
        printf("\n%s\n",
               ok ? "A sandbox can be built here." : "No sandbox can be built here: fix what is absent above.");
    return ok ? 0 : err_info(ERR_SANDBOX_UNAVAILABLE)->exit;
}
