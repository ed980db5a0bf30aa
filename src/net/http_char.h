/* http_char - the character classes of HTTP (RFC 9110, 5.6.2).
 * May include: base/.   Pure. */
#pragma once
#include "base/base.h"

static inline bool http_char_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool http_char_token(char c)
{
    switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~':
        return true;
    default:
        return http_char_alnum(c);
    }
}

/* A byte of a field value: visible, space, tab, or above ASCII. */
static inline bool http_char_value(char c)
{
    unsigned char u = (unsigned char)c;
    return u == '\t' || (u >= 0x20 && u != 0x7f);
}

/* A method or the name of a field. */
static inline bool http_char_all_token(const char *s)
{
    size_t i = 0;
    for (; s[i]; i++)
        if (!http_char_token(s[i]))
            return false;
    return i > 0;
}

static inline bool http_char_all_value(const char *s)
{
    for (; *s; s++)
        if (!http_char_value(*s))
            return false;
    return true;
}

static inline char http_char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
