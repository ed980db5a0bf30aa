/* show_changes - what a run changed, one line per file: all that applying it would do to that file but its text.
 *
 *   A report.md  +14 −0  312 B
 *   A tool.sh  +3 −0  executable, 80 B
 *   M data.bin  binary  1.0 KiB → 2.5 KiB
 *   m tool.sh  mode 644 → 755
 *   A $'b\377d'  +1 −0  mode 4755, 2 B  refused: setuid bit
 *
 * Names are the run's and may be anything: they are shown by text_name, which nothing can imitate.
 * May include: base/ cli/ui.h.   Threads: one. */
#include "base/str.h"
#include "cli/show.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES (64 * KIB)
#define TEXT_UP_TO     (8 * (int64_t)MIB)   /* docs/API.md: what is larger is not compared as text … */
#define DIFF_UP_TO     (256 * (int64_t)MIB) /* … and beyond this it is not in the diff at all */

static const char *change_mark(const char *kind)
{
    static const struct {
        const char *kind, *mark;
    } t[] = {{"added", "A"}, {"modified", "M"}, {"deleted", "D"}, {"mode", "m"}, {"kind", "T"}};
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        if (str_eq(t[i].kind, kind))
            return t[i].mark;
    return "?";
}

/* {"path"[, "path_b64"]} */
static void put_name(struct ui *ui, const struct json *o)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(NAME_MAX_BYTES);
    const char *path = show_str(o, "path"), *b64 = show_str(o, "path_b64");
    char *bytes = b64 ? malloc(strlen(b64) + 1) : NULL;
    long n = bytes ? b64_decode(b64, bytes) : -1;
    if (n >= 0) {
        bytes[n] = '\0';
        text_name(&b, bytes, (size_t)n);
    } else if (path) {
        text_name(&b, path, strlen(path));
    }
    ui_put(ui, UI_PLAIN, b.bad ? "(too long to show)" : b.p);
    free(bytes);
}

/* ---- modes and sizes -------------------------------------------------------- */

#define MODE_TYPE 0170000u

/* "100755" as a number; 0 when nothing is there. */
static unsigned mode_of(const struct json *c, const char *key)
{
    const char *s = show_str(c, key);
    return s ? (unsigned)strtoul(s, NULL, 8) : 0;
}

static const char *type_name(unsigned mode)
{
    switch (mode & MODE_TYPE) {
    case 0040000:
        return "directory";
    case 0100000:
        return "file";
    case 0120000:
        return "symlink";
    case 0010000:
        return "FIFO";
    case 0140000:
        return "socket";
    default:
        return "device";
    }
}

static bool is_file(unsigned mode)
{
    return (mode & MODE_TYPE) == 0100000;
}

/* Parts of a line, separated by commas, after two blanks. */
static void part(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
static void part(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    buf_puts(b, b->len ? ", " : "  ");
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

/* What an ordinary new file or directory has needs no word. */
static void put_new_mode(struct buf *b, unsigned mode)
{
    unsigned perm = mode & 07777;
    if (!is_file(mode))
        part(b, "%s", type_name(mode));
    if ((mode & MODE_TYPE) == 0120000 || perm == (is_file(mode) ? 0644 : 0755))
        return;
    if (is_file(mode) && perm == 0755)
        part(b, "executable");
    else
        part(b, "mode %03o", perm);
}

static void put_modes(struct buf *b, unsigned was, unsigned is)
{
    if (!is && was && !is_file(was))
        part(b, "%s", type_name(was));
    if (!is)
        return;
    if (!was)
        put_new_mode(b, is);
    else if ((was & MODE_TYPE) != (is & MODE_TYPE))
        part(b, "%s → %s", type_name(was), type_name(is));
    if (was && (is & MODE_TYPE) != 0120000 && (was & 07777) != (is & 07777))
        part(b, "mode %03o → %03o", was & 07777, is & 07777);
}

static void put_sizes(struct buf *b, const struct json *c, unsigned was, unsigned is)
{
    AUTO(buf_fini) struct buf old = BUF_INIT(64);
    AUTO(buf_fini) struct buf new = BUF_INIT(64);
    int64_t from = show_int(c, "old_bytes"), to = show_int(c, "new_bytes");
    text_bytes(&old, from);
    text_bytes(&new, to);
    if (is_file(was) && is_file(is) && from != to && !str_eq(old.p, new.p))
        part(b, "%s → %s", old.p, new.p);
    else if (is_file(is))
        part(b, "%s", new.p);
    else if (is_file(was))
        part(b, "was %s", old.p);
}

/* ---- lines ------------------------------------------------------------------ */

static void put_lines(struct ui *ui, const struct json *c, unsigned was, unsigned is)
{
    int64_t from = show_int(c, "old_bytes"), to = show_int(c, "new_bytes"), bytes = from > to ? from : to;
    char text[32];
    if (json_true(json_get(c, "binary"))) {
        ui_printf(ui, "  %s", bytes > DIFF_UP_TO ? "too large for the diff" : bytes > TEXT_UP_TO ? "large" : "binary");
        return;
    }
    if (str_eq(show_str(c, "kind"), "mode") || ((is || was) && type_name(is ? is : was)[0] == 'd'))
        return; /* it has no lines */
    snprintf(text, sizeof text, "  +%" PRId64, show_int(c, "additions"));
    ui_put(ui, UI_GREEN, text);
    snprintf(text, sizeof text, " −%" PRId64, show_int(c, "deletions"));
    ui_put(ui, UI_RED, text);
}

static void show_change(struct ui *ui, const struct json *c)
{
    AUTO(buf_fini) struct buf more = BUF_INIT(KIB);
    unsigned was = mode_of(c, "old_mode"), is = mode_of(c, "new_mode");
    const char *refused = show_str(c, "refused");
    ui_printf(ui, "  %s ", change_mark(show_str(c, "kind")));
    put_name(ui, c);
    put_lines(ui, c, was, is);
    put_modes(&more, was, is);
    if (!str_eq(show_str(c, "kind"), "mode"))
        put_sizes(&more, c, was, is);
    if (more.len)
        ui_put(ui, UI_PLAIN, more.p);
    if (refused) {
        ui_printf(ui, "  ");
        ui_put(ui, UI_RED, "refused: ");
        ui_put(ui, UI_PLAIN, refused);
    } else if (json_true(json_get(c, "refused"))) {
        ui_printf(ui, "  ");
        ui_put(ui, UI_RED, "refused");
    }
    ui_printf(ui, "\n");
}

void show_totals(struct ui *ui, const char *label, const struct json *changes)
{
    AUTO(buf_fini) struct buf files = BUF_INIT(64);
    int64_t refused = show_int(changes, "refused");
    text_count(&files, show_int(changes, "files"), "file", "files");
    ui_put(ui, UI_BOLD, label);
    ui_put(ui, UI_PLAIN, files.p);
    ui_printf(ui, ", +%" PRId64 " −%" PRId64, show_int(changes, "additions"), show_int(changes, "deletions"));
    if (refused > 0)
        ui_printf(ui, ", %" PRId64 " refused", refused);
    ui_printf(ui, "\n");
}

void show_changes(struct ui *ui, const struct json *changes, size_t max)
{
    const struct json *items = json_get(changes, "items");
    show_totals(ui, "changes: ", changes);
    size_t n = json_len(items);
    for (size_t i = 0; i < n && (max == 0 || i < max); i++)
        show_change(ui, json_at(items, i));
    if (max && n > max)
        ui_printf(ui, "  ... and %zu more\n", n - max);
}

void show_conflicts(struct ui *ui, const struct json *run)
{
    static const char *const keys[] = {"conflicts", "skipped"};
    const struct json *apply = json_get(run, "apply");
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        const struct json *list = json_get(apply, keys[k]);
        for (size_t i = 0; i < json_len(list); i++) {
            ui_printf(ui, "  %s: ", k ? "left out" : "conflict");
            put_name(ui, json_at(list, i));
            ui_printf(ui, ": %s\n", ui_one(ui, show_str(json_at(list, i), "why")));
        }
    }
}
