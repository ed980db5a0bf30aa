/* planner_grammar - from words of known meaning to jobs in order.
 *
 * The intent is cut into pieces by "and", and into clauses by commas, ends of sentences and "then":
 *
 *   clean and build │ then run the unit tests │ but no lint
 *   ─piece─ ─piece─  ──────── piece ─────────   ─ piece ──
 *   ──── clause ───   ──────── clause ───────   ─ clause ─
 *
 * Jobs are appended as they come, but for the words of order, which make the jobs of their clause go in earlier:
 *   "A after B"  "A 在 B 之后"        B goes before the first job of the clause
 *   "before B, A"  "B 之前 A"         A goes before B
 *   "first A"  "先 A"                 A goes to the front
 * A negation rules the rest of its piece ("don't test and build"), "without" the rest of its clause.
 * May include: base core/planner.h.  Pure.  Threads: any. */
#include "core/planner_words.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

#define NOWHERE SIZE_MAX

struct parse {
    const struct words *w;
    struct wish *out;
    size_t i;                    /* the word being read */
    size_t clause, piece;        /* index in jobs where the clause, the piece began */
    size_t piece_word;           /* index of its first word */
    size_t insert;               /* where the next job goes, or NOWHERE: at the end */
    bool keep_insert;            /* over the next separator: "B 之前，A" */
    size_t before;               /* "before B": index of B, until the comma; else NOWHERE */
    size_t at;                   /* jobs when 在 was read, else NOWHERE */
    bool joined;                 /* an "and" stands between the last job and this word */
    bool first;                  /* "first" waits for its job */
    bool not, without;           /* a negation rules; over "and" too */
    const struct word *not_word; /* until it has hit a job */
    int eco;                     /* wanted in this piece */
    bool made;                   /* the piece has a job (left out or not) */
};

static void unknown(struct parse *p, const struct word *w)
{
    char *s = p->out->unknown;
    size_t len = strlen(s);
    const char *open = p->out->chinese ? "“" : "\"", *close = p->out->chinese ? "”" : "\"";
    const char *comma = p->out->chinese ? "、" : ", ";
    size_t cap = sizeof p->out->unknown;

    /* Whole or not at all: a word cut in half would be no UTF-8. */
    if (len + strlen(comma) + strlen(open) + w->n + strlen(close) >= cap) {
        if (len == 0)
            snprintf(s, cap, "%s…%s", open, close);
        return;
    }
    snprintf(s + len, cap - len, "%s%s%.*s%s", len ? comma : "", open, (int)w->n, w->p, close);
}

static bool has_job(const struct wish_job *v, size_t n, struct wish_job job)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].job == job.job && (v[i].eco == job.eco || job.eco == ECO_ANY))
            return true;
    return false;
}

static bool has_test(const struct parse *p)
{
    const struct wish *o = p->out;

    for (int job = JOB_TEST; job <= JOB_E2E; job++)
        if (has_job(o->jobs, o->n, (struct wish_job){job, ECO_ANY}))
            return true;
    return false;
}

static void leave_out(struct parse *p, int id)
{
    struct wish *o = p->out;
    struct wish_job job = {id, ECO_ANY};

    if (!has_job(o->left_out, o->nleft, job) && o->nleft < WISH_MAX)
        o->left_out[o->nleft++] = job;
}

static void insert_job(struct parse *p, struct wish_job job)
{
    struct wish *o = p->out;
    size_t at = p->insert < o->n ? p->insert : o->n;

    if (has_job(o->jobs, o->n, job) || o->n == WISH_MAX)
        return;
    memmove(&o->jobs[at + 1], &o->jobs[at], (o->n - at) * sizeof o->jobs[0]);
    o->jobs[at] = job;
    o->n++;
    if (p->insert != NOWHERE)
        p->insert = at + 1;
}

static void add_job(struct parse *p, int job)
{
    struct wish_job j = {job, p->eco};

    p->made = true;
    if (p->not )
        p->not_word = NULL;
    if (job == JOB_REPORT) {
        p->out->report |= !p->not ;
        return;
    }
    if (p->not ) {
        leave_out(p, job);
        return;
    }
    /* "before building clean": the second job, not joined to the first, is the one to be done earlier. */
    if (p->before != NOWHERE && p->out->n > p->before && !p->joined && p->insert == NOWHERE)
        p->insert = p->before;
    if (p->first && p->insert == NOWHERE)
        p->insert = 0;
    p->first = p->joined = p->keep_insert = false;
    insert_job(p, j);
}

static bool ends_piece(const struct word *w)
{
    return w->cls == W_SEP || w->cls == W_AND;
}

static bool is_job(const struct word *w)
{
    return w->cls == W_JOB || w->cls == W_SOFT || w->cls == W_TOOLJOB;
}

/* The next word of this piece that is a job, or NULL. */
static const struct word *job_ahead(const struct parse *p)
{
    for (size_t i = p->i + 1; i < p->w->n && !ends_piece(&p->w->v[i]); i++)
        if (is_job(&p->w->v[i]))
            return &p->w->v[i];
    return NULL;
}

/* Does a word of this class (and a) stand in this piece, from the given word on? */
static bool in_piece(const struct parse *p, size_t from, enum word_class cls, int a)
{
    for (size_t i = from; i < p->w->n && (i < p->i || !ends_piece(&p->w->v[i])); i++)
        if (p->w->v[i].cls == cls && p->w->v[i].a == a)
            return true;
    return false;
}

static bool reports(const struct word *w)
{
    return w->a == JOB_REPORT || (w->cls == W_SOFT && w->b == JOB_REPORT);
}

/* A negation that ruled nothing we know is not understood. */
static void end_not(struct parse *p)
{
    if (p->not &&p->not_word)
        unknown(p, p->not_word);
    p->not = p->without = false;
    p->not_word = NULL;
}

/* "without lint and write a report": a verb behind an "and" begins something new. */
static void read_verb(struct parse *p)
{
    if (p->without && p->joined && !p->not_word)
        end_not(p);
}

/* "write a report", "报告写一份"; building is written too; "write tests" is somebody else's job. */
static void read_write(struct parse *p, const struct word *w)
{
    const struct word *next = job_ahead(p);

    for (size_t i = p->piece_word; !next && i < p->i; i++)
        if (is_job(&p->w->v[i]))
            next = &p->w->v[i];
    if (!next || !(reports(next) || next->a == JOB_BUILD))
        unknown(p, w);
}

/* "run make" and "run the checks" are fine, "build and run" is not. */
static void read_run(struct parse *p, const struct word *w)
{
    bool tool = false;

    for (size_t i = p->i + 1; i < p->w->n && !ends_piece(&p->w->v[i]); i++)
        tool |= p->w->v[i].cls == W_TOOL || p->w->v[i].cls == W_CHECK;
    if (!tool && !job_ahead(p))
        unknown(p, w);
}

static void read_check(struct parse *p)
{
    bool behind_job = p->i > p->piece_word && is_job(&p->w->v[p->i - 1]);

    if (job_ahead(p) || behind_job)
        return;
    add_job(p, in_piece(p, p->i + 1, W_CODE, 0) ? JOB_LINT : JOB_CHECK);
}

/* "clean the code" asks for more than removing what was built. */
static void read_code(struct parse *p, const struct word *w)
{
    for (size_t i = p->piece_word; i < p->i; i++)
        if (p->w->v[i].cls == W_JOB && p->w->v[i].a == JOB_CLEAN && p->w->v[i].b == JOB_NONE)
            unknown(p, w);
}

/* "make the tests pass" asks for repair. */
static void read_pass(struct parse *p, const struct word *w)
{
    if (in_piece(p, p->piece_word, W_LET, 0) || in_piece(p, p->piece_word, W_TOOL, ECO_MAKE))
        unknown(p, w);
}

/* "npm test", "test with npm" */
static void read_tool(struct parse *p, const struct word *w)
{
    struct wish *o = p->out;

    if (o->n > p->piece && o->jobs[o->n - 1].eco == ECO_ANY)
        o->jobs[o->n - 1].eco = w->a;
    else
        p->eco = w->a;
}

static void read_job(struct parse *p, const struct word *w)
{
    int eco = p->eco;

    switch (w->cls) {
    case W_TOOLJOB:
        p->eco = w->b;
        add_job(p, w->a);
        p->eco = eco;
        break;
    case W_SOFT:
        if (p->not || !has_test(p))
            add_job(p, w->a);
        add_job(p, w->b);
        break;
    default:
        add_job(p, w->a);
        if (w->b != JOB_NONE) {
            p->joined = true;
            add_job(p, w->b);
        }
        break;
    }
}

/* "don't skip": two in a row undo each other. */
static void read_not(struct parse *p, const struct word *w)
{
    if (p->not &&p->not_word) {
        p->not_word = NULL;
        p->not = p->without = false;
        return;
    }
    p->not = true;
    p->without = w->cls == W_WITHOUT;
    p->not_word = w;
}

static void move_job(struct wish *o, size_t from, size_t to)
{
    struct wish_job job = o->jobs[from];

    memmove(&o->jobs[to + 1], &o->jobs[to], (from - to) * sizeof job);
    o->jobs[to] = job;
}

/* "A 在 B 之后" at the end of a clause: B was read last, and goes first. */
static void read_after_post(struct parse *p)
{
    bool at_end = p->i + 1 == p->w->n || p->w->v[p->i + 1].cls == W_SEP;

    if (at_end && p->at != NOWHERE && p->at > p->clause && p->out->n > p->at)
        move_job(p->out, p->out->n - 1, p->clause);
}

static void read_before_post(struct parse *p)
{
    if (p->at != NOWHERE && p->at > p->clause)
        return;
    p->insert = p->clause;
    p->keep_insert = true;
}

static void read_before(struct parse *p)
{
    if (p->out->n == p->clause)
        p->before = p->out->n;
}

static void read_after(struct parse *p)
{
    if (p->out->n > p->clause)
        p->insert = p->clause;
}

static void end_piece(struct parse *p)
{
    struct wish *o = p->out;

    /* "clean first": what stands before it in the piece. */
    if (p->first && o->n > p->piece)
        move_job(o, o->n - 1, 0);
    /* "run make": the tool alone is a build with it. */
    if (p->eco != ECO_ANY && !p->made) {
        if (p->eco == ECO_MAKE || p->eco == ECO_NINJA)
            add_job(p, JOB_BUILD);
        else
            for (size_t i = p->piece_word; i < p->i; i++)
                if (p->w->v[i].cls == W_TOOL)
                    unknown(p, &p->w->v[i]);
    }
    p->first = p->made = false;
    p->eco = ECO_ANY;
    p->piece = o->n;
    p->piece_word = p->i + 1;
    if (!p->without)
        end_not(p);
    p->joined = true;
}

static void end_clause(struct parse *p)
{
    end_piece(p);
    end_not(p);
    p->joined = false;
    p->at = NOWHERE;
    if (p->before != NOWHERE && p->out->n > p->before)
        p->insert = p->before;
    else if (!p->keep_insert)
        p->insert = NOWHERE;
    p->before = NOWHERE;
    p->keep_insert = false;
    p->clause = p->out->n;
}

static void read_word(struct parse *p, const struct word *w)
{
    switch (w->cls) {
    case W_UNKNOWN:
        unknown(p, w);
        break;
    case W_JOB:
    case W_SOFT:
    case W_TOOLJOB:
        read_job(p, w);
        break;
    case W_TOOL:
        read_tool(p, w);
        break;
    case W_RUN:
        read_verb(p);
        read_run(p, w);
        break;
    case W_WRITE:
        read_verb(p);
        read_write(p, w);
        break;
    case W_CHECK:
        read_check(p);
        break;
    case W_CODE:
        read_code(p, w);
        break;
    case W_PASS:
        read_pass(p, w);
        break;
    case W_NOT:
    case W_WITHOUT:
        read_not(p, w);
        break;
    case W_ONLY:
        end_not(p);
        break;
    case W_AND:
        end_piece(p);
        break;
    case W_SEP:
        end_clause(p);
        break;
    case W_FIRST:
        p->first = true;
        break;
    case W_BEFORE:
        read_before(p);
        break;
    case W_AFTER:
        read_after(p);
        break;
    case W_BEFORE_POST:
        read_before_post(p);
        break;
    case W_AFTER_POST:
        read_after_post(p);
        break;
    case W_AT:
        p->at = p->out->n;
        break;
    case W_LET:
    case W_STOP:
    case W_FILL:
        break;
    }
}

void wish_of(const struct words *w, struct wish *ret)
{
    struct parse p = {.w = w, .out = ret, .insert = NOWHERE, .before = NOWHERE, .at = NOWHERE, .eco = ECO_ANY};

    *ret = (struct wish){.chinese = w->chinese};
    for (; p.i < w->n; p.i++)
        read_word(&p, &w->v[p.i]);
    end_clause(&p);
}
