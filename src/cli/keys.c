/* keys - see keys.h.
 *
 * May include: base/.   Pure.   Threads: any. */
#include "cli/keys.h"

enum keys_say keys_scan(struct keys *k, const char *p, size_t n, struct buf *out, size_t *ret_used)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        *ret_used = i + 1;
        if (k->tilde) {
            k->tilde = false;
            if (c == '.')
                return KEYS_LEAVE;
            if (c == '?')
                return KEYS_HELP;
            if (c != '~')
                buf_addc(out, '~');
            k->inside = true;
        } else if (!k->inside && c == '~') {
            k->tilde = true;
            continue;
        }
        buf_addc(out, c);
        k->inside = c != '\r' && c != '\n';
    }
    *ret_used = n;
    return KEYS_GO;
}

/* p is behind ESC [. ECMA-48, 5.4: parameters and intermediates, then a final byte. xterm's ctlseqs says who answers.
 */
static bool csi_asks(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] >= 0x20 && p[i] <= 0x3f)
        i++;
    if (i == n)
        return false;
    switch (p[i]) {
    case 'c': /* DA */
    case 'n': /* DSR */
    case 't': /* window reports */
    case 'x': /* DECREQTPARM */
        return true;
    case 'p': /* DECRQM */
        return i > 0 && p[i - 1] == '$';
    case 'q': /* XTVERSION */
        return p[0] == '>';
    case 'u': /* keyboard mode */
        return p[0] == '?';
    default:
        return false;
    }
}

bool keys_asked(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == 0x05) /* ENQ */
            return true;
        if (p[i] != '\x1b' || i + 1 == n)
            continue;
        char c = p[i + 1];
        if (c == 'Z' || c == 'P' || c == ']') /* DECID, DCS; OSC: most of them only set, some ask */
            return true;
        if (c == '[' && csi_asks(p + i + 2, n - i - 2))
            return true;
    }
    return false;
}
