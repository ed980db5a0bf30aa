/* planner_words - an intent as tokens of known meaning. Private to core/planner*.
 *
 * May include: base core/recipe.h.  Pure.  Threads: any.
 *
 * English: words are folded (case, full width, typographic quotes and dashes), never stemmed, and looked up whole:
 * "latest" is not "test". The longest row of the vocabulary wins; articles inside a row do not matter.
 * Chinese: at each character the longest row wins. What is in no row is W_UNKNOWN. */
#pragma once
#include "core/planner.h"
#include "core/recipe.h"

enum word_class {
    W_UNKNOWN, /* in no row; rows may say so too ("check out") */
    W_STOP,    /* articles and the like: may stand inside a row */
    W_FILL,    /* means nothing here */
    W_JOB,     /* a: job, b: a second job or none */
    W_SOFT,    /* "test report": a counts only when no test is asked for otherwise; b counts */
    W_TOOL,    /* a: ecosystem whose recipe is wanted */
    W_TOOLJOB, /* a: job, b: ecosystem ("pytest") */
    W_RUN,     /* needs a job behind it: "build and run" is not understood */
    W_WRITE,   /* needs a report (or build) behind it: "write tests" is not understood */
    W_CHECK,   /* "check that it builds" = build, "check the code" = lint, alone = the project's check */
    W_CODE,    /* "clean the code" is not understood */
    W_LET,
    W_PASS,    /* "make the tests pass" is not understood */
    W_NOT,     /* up to the next "and" */
    W_WITHOUT, /* over an "and" too */
    W_ONLY,    /* ends a negation */
    W_AND,
    W_SEP,
    W_FIRST,
    W_BEFORE,
    W_AFTER, /* stand before what they rule (English) */
    W_BEFORE_POST,
    W_AFTER_POST, /* stand behind it (Chinese) */
    W_AT,         /* Chinese 在: "A 在 B 之后" */
};

struct word {
    enum word_class cls;
    int a, b;
    const char *p; /* the folded text, borrowed from words.text */
    size_t n;
};

#define WORDS_MAX 512
struct words {
    struct word v[WORDS_MAX];
    size_t n;
    bool chinese;
    char text[PLANNER_INTENT_MAX + 1]; /* folding never makes a text longer */
};

/* Heap, since it is large. */
CHECKED int words_of(const char *intent, struct words **ret, struct err *);
void words_free(struct words *);
DEFINE_AUTO_PTR(struct words, words_free);

/* What is wished for, in the order it is to be done. */
#define WISH_MAX 160 /* more than jobs x ecosystems: there is always room */
_Static_assert(WISH_MAX > JOB_N * (ECO_N + 1), "every job of every ecosystem once");
struct wish {
    struct wish_job {
        int job, eco; /* eco: wanted, or ECO_ANY */
    } jobs[WISH_MAX], left_out[WISH_MAX];
    size_t n, nleft;
    bool report, chinese;
    char unknown[256]; /* what was not understood, quoted, with commas; "" = nothing */
};
void wish_of(const struct words *, struct wish *ret);
