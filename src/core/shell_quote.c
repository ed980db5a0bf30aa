/* shell_quote - '…', "…", $'…'.
 *
 * Why it exists: see shell_word.c.
 * May include: core/shell_ps.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/shell_ps.h"

void shell_wb_single_quote(struct shell_wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i++;

    for (; ps->i < ps->n && ps->s[ps->i] != '\''; ps->i++) {
        if (ps->s[ps->i] == '\n' && !shell_ps_word_newline(ps))
            return;
        buf_addc(&w->form, ps->s[ps->i]);
    }
    if (ps->i >= ps->n)
        shell_ps_fail(ps, start, "a ' without its end");
    ps->i++;
    w->flags |= SHELL_W_QUOTED;
}

void shell_wb_quoted_run(struct shell_wb *w, char end)
{
    struct shell_ps *ps = w->ps;

    while (!ps->stop && ps->i < ps->n && (!end || ps->s[ps->i] != end)) {
        char c = ps->s[ps->i], d = shell_ps_at(ps, 1);
        if (c == '$') {
            shell_wb_dollar(w, true);
        } else if (c == '`') {
            shell_wb_backtick(w, true);
        } else if (c == '\\' && d == '\n') {
            if (end && !shell_ps_word_newline(ps))
                return;
            ps->i += 2;
        } else if (c == '\\' && (d == '$' || d == '`' || d == '\\' || (end && d == '"'))) {
            buf_addc(&w->form, d);
            ps->i += 2;
        } else {
            if (c == '\n' && end && !shell_ps_word_newline(ps))
                return;
            buf_addc(&w->form, c);
            ps->i++;
        }
    }
}

void shell_wb_double_quote(struct shell_wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i++;

    shell_wb_quoted_run(w, '"');
    if (!ps->stop && ps->i >= ps->n)
        shell_ps_fail(ps, start, "a \" without its end");
    ps->i++;
    w->flags |= SHELL_W_QUOTED;
}

/* Of a number to this base. */
static bool is_digit(char c, int base)
{
    int v = hex_digit(c);
    return v >= 0 && v < base;
}

static uint32_t number(struct shell_ps *ps, int base, int most)
{
    uint32_t v = 0;

    for (int k = 0; k < most && is_digit(shell_ps_at(ps, 0), base); k++)
        v = v * (uint32_t)base + (uint32_t)hex_digit(ps->s[ps->i++]);
    return v;
}

/* A byte that may be a control character: then the value is not known. */
static void put_byte(struct shell_wb *w, uint32_t v)
{
    if (v == '\n' || v == '\t' || (v >= 0x20 && v != 0x7f)) {
        buf_addc(&w->form, (char)v);
        return;
    }
    if (v == 0)
        shell_ps_note(w->ps, w->ps->i, w->ps->i, "a NUL in $'…', or an escape without digits");
    shell_wb_var(w, "", 0, true);
}

static void put_utf8(struct shell_wb *w, uint32_t cp)
{
    if (cp < 0x80) {
        put_byte(w, cp);
    } else if (cp < 0x800) {
        buf_addc(&w->form, (char)(0xc0 | cp >> 6));
        buf_addc(&w->form, (char)(0x80 | (cp & 0x3f)));
    } else if (cp < 0x10000) {
        buf_addc(&w->form, (char)(0xe0 | cp >> 12));
        buf_addc(&w->form, (char)(0x80 | (cp >> 6 & 0x3f)));
        buf_addc(&w->form, (char)(0x80 | (cp & 0x3f)));
    } else {
        shell_wb_var(w, "", 0, true);
    }
}

/* Behind the backslash in $'…' (bash(1) QUOTING). */
static void ansi_escape(struct shell_wb *w)
{
    static const char from[] = "abeEfnrtv\\'\"?", to[] = "\a\b\x1b\x1b\f\n\r\t\v\\'\"?";
    struct shell_ps *ps = w->ps;
    char c = shell_ps_at(ps, 0);
    const char *p = c ? strchr(from, c) : NULL;

    if (p) {
        put_byte(w, (unsigned char)to[p - from]);
        ps->i++;
    } else if (c >= '0' && c <= '7') {
        put_byte(w, number(ps, 8, 3) & 0xff);
    } else if (c == 'x') {
        ps->i++;
        put_byte(w, number(ps, 16, 2));
    } else if (c == 'u' || c == 'U') {
        ps->i++;
        put_utf8(w, number(ps, 16, c == 'u' ? 4 : 8));
    } else if (c == 'c') {
        ps->i += 2;
        shell_wb_var(w, "", 0, true);
    } else {
        buf_addc(&w->form, '\\');
    }
}

void shell_wb_ansi_quote(struct shell_wb *w)
{
    struct shell_ps *ps = w->ps;
    size_t start = ps->i;

    for (ps->i += 2; !ps->stop && ps->i < ps->n && ps->s[ps->i] != '\'';) {
        char c = ps->s[ps->i++];
        if (c == '\n' && !shell_ps_word_newline(ps))
            return;
        if (c != '\\') {
            buf_addc(&w->form, c);
            continue;
        }
        if (shell_ps_at(ps, 0) == '\'')
            shell_ps_note(ps, start, ps->i + 1, "an escaped quote in $'…', which sh and bash end at different places");
        if (ps->i < ps->n)
            ansi_escape(w);
    }
    if (!ps->stop && ps->i >= ps->n)
        shell_ps_fail(ps, start, "a $' without its end");
    ps->i++;
    w->flags |= SHELL_W_QUOTED | SHELL_W_DOLLAR;
}
