/* project_settings - what a project says about the sandboxes of its runs; the JSON object in its row.
 *
 * May include: store sandbox core base os service/svc.h.   Threads: any. */
#pragma once
#include "sandbox/toolchain.h"
#include "service/svc.h"
#include "store/base_rows.h"

#define SETTINGS_TEXT       256
#define RETENTION_MAX_MS    (36500 * (int64_t)86400000)
#define PROJECT_RUNNING_MAX 10000

struct project_settings {
    int64_t max_running;            /* so many of its runs may be running at once; 0 = the server's default */
    char seed[16];                  /* how runs get their workspace: "overlay", "copy"; "": the default, overlay */
    char toolchains[SETTINGS_TEXT]; /* "auto", "none", or names, separated by commas; "": the server's default */
    int64_t runs_ms, failed_runs_ms, logs_ms; /* retention (svc.h); 0: never; -1: as the server says */
};

#define PROJECT_SETTINGS_INIT ((struct project_settings){.runs_ms = -1, .failed_runs_ms = -1, .logs_ms = -1})

/* Members of a request's object that are given replace those in s. Unknown ones, and values that are none: refused. */
CHECKED int project_settings_merge(struct project_settings *s, const struct json *given, struct err *);
CHECKED int project_settings_seed(struct project_settings *s, const char *word, struct err *);
/* From a row, as text. */
CHECKED int project_settings_read(const char *json, struct project_settings *ret, struct err *);
void project_settings_json(struct jw *, const struct project_settings *);

/* What the steps of this project's runs see of its user's home: the server's own user's, or, when the server is root,
 * the home of whoever the project belongs to. */
CHECKED int project_toolchains(const struct svc *, const struct project_row *, struct toolchains **ret, struct err *);
