#include "service/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/str.h"
#include "os/file.h"
#include "os/logfile.h"
#include "service/retention.h"
#include "store/run_rows.h"

struct find {
    const struct log_query *q;
    struct step_row row;
};

static int find_tx(struct db *db, void *arg, struct err *e)
{
    struct find *f = arg;

    AUTO(run_row_fini) struct run_row run = {0};
    int r = step_get(db, f->q->tenant, &f->q->step, &f->row, e);

    if (r == 0)
        r = run_get(db, f->q->tenant, &f->row.run_id, &run, e);
    return r == 0 && f->row.log ? retention_logs_there(&run, e) : r;
}

static void frame_json(struct jw *w, const struct log_frame *f)
{
    jw_obj(w);
    jw_kstr(w, "stream", log_stream_name(f->stream));
    jw_kint(w, "offset", (int64_t)f->offset);
    jw_ktime(w, "time", f->time_us);
    jw_kbytes(w, "text", f->p, f->n);
    jw_end_obj(w);
}

static bool wanted(const struct log_query *q, int stream)
{
    if (!log_stream_name(stream))
        return false;
    if (q->stream)
        return stream == q->stream;
    return q->json || stream != LOG_SYSTEM; /* raw bytes are the command's own */
}

static int copy_frames(struct log_query *q, struct log_reader *rd, struct jw *w, struct buf *out, struct err *e)
{
    size_t given = 0;
    struct log_frame f;
    int r = logfile_read_named(rd, q->next, &f, e);

    for (; r == 1 && given < q->limit; r = logfile_read(rd, q->next, &f, e)) {
        q->next = f.next;
        if (!wanted(q, f.stream))
            continue;
        given += f.n;
        if (q->json)
            frame_json(w, &f);
        else
            buf_add(out, f.p, f.n);
    }
    if (r < 0)
        return r;
    q->complete = q->complete && r == 0;
    return 0;
}

int logs_read(struct svc *svc, struct log_query *q, struct buf *out, struct err *e)
{
    struct find f = {.q = q};
    AUTO_PTR(logfile_close_read) struct log_reader *rd = NULL;
    AUTO(fd_close) int dir = -1;
    struct jw w = JW_INIT(out);
    char rel[64];
    int r = store_read(svc->store, find_tx, &f, e);

    q->next = q->offset < LOG_START ? LOG_START : q->offset;
    q->complete = r == 0 && f.row.finished_us != 0;
    if (q->json) {
        jw_obj(&w);
        jw_key(&w, "items");
        jw_arr(&w);
    }
    if (r == 0 && f.row.log) {
        snprintf(rel, sizeof rel, "runs/%s/logs", f.row.run_id.s);
        dir = openat(svc->data_fd, rel, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int found = dir >= 0          ? logfile_open_read(dir, f.row.log, &rd, e)
                    : errno == ENOENT ? -ERR_NOT_FOUND
                                      : err_sys(e, ERR_IO, "open the logs of run %s", f.row.run_id.s);
        if (found == -ERR_NOT_FOUND) /* the step could not be started, or not yet; or the log went a moment ago */
            r = retention_logs_of(svc, &f.row.run_id, e);
        else if (found < 0)
            r = found;
        if (found == 0)
            r = copy_frames(q, rd, &w, out, e);
    }
    step_row_fini(&f.row);
    if (q->json) {
        jw_end_arr(&w);
        jw_kint(&w, "next_offset", (int64_t)q->next);
        jw_kbool(&w, "complete", q->complete);
        jw_end_obj(&w);
    }
    if (r == 0 && out->bad)
        r = err_bad(e, out->bad, "the page is too large: ask for less with ?limit=");
    return r;
}
