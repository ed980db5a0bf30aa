/* verify.c - `sallyport audit verify FILE`: checks an exported chain or a run's audit.json, offline. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "core/audit.h"
#include "daemon/daemon.h"
#include "os/file.h"
#include "service/audits.h"

#define EXPORT_MAX (1 * GIB)

/* The signed head is the last line of an export, or the member `head`. */
static int check_head(const struct buf *text, bool *ret_signed, struct err *e)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    size_t end = text->len, start;
    const struct json *head;

    while (end > 0 && text->p[end - 1] == '\n')
        end--;
    for (start = end; start > 0 && text->p[start - 1] != '\n'; start--)
        ;
    if (json_parse(text->p + start, end - start, &doc, NULL) < 0)
        return 0; /* not one line: the chain's own check speaks */
    head = json_get(doc, "head");
    if (json_type(head) != JT_OBJ || !json_get(head, "signature"))
        return 0;
    *ret_signed = true;
    return audits_check_head(head, NULL, e);
}

static void print_json(int r, const struct audit_verifier *v, bool signed_head, const struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);
    struct jw w = JW_INIT(&b);

    jw_obj(&w);
    jw_kbool(&w, "ok", r == 0);
    jw_kint(&w, "records", v->records);
    jw_kint(&w, "foreign", v->foreign);
    jw_kbool(&w, "signed_head", signed_head);
    jw_kstr(&w, "error", r < 0 ? e->msg : NULL);
    jw_end_obj(&w);
    printf("%s\n", b.p);
}

int verify_main(const char *file, int json)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(EXPORT_MAX);
    struct audit_verifier v;
    struct err e = ERR_INIT;
    bool signed_head = false;
    int r = file_read(AT_FDCWD, file, &text, &e);

    audit_verifier_init(&v);
    if (r < 0) {
        fprintf(stderr, "sallyport: %s: %s\n  name a file made by `sallyport audit export` or a run's audit.json\n",
                file, e.msg);
        return err_info(e.code)->exit;
    }
    r = audit_verify_text(text.p ? text.p : "", text.len, &v, &e);
    if (r == 0)
        r = check_head(&text, &signed_head, &e);
    if (json)
        print_json(r, &v, signed_head, &e);
    else if (r == 0)
        printf("ok: %lld records%s, chain whole%s\n", (long long)v.records,
               v.foreign ? " (and hashes of others between them)" : "", signed_head ? ", head signed" : "");
    else
        fprintf(stderr, "sallyport: %s: the chain is broken: %s\n", file, e.msg);
    return r == 0 ? 0 : err_info(e.code)->exit;
}
