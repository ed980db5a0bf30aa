/* approval - see approval.h. */
#include "core/approval.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static bool is_digest(const char *s)
{
    return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static int cmp_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check(const struct approval_subject *s, struct err *e)
{
    int given = !!s->argv + !!s->text + !!s->file + !!s->plan_sha256 + !!s->changes_sha256;

    if (!s->kind || !s->kind[0])
        return err_field(e, ERR_INVALID, "kind", "an approval's subject needs a kind");
    if (given != 1)
        return err_set(e, ERR_INVALID, "an approval's subject is one of argv, text, file, plan or changes");
    if (s->file && !is_digest(s->file_sha256))
        return err_field(e, ERR_INVALID, "file.sha256", "a file is approved by its path and its sha256 in hex");
    if ((s->plan_sha256 && !is_digest(s->plan_sha256)) || (s->changes_sha256 && !is_digest(s->changes_sha256)))
        return err_set(e, ERR_INVALID, "a plan or changes are approved by their sha256 in hex");
    return 0;
}

static void put_b64(struct jw *w, const char *s)
{
    size_t n = strlen(s);
    char *t = malloc(b64_len(n) + 1);

    if (!t) {
        w->out->bad = -ERR_OOM;
        return;
    }
    b64_encode(s, n, t);
    jw_str(w, t);
    free(t);
}

static void put_argv(struct jw *w, const struct approval_subject *s)
{
    bool bytes = false;

    jw_key(w, "argv");
    jw_arr(w);
    for (size_t i = 0; i < s->nargv; i++) {
        bytes = bytes || !utf8_valid(s->argv[i], strlen(s->argv[i]));
        jw_str(w, s->argv[i]);
    }
    jw_end_arr(w);
    if (!bytes)
        return;
    jw_key(w, "argv_b64");
    jw_arr(w);
    for (size_t i = 0; i < s->nargv; i++)
        put_b64(w, s->argv[i]);
    jw_end_arr(w);
}

static int put_env(struct jw *w, const struct approval_subject *s, struct err *e)
{
    const char **names = calloc(s->nenv + 1, sizeof(*names));

    if (!names)
        return err_oom(e);
    for (size_t i = 0; i < s->nenv; i++)
        names[i] = s->env_names[i];
    qsort(names, s->nenv, sizeof(*names), cmp_name);
    jw_key(w, "env_names");
    jw_arr(w);
    for (size_t i = 0; i < s->nenv; i++) {
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            jw_str(w, names[i]);
    }
    jw_end_arr(w);
    free(names);
    return 0;
}

static void put_what(struct jw *w, const struct approval_subject *s)
{
    if (s->argv)
        put_argv(w, s);
    else if (s->text)
        jw_kbytes(w, "text", s->text, strlen(s->text));
    else if (s->plan_sha256)
        jw_kstr(w, "plan", s->plan_sha256);
    else if (s->changes_sha256)
        jw_kstr(w, "changes", s->changes_sha256);
    else {
        jw_key(w, "file");
        jw_obj(w);
        jw_kbytes(w, "path", s->file, strlen(s->file));
        jw_kstr(w, "sha256", s->file_sha256);
        jw_end_obj(w);
    }
}

int approval_canonical(const struct approval_subject *s, struct buf *out, struct err *e)
{
    AUTO(buf_fini) struct buf raw = BUF_INIT(APPROVAL_SUBJECT_MAX);
    struct jw w = JW_INIT(&raw);
    const char *cwd = s->cwd ? s->cwd : "";

    int r = check(s, e);
    if (r < 0)
        return r;
    jw_obj(&w);
    put_what(&w, s);
    jw_kbytes(&w, "cwd", cwd, strlen(cwd));
    r = put_env(&w, s, e);
    if (r < 0)
        return r;
    jw_kstr(&w, "kind", s->kind);
    jw_kstr(&w, "network", s->network ? s->network : "none");
    if (s->pty)
        jw_kbool(&w, "pty", true);
    jw_end_obj(&w);
    if (raw.bad)
        return err_set(e, -raw.bad, "an approval's subject is at most %zu bytes", (size_t)APPROVAL_SUBJECT_MAX);
    return json_canonical_text(raw.p, raw.len, out, e);
}

int approval_subject_digest(const struct approval_subject *s, char ret[SHA256_HEX], struct err *e)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(APPROVAL_SUBJECT_MAX);

    int r = approval_canonical(s, &text, e);
    if (r < 0)
        return r;
    if (text.bad)
        return err_set(e, -text.bad, NULL);
    sha256_hex_of(text.p, text.len, ret);
    return 0;
}
