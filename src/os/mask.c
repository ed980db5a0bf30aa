/* mask - many secrets, one pass, any split of the stream.
 *
 * Three engines work together, each on what the one before it could not exclude:
 *   sift   while nothing is pending, every few bytes one short block is looked up in a
 *          bitmap of all blocks that patterns begin with. No look-up waits for the one
 *          before it, so the processor does several at once.
 *   skip   around a block that is in the bitmap, a table over byte pairs says how far the
 *          next place is where any pattern could begin (Wu and Manber, 1994).
 *   trie   from there, an Aho-Corasick automaton reads byte by byte. Its state is the
 *          longest suffix of the input that begins a pattern; just those bytes are
 *          pending, all before them are certain.
 *
 *   input   ...certain...|pending (depth of the state)|next byte
 *
 * Each pending byte has a mark: 0 plain, FIRST first of a masked stretch, REST inside one.
 * Occurrences that overlap are one stretch, so no part of a secret shows between them.
 * May include: base.  Pure.  Threads: one owner per stream; the automaton is shared and constant. */
#include "os/mask.h"
#include "base/fault.h"
#include "base/str.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SECRETS_MAX 256
#define BYTES_MAX   (64 * KIB)
#define SECRET_MIN  4
#define CORE_MIN    8  /* shorter inner pieces of base64 would hit by chance */
#define WINDOW_MAX  32 /* bytes of a pattern that sift and skip look at */
#define LONG_BLOCK  4  /* bytes of a block; of shorter patterns two, so that the stride is not too short */
#define SHORT_BLOCK 2
#define LONG_WINDOW 8 /* from here on */
#define SIFT_BITS   17
#define SIFT_FULL   8 /* with more than one in so many bits set, nearly every block would be looked at twice */

enum mark { PLAIN, FIRST, REST };

struct node {
    uint32_t child, sibling; /* 0 = none; the root is nobody's child */
    uint32_t fail;           /* longest proper suffix that is a node */
    uint32_t rest;           /* itself, or, of a leaf, the first state on the fail path that has children */
    uint32_t depth;
    uint32_t hit; /* length of the longest pattern that ends here, 0 = none */
    unsigned char byte;
};

struct automaton {
    atomic_int refs;
    struct node *node;
    uint32_t nodes, cap;
    uint32_t root[256]; /* children of the root */
    size_t window, longest;
    size_t block, stride; /* of the sift; stride 0: not used */
    unsigned char skip[65536];
    uint64_t sift[(1 << SIFT_BITS) / 64];
};

struct mask {
    struct automaton *a;
    uint32_t state;
    size_t from, n;       /* pending: bytes[from .. from + n) */
    uint64_t pos;         /* bytes pushed so far: the end of what is pending */
    uint64_t seen, until; /* where the latest masked stretch begins and ends, in the same count */
    size_t cap;
    char *bytes;
    unsigned char *marks;
};

static uint32_t child_of(const struct automaton *a, uint32_t at, unsigned char c)
{
    if (at == 0)
        return a->root[c];
    uint32_t k = a->node[at].child;
    while (k && a->node[k].byte != c)
        k = a->node[k].sibling;
    return k;
}

static int add_node(struct automaton *a, uint32_t at, unsigned char c, uint32_t *ret)
{
    if (a->nodes == a->cap) {
        uint32_t cap = a->cap ? a->cap * 2 : 256;
        struct node *node = FAULT(alloc) ? NULL : calloc(cap, sizeof *node);
        if (!node)
            return -ERR_OOM;
        if (a->node)
            memcpy(node, a->node, a->nodes * sizeof *node);
        secure_wipe(a->node, a->cap * sizeof *node); /* the trie spells the secrets */
        free(a->node);
        a->node = node;
        a->cap = cap;
    }
    uint32_t k = a->nodes++;
    a->node[k] = (struct node){.byte = c, .sibling = a->node[at].child, .depth = a->node[at].depth + 1};
    a->node[at].child = k;
    if (at == 0)
        a->root[c] = k;
    *ret = k;
    return 0;
}

static int add_pattern(struct automaton *a, const void *p, size_t n)
{
    const unsigned char *s = p;
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t k = child_of(a, at, s[i]);
        int r = k ? 0 : add_node(a, at, s[i], &k);
        if (r < 0)
            return r;
        at = k;
    }
    a->node[at].hit = (uint32_t)n;
    if (n < a->window)
        a->window = n;
    if (n > a->longest)
        a->longest = n;
    return 0;
}

static uint32_t step(const struct automaton *a, uint32_t at, unsigned char c)
{
    uint32_t k;
    while (!(k = child_of(a, at, c)) && at != 0)
        at = a->node[at].fail;
    return k;
}

/* A parent's links must be known before its children's: breadth first. `order` has room for every node. */
static void link_nodes(struct automaton *a, uint32_t *order)
{
    uint32_t head = 0, n = 1;
    order[0] = 0;
    while (head < n) {
        uint32_t at = order[head++];
        struct node *v = &a->node[at];
        v->rest = v->child || at == 0 ? at : a->node[v->fail].rest;
        if (v->hit == 0)
            v->hit = a->node[v->fail].hit;
        for (uint32_t k = v->child; k; k = a->node[k].sibling) {
            a->node[k].fail = at == 0 ? 0 : step(a, v->fail, a->node[k].byte);
            order[n++] = k;
        }
    }
}

/* skip[pair] = how far the window may move when it ends in that pair. Every node within the window
 * stands for bytes at a known distance from its start. */
static void fill_skip(struct automaton *a)
{
    memset(a->skip, (int)(a->window - 1), sizeof a->skip);
    for (uint32_t at = 1; at < a->nodes; at++) {
        const struct node *v = &a->node[at];
        for (uint32_t k = v->child; k && v->depth < a->window; k = a->node[k].sibling) {
            unsigned char *slot = &a->skip[v->byte << 8 | a->node[k].byte];
            unsigned char far = (unsigned char)(a->window - 1 - v->depth);
            if (far < *slot)
                *slot = far;
        }
    }
}

static uint32_t block_slot(const unsigned char *p, size_t block)
{
    uint32_t v = 0;
    uint16_t pair;
    if (block == SHORT_BLOCK) {
        memcpy(&pair, p, sizeof pair);
        return pair;
    }
    memcpy(&v, p, sizeof v);
    return v * 0x9e3779b1u >> (32 - SIFT_BITS); /* the golden ratio: Knuth, vol. 3, 6.4 */
}

static unsigned sifted(const struct automaton *a, const unsigned char *p, size_t block)
{
    uint32_t slot = block_slot(p, block);
    return (unsigned)(a->sift[slot / 64] >> slot % 64 & 1);
}

/* Every block within the window of what is below the node; path holds the bytes that lead to it. */
static void fill_sift(struct automaton *a, uint32_t at, unsigned char *path)
{
    size_t depth = a->node[at].depth + 1;
    for (uint32_t k = a->node[at].child; k; k = a->node[k].sibling) {
        path[depth - 1] = a->node[k].byte;
        if (depth >= a->block) {
            uint32_t slot = block_slot(path + depth - a->block, a->block);
            a->sift[slot / 64] |= UINT64_C(1) << slot % 64;
        }
        if (depth < a->window)
            fill_sift(a, k, path);
    }
}

static void make_sift(struct automaton *a)
{
    unsigned char path[WINDOW_MAX];
    size_t set = 0;
    a->block = a->window >= LONG_WINDOW ? LONG_BLOCK : SHORT_BLOCK;
    fill_sift(a, 0, path);
    secure_wipe(path, sizeof path);
    for (size_t i = 0; i < ARRAY_LEN(a->sift); i++)
        set += (size_t)__builtin_popcountll(a->sift[i]);
    size_t of = a->block == SHORT_BLOCK ? (size_t)1 << 16 : (size_t)1 << SIFT_BITS;
    a->stride = set * SIFT_FULL > of ? 0 : a->window - a->block + 1;
}

static int add_url_form(struct automaton *a, const unsigned char *s, size_t n, const char *digits, char *room)
{
    size_t o = 0;
    for (size_t i = 0; i < n; i++) {
        bool plain = (s[i] >= '0' && s[i] <= '9') || ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') || s[i] == '-' ||
                     s[i] == '.' || s[i] == '_' || s[i] == '~';
        if (plain) {
            room[o++] = (char)s[i];
            continue;
        }
        room[o++] = '%';
        room[o++] = digits[s[i] >> 4];
        room[o++] = digits[s[i] & 15];
    }
    return add_pattern(a, room, o);
}

/* What a terminal makes of its lines: each feed goes behind a carriage return (termios(3), ONLCR). */
static int add_terminal_form(struct automaton *a, const unsigned char *s, size_t n, char *room)
{
    size_t o = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n')
            room[o++] = '\r';
        room[o++] = (char)s[i];
    }
    return add_pattern(a, room, o);
}

/* The same with the two digits of the URL-safe alphabet. */
static int add_b64_text(struct automaton *a, char *text, size_t n)
{
    int r = add_pattern(a, text, n);
    for (size_t i = 0; i < n; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    return r < 0 ? r : add_pattern(a, text, n);
}

/* The base64 text itself, and what of it does not depend on its neighbours when the secret is encoded
 * together with something before and after it ("user:secret"): three alignments. */
static int add_b64_forms(struct automaton *a, const unsigned char *s, size_t n, char *room, unsigned char *copy)
{
    int r = 0;
    for (size_t shift = 0; shift < 3 && r == 0; shift++) {
        memset(copy, 0, shift);
        memcpy(copy + shift, s, n);
        b64_encode(copy, n + shift, room);
        size_t first = shift == 0 ? 0 : shift + 1; /* 8 bits touch 2 digits, 16 touch 3 */
        size_t end = (n + shift) * 8 / 6;
        if (end - first >= CORE_MIN)
            r = add_b64_text(a, room + first, end - first);
        if (shift > 0 || r < 0)
            continue;
        b64_encode(s, n, room);
        r = add_b64_text(a, room, (n * 8 + 5) / 6);
        b64_encode(s, n, room);
        if (r == 0)
            r = add_b64_text(a, room, b64_len(n));
    }
    return r;
}

static int add_secret(struct automaton *a, const unsigned char *s, size_t n)
{
    size_t cap = 3 * n + 8; /* the longest form: %XX for each byte */
    char *room = FAULT(alloc) ? NULL : malloc(cap + n + 8);
    if (!room)
        return -ERR_OOM;
    int r = add_pattern(a, s, n);
    if (r == 0)
        r = add_terminal_form(a, s, n, room);
    if (r == 0)
        r = add_b64_forms(a, s, n, room, (unsigned char *)room + cap);
    if (r == 0)
        r = add_url_form(a, s, n, "0123456789ABCDEF", room);
    if (r == 0)
        r = add_url_form(a, s, n, "0123456789abcdef", room);
    secure_wipe(room, cap + n + 8);
    free(room);
    return r;
}

static void automaton_unref(struct automaton *a)
{
    if (!a || atomic_fetch_sub(&a->refs, 1) > 1)
        return;
    secure_wipe(a->node, a->cap * sizeof *a->node);
    free(a->node);
    secure_wipe(a, sizeof *a);
    free(a);
}

static int build(struct automaton *a, const struct mask_secret *s, size_t n)
{
    uint32_t none;
    a->window = WINDOW_MAX;
    int r = add_node(a, 0, 0, &none); /* the root: at 0, and it must not be its own child */
    if (r < 0)
        return r;
    a->node[0] = (struct node){0};
    a->root[0] = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        if (s[i].n >= SECRET_MIN)
            r = add_secret(a, s[i].p, s[i].n);
    uint32_t *order = r < 0 || FAULT(alloc) ? NULL : malloc(a->nodes * sizeof *order);
    if (!order)
        return -ERR_OOM;
    link_nodes(a, order);
    fill_skip(a);
    make_sift(a);
    free(order);
    return 0;
}

/* Takes the reference. */
static int mask_on(struct automaton *a, struct mask **ret, struct err *e)
{
    struct mask *m = FAULT(alloc) ? NULL : calloc(1, sizeof *m);
    if (m) {
        m->cap = 2 * a->longest + 2; /* twice: moved down only once per `longest` bytes */
        m->bytes = malloc(m->cap);
        m->marks = malloc(m->cap);
    }
    if (!m || !m->bytes || !m->marks) {
        automaton_unref(a);
        if (m)
            m->a = NULL;
        mask_free(m);
        return err_oom(e);
    }
    m->a = a;
    *ret = m;
    return 0;
}

int mask_new(const struct mask_secret *s, size_t n, struct mask **ret, struct err *e)
{
    size_t total = 0;
    for (size_t i = 0; i < n && total <= BYTES_MAX; i++)
        total += s[i].n <= BYTES_MAX ? s[i].n : BYTES_MAX + 1;
    if (n > SECRETS_MAX || total > BYTES_MAX)
        return err_set(e, ERR_INVALID, "at most %d secrets of %zu bytes in all can be masked", SECRETS_MAX, BYTES_MAX);
    struct automaton *a = FAULT(alloc) ? NULL : calloc(1, sizeof *a);
    if (!a)
        return err_oom(e);
    atomic_init(&a->refs, 1);
    if (build(a, s, n) < 0) {
        automaton_unref(a);
        return err_oom(e);
    }
    return mask_on(a, ret, e);
}

int mask_clone(const struct mask *m, struct mask **ret, struct err *e)
{
    atomic_fetch_add(&m->a->refs, 1);
    return mask_on(m->a, ret, e);
}

void mask_free(struct mask *m)
{
    if (!m)
        return;
    secure_wipe(m->bytes, m->cap);
    free(m->bytes);
    free(m->marks);
    automaton_unref(m->a);
    free(m);
}

/* The first n pending bytes are certain. */
static void emit(struct mask *m, size_t n, struct buf *out)
{
    const unsigned char *mark = m->marks + m->from;
    const char *p = m->bytes + m->from;
    for (size_t i = 0; i < n;) {
        size_t run = i;
        while (run < n && mark[run] == PLAIN)
            run++;
        buf_add(out, p + i, run - i);
        if (run < n && mark[run] == FIRST)
            buf_puts(out, "***");
        i = run + (run < n);
    }
    m->from += n;
    m->n -= n;
}

static void push(struct mask *m, unsigned char c)
{
    if (m->from + m->n == m->cap) {
        memmove(m->bytes, m->bytes + m->from, m->n);
        memmove(m->marks, m->marks + m->from, m->n);
        m->from = 0;
    }
    m->bytes[m->from + m->n] = (char)c;
    m->marks[m->from + m->n] = PLAIN;
    m->n++;
    m->pos++;
}

/* The last n pending bytes are a secret. If they begin inside the latest stretch, it grows: only its new bytes are
 * marked, so that a secret which overlaps itself ("aaaa") costs no more than others. */
static void cover(struct mask *m, size_t n)
{
    unsigned char *end = m->marks + m->from + m->n, *first = end - n;
    uint64_t start = m->pos - n;
    if (start >= m->seen && start < m->until) {
        size_t fresh = (size_t)(m->pos - m->until);
        memset(end - fresh, REST, fresh);
    } else {
        unsigned char was = *first;
        memset(first, REST, n);
        *first = was == PLAIN ? FIRST : was;
        m->seen = start;
    }
    m->until = m->pos;
}

/* Reads on from state to state until nothing is pending; returns where it stopped. */
static size_t crawl(struct mask *m, const unsigned char *p, size_t i, size_t n, struct buf *out)
{
    const struct automaton *a = m->a;
    while (i < n) {
        uint32_t at = step(a, m->state, p[i]);
        push(m, p[i++]);
        if (a->node[at].hit)
            cover(m, a->node[at].hit);
        m->state = a->node[at].rest;
        emit(m, m->n - a->node[m->state].depth, out);
        if (m->state == 0)
            break;
    }
    return i;
}

/* The first place in [i, last] where a pattern may begin, by the skip table; or a place behind `last`. `*found` tells
 * which. */
static size_t skip_to(const struct automaton *a, const unsigned char *p, size_t i, size_t last, size_t n, bool *found)
{
    size_t back = a->window - 1, end = i + back;
    while (end < n && end - back <= last) {
        size_t far = a->skip[p[end - 1] << 8 | p[end]];
        if (far == 0 && a->root[p[end - back]]) {
            *found = true;
            return end - back;
        }
        end += far ? far : 1;
    }
    *found = false;
    return end - back;
}

/* The first block at b, b + stride... that is in the bitmap; or the first that the input does not hold whole. Each
 * occurrence of a pattern has just one of them in its window. */
static inline size_t sift(const struct automaton *a, const unsigned char *p, size_t b, size_t n, size_t block)
{
    size_t stride = a->stride;
    while (b + 3 * stride + block <= n) {
        unsigned hit = sifted(a, p + b, block) | sifted(a, p + b + stride, block) |
                       sifted(a, p + b + 2 * stride, block) | sifted(a, p + b + 3 * stride, block);
        if (hit)
            break;
        b += 4 * stride;
    }
    while (b + block <= n && !sifted(a, p + b, block))
        b += stride;
    return b;
}

/* The first place from i on where a pattern may begin; n when only the last bytes are left to crawl through. */
static size_t leap(const struct automaton *a, const unsigned char *p, size_t i, size_t n)
{
    bool found = false;
    while (a->stride) {
        size_t b = i + a->stride - 1; /* the last byte where the block of a pattern that begins at i can begin */
        b = a->block == LONG_BLOCK ? sift(a, p, b, n, LONG_BLOCK) : sift(a, p, b, n, SHORT_BLOCK);
        i = b - (a->stride - 1);
        if (b + a->block > n)
            break;
        i = skip_to(a, p, i, b, n, &found);
        if (found)
            return i;
    }
    i = skip_to(a, p, i, n, n, &found);
    return i < n ? i : n;
}

void mask_feed(struct mask *m, const void *p, size_t n, struct buf *out)
{
    const unsigned char *s = p;
    size_t i = 0;
    if (m->a->nodes == 1) {
        buf_add(out, p, n);
        return;
    }
    while (i < n) {
        if (m->state == 0) {
            size_t at = leap(m->a, s, i, n);
            buf_add(out, s + i, at - i);
            i = at;
        }
        i = crawl(m, s, i, n, out);
    }
}

void mask_flush(struct mask *m, struct buf *out)
{
    emit(m, m->n, out);
    m->state = 0;
    m->from = 0;
}
