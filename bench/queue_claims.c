/* queue_claims - what a claim costs inside its transaction (CPU), and with its own commit (on the wall).
 *
 *   queue_claims ROWS PROJECTS BLOCKED CLAIMS    prints: median_us p99_us max_us, of each in a line
 *
 * PROJECTS projects share ROWS rows that wait for their turn to execute; the first BLOCKED of them have the oldest rows
 * and cannot run: half are paused, half are full (max_running 1, one of theirs runs). Each claimed run ends at once. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "store/base_rows.h"
#include "store/queue_rows.h"
#include "store/run_rows.h"

#define CHUNK 1000

struct bench {
    int rows, projects, blocked, claims;
    int from;             /* fill: the next row */
    struct queue_row row; /* claim: what was taken */
    int64_t took_us;
};

static struct id nth(const char *prefix, int n)
{
    uint8_t rnd[10] = {0};
    struct id id;

    id_make(prefix, 1700000000000 + n, rnd, &id);
    return id;
}

static int one_project(struct db *db, const struct bench *b, int i, struct err *e)
{
    char name[32], root[32];
    struct id id = nth(ID_PROJECT, i);
    struct project_row p = {.id = id,
                            .tenant_id = (char[]){"default"},
                            .name = name,
                            .root_path = root,
                            .settings = (char[]){"{}"},
                            .created_us = 1,
                            .max_running = i < b->blocked ? 1 : 0};
    int r;

    snprintf(name, sizeof name, "p%d", i);
    snprintf(root, sizeof root, "/p/%d", i);
    r = project_insert(db, &p, e);
    if (r == 0 && i < b->blocked && i % 2)
        r = queue_pause_project(db, &id, &(struct queue_pause){.since_us = 1}, e);
    return r;
}

static int begin(struct db *db, void *arg, struct err *e)
{
    struct bench *b = arg;
    int r = tenant_ensure(db, "default", 1, e);

    for (int i = 0; r == 0 && i < b->projects; i++)
        r = one_project(db, b, i, e);
    return r < 0 ? r : node_seen(db, "node", "1", 1, e);
}

/* Rows of blocked projects first: what may run stands behind them. */
static int fill(struct db *db, void *arg, struct err *e)
{
    struct bench *b = arg;
    int r = 0;

    for (int i = b->from; r == 0 && i < b->from + CHUNK && i < b->rows; i++) {
        int half = b->blocked ? b->rows / 2 : 0, open = b->projects - b->blocked;
        int project = i < half ? i / (half / b->blocked + 1) : b->blocked + (i - half) / ((b->rows - half) / open + 1);
        struct run_row row = {.id = nth(ID_RUN, i),
                              .project_id = nth(ID_PROJECT, project),
                              .node = RN_QUEUED_EXECUTE,
                              .priority = i % 3,
                              .created_us = i,
                              .updated_us = i};

        row.tenant_id = (char[]){"default"};
        row.kind = (char[]){"plan"};
        row.review = (char[]){"none"};
        row.on_failure = (char[]){"review"};
        row.on_deny = (char[]){"fail"};
        row.on_lost = (char[]){"fail"};
        row.limits = (char[]){"{}"};
        row.env_names = (char[]){"[]"};
        row.actor = (char[]){"bench"};
        row.surface = (char[]){"cli"};
        row.node_name = (char[]){"node"};
        r = run_insert(db, &row, e);
        if (r == 0)
            r = queue_put(db, &row.id, "execute", 0, 1000 + i, e);
    }
    return r;
}

/* Of this thread: what other programs do to the clock on the wall is not ours. */
static int64_t cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * SEC_US + t.tv_nsec / 1000;
}

static int claim(struct db *db, void *arg, struct err *e)
{
    struct bench *b = arg;
    struct queue_rules rules = {.node_name = "node"};
    int64_t now = clock_now_us(), t = cpu_us();
    int r = queue_claim(db, &rules, "w", now, 3600 * SEC_US, &b->row, e);

    b->took_us = cpu_us() - t;
    return r;
}

static int end(struct db *db, void *arg, struct err *e)
{
    struct bench *b = arg;

    return queue_delete(db, &b->row.run_id, e);
}

/* A full project holds one that runs and stays. */
static bool stays(const struct bench *b)
{
    for (int i = 0; i < b->blocked; i++) {
        struct id id = nth(ID_PROJECT, i);

        if (id_eq(&id, &b->row.project_id))
            return true;
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void tell(int64_t *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, compare);
    printf("%lld %lld %lld\n", (long long)v[n / 2], (long long)v[n - 1 - n / 100], (long long)v[n - 1]);
}

static int run(struct store *s, struct bench *b, struct err *e)
{
    int64_t *in = calloc((size_t)b->claims, sizeof *in), *whole = calloc((size_t)b->claims, sizeof *whole);
    int r = in && whole ? store_write(s, begin, b, e) : err_oom(e);

    for (; r == 0 && b->from < b->rows; b->from += CHUNK)
        r = store_write(s, fill, b, e);
    for (int i = 0; r == 0 && i < b->claims;) {
        int64_t t = clock_mono_us();

        r = store_write(s, claim, b, e);
        if (r == 0 && !stays(b)) {
            whole[i] = clock_mono_us() - t;
            in[i++] = b->took_us;
            r = store_write(s, end, b, e);
        }
    }
    if (r == 0) {
        tell(in, b->claims);
        tell(whole, b->claims);
    }
    free(in);
    free(whole);
    return r;
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/sallyport-claims-XXXXXX", path[64];
    struct store_config sc = {.path = path, .full_sync = true};
    struct bench b = {0};
    struct store *s = NULL;
    struct err e = ERR_INIT;
    int r;

    if (argc != 5 || !mkdtemp(dir))
        return 2;
    b.rows = atoi(argv[1]);
    b.projects = atoi(argv[2]);
    b.blocked = atoi(argv[3]);
    b.claims = atoi(argv[4]);
    snprintf(path, sizeof path, "%s/x.db", dir);
    r = store_open(&sc, &s, &e);
    if (r == 0)
        r = run(s, &b, &e);
    store_close(s);
    if (r < 0)
        fprintf(stderr, "%s\n", e.msg);
    if (dir_remove(AT_FDCWD, dir, &e) < 0)
        fprintf(stderr, "%s\n", e.msg);
    return r < 0;
}
