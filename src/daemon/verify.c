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
#define KEY_TEXT   65

/* The signed head is the last line of an export, or the member `head`. */
static int check_head(const struct buf *text, char ret_key[KEY_TEXT], struct err *e)
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
    if (!head && json_get(doc, "seq")) /* a record: who cuts the tail must not get away with cutting the head as well */
        return err_set(e, ERR_AUDIT_BROKEN, "the tail is cut off: the signed head that ends an export is missing");
    if (!head)
        return 0; /* a run's audit.json has none */
    if (audits_check_head(head, NULL, e) < 0)
        return -ERR_AUDIT_BROKEN;
    snprintf(ret_key, KEY_TEXT, "%s", json_str(json_get(head, "public_key")));
    return 0;
}

static void print_json(int r, const struct audit_verifier *v, const char *key, const struct err *e)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);
    struct jw w = JW_INIT(&b);

    jw_obj(&w);
    jw_kbool(&w, "ok", r == 0);
    jw_kint(&w, "records", v->records);
    jw_kint(&w, "foreign", v->foreign);
    jw_kbool(&w, "signed_head", *key != '\0');
    jw_kstr(&w, "key", *key ? key : NULL);
    jw_kstr(&w, "error", r < 0 ? e->msg : NULL);
    jw_end_obj(&w);
    printf("%s\n", b.p);
}

int verify_main(const char *file, int json)
{
    AUTO(buf_fini) struct buf text = BUF_INIT(EXPORT_MAX);
    struct audit_verifier v;
    struct err e = ERR_INIT;
    char key[KEY_TEXT] = "";
    int r = file_read(AT_FDCWD, file, &text, &e);

    audit_verifier_init(&v);
    if (r < 0) {
        fprintf(stderr, "sallyport: %s: %s\n  name a file made by `sallyport audit export` or a run's audit.json\n",
                file, e.msg);
        return err_info(e.code)->exit;
    }
    r = audit_verify_text(text.p ? text.p : "", text.len, &v, &e);
    if (r == 0)
        r = check_head(&text, key, &e);
    if (json)
        print_json(r, &v, key, &e);
    else if (r == 0)
        printf("ok: %lld records%s, chain whole%s%s\n", (long long)v.records,
               v.foreign ? " (and hashes of others between them)" : "", *key ? ", head signed by " : "", key);
    else
        fprintf(stderr, "sallyport: %s: the chain is broken: %s\n", file, e.msg);
    return r == 0 ? 0 : err_info(e.code)->exit;
}
