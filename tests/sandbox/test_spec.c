/* The messages between server and shim: what is encoded comes back, and no damage is ever believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sandbox/spec.h"

static const char *const two[] = {"/opt/a", "/opt/b b", NULL};
static const char *const env[] = {"A=1", "B=x=y", NULL};
static const char *const argv_[] = {"prog", "", "-x", NULL};

static struct spw_spec spec(void)
{
    return (struct spw_spec){.run_id = "run_1",
                             .tenant = "default",
                             .project = "/p",
                             .dir = "/d",
                             .ro_binds = two,
                             .nro_binds = 2,
                             .hidden = two,
                             .nhidden = 1,
                             .memory_bytes = 1 << 30,
                             .pids = 7,
                             .idle_ms = 5};
}

static struct spw_step step(void)
{
    return (struct spw_step){.argv = argv_,
                             .nargv = 3,
                             .env = env,
                             .nenv = 2,
                             .cwd = "a/b",
                             .layer = "3.1",
                             .index = 3,
                             .attempt = 1,
                             .wall_ms = 9};
}

static void test_spec_round_trip(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1 << 20);
    struct spw_spec in = spec(), out;
    void *mem = NULL;
    assert_int_equal(spw_spec_encode(&in, &b, NULL), 0);
    assert_int_equal(spw_spec_decode(b.p, b.len, &out, &mem, NULL), 0);
    assert_string_equal(out.run_id, "run_1");
    assert_string_equal(out.project, "/p");
    assert_int_equal(out.nro_binds, 2);
    assert_string_equal(out.ro_binds[1], "/opt/b b");
    assert_null(out.ro_binds[2]);
    assert_int_equal(out.nhidden, 1);
    assert_true(out.memory_bytes == 1 << 30);
    free(mem);
    buf_fini(&b);
}

static void test_step_round_trip(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1 << 20);
    struct spw_step in = step(), out;
    void *mem = NULL;
    assert_int_equal(spw_step_encode(&in, &b, NULL), 0);
    assert_int_equal(spw_step_decode(b.p, b.len, &out, &mem, NULL), 0);
    assert_null(out.command);
    assert_int_equal(out.nargv, 3);
    assert_string_equal(out.argv[1], "");
    assert_string_equal(out.env[1], "B=x=y");
    assert_string_equal(out.cwd, "a/b");
    assert_int_equal(out.nsecrets, 0);
    assert_null(out.secrets[0]);
    free(mem);
    buf_fini(&b);
}

/* Only what asks for a terminal needs a shim that knows them. */
static void test_terminal_of_a_step(void **state)
{
    (void)state;
    static const uint16_t bad[][2] = {{80, 0}, {0, 24}, {4097, 1}, {1, 4097}};
    struct spw_step in = step(), out;
    void *mem = NULL;
    assert_int_equal(spw_step_layout(&in), 1);
    in.cols = 132;
    in.rows = 43;
    assert_int_equal(spw_step_layout(&in), 2);
    struct buf b = BUF_INIT(1 << 20);
    assert_int_equal(spw_step_encode(&in, &b, NULL), 0);
    assert_int_equal(spw_step_decode(b.p, b.len, &out, &mem, NULL), 0);
    assert_int_equal(out.cols, 132);
    assert_int_equal(out.rows, 43);
    free(TAKE(mem));
    ((struct spw_head *)b.p)->version = 1; /* the older layout has no such thing */
    assert_int_equal(spw_step_decode(b.p, b.len, &out, &mem, NULL), -ERR_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        buf_reset(&b);
        in.cols = bad[i][0];
        in.rows = bad[i][1];
        assert_int_equal(spw_step_encode(&in, &b, NULL), 0);
        assert_int_equal(spw_step_decode(b.p, b.len, &out, &mem, NULL), -ERR_INVALID);
    }
    buf_fini(&b);
}

/* Every truncation, and every single byte changed in a few ways: refused, or a valid value; never a read outside
 * (ASan). */
static void test_damage(void **state)
{
    (void)state;
    static const unsigned char flips[] = {0x01, 0x80, 0xff, 0x7f};
    struct buf b = BUF_INIT(1 << 20);
    struct spw_step in = step(), out;
    assert_int_equal(spw_step_encode(&in, &b, NULL), 0);
    for (size_t n = 0; n < b.len; n++) {
        char *copy = malloc(n + 1); /* exact, so that ASan sees one byte too far */
        void *mem = NULL;
        memcpy(copy, b.p, n);
        assert_true(spw_step_decode(copy, n, &out, &mem, NULL) < 0);
        assert_null(mem);
        free(copy);
    }
    for (size_t i = 0; i < b.len * sizeof(flips); i++) {
        char *copy = malloc(b.len);
        void *mem = NULL;
        memcpy(copy, b.p, b.len);
        copy[i / sizeof(flips)] = (char)(copy[i / sizeof(flips)] ^ (char)flips[i % sizeof(flips)]);
        if (spw_step_decode(copy, b.len, &out, &mem, NULL) == 0) {
            for (size_t k = 0; k < out.nargv; k++)
                assert_true(strlen(out.argv[k]) < b.len);
            free(mem);
        }
        free(copy);
    }
    buf_fini(&b);
}

static int decode_changed(void (*change)(struct spw_step *))
{
    struct buf b = BUF_INIT(1 << 20);
    struct spw_step s = step(), out;
    void *mem = NULL;
    change(&s);
    int r = spw_step_encode(&s, &b, NULL);
    if (r == 0)
        r = spw_step_decode(b.p, b.len, &out, &mem, NULL);
    free(mem);
    buf_fini(&b);
    return r;
}

static void cwd_up(struct spw_step *s)
{
    s->cwd = "a/../..";
}
static void cwd_abs(struct spw_step *s)
{
    s->cwd = "/etc";
}
static void layer_slash(struct spw_step *s)
{
    s->layer = "a/b";
}
static void layer_comma(struct spw_step *s)
{
    s->layer = "1,upperdir=x";
}
static void env_bare(struct spw_step *s)
{
    static const char *const bad[] = {"NOVALUE", NULL};
    s->env = bad;
    s->nenv = 1;
}
static void lower_self(struct spw_step *s)
{
    static const char *const bad[] = {"3.1", NULL};
    s->lower = bad;
    s->nlower = 1;
}
static void nothing_to_run(struct spw_step *s)
{
    s->nargv = 0;
}

static void test_refused(void **state)
{
    (void)state;
    void (*const bad[])(struct spw_step *) = {cwd_up,   cwd_abs,    layer_slash,   layer_comma,
                                              env_bare, lower_self, nothing_to_run};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(decode_changed(bad[i]), -ERR_INVALID);
}

static void test_small_messages(void **state)
{
    (void)state;
    struct spw_msg m;
    spw_msg_init(&m, SPW_KILL);
    size_t n = spw_msg_for(&m, SPW_VERSION);
    assert_true(spw_msg_ok(&m, n));
    assert_false(spw_msg_ok(&m, n - 1));
    assert_false(spw_msg_ok(&m, n + 1));
    m.ndata = 1;
    assert_false(spw_msg_ok(&m, n));
    m.ndata = UINT32_MAX;
    assert_false(spw_msg_ok(&m, n));
    m.ndata = 0;
    m.head.type = 40;
    assert_false(spw_msg_ok(&m, n));
    spw_msg_init(&m, SPW_FAIL);
    memset(m.text, 'x', sizeof(m.text));
    n = spw_msg_for(&m, SPW_VERSION);
    assert_false(spw_msg_ok(&m, n));
    spw_msg_init(&m, SPW_EXIT);
    n = spw_msg_for(&m, SPW_VERSION);
    m.exit.exit_code = 256;
    assert_false(spw_msg_ok(&m, n));
    m.exit.exit_code = 0;
    assert_true(spw_msg_ok(&m, n));
    m.head.version++;
    assert_false(spw_msg_ok(&m, n));
}

/* A peer of version 1 reads what is written for it to the byte, and is never sent what it does not know. */
static void test_older_peer(void **state)
{
    (void)state;
    struct spw_msg m;
    spw_msg_init(&m, SPW_KILL);
    assert_int_equal(spw_msg_for(&m, 1), 968);
    assert_int_equal(m.head.version, 1);
    memset(m.data, 'x', sizeof(m.data)); /* what was in the buffer before */
    m.ndata = 7;
    assert_true(spw_msg_ok(&m, 968));
    assert_int_equal(m.ndata, 0);
    assert_int_equal(m.data[0], 0);
    spw_msg_init(&m, SPW_HELLO);
    assert_int_equal(spw_msg_for(&m, 1), 0);
    m.head.version = 1;
    m.head.size = 968;
    assert_false(spw_msg_ok(&m, 968)); /* nor believed from it */
    spw_msg_init(&m, SPW_KILL);
    m.ndata = 3;
    assert_int_equal(spw_msg_for(&m, 1), 0);
    assert_int_equal(spw_msg_for(&m, 2), 976 + 3);
    assert_int_equal(spw_msg_for(&m, 7000), 976 + 3); /* a newer one: in ours */
    assert_int_equal(m.head.version, SPW_VERSION);
}

static uint32_t common(int32_t version, int64_t oldest)
{
    struct spw_msg m;
    spw_msg_init(&m, SPW_READY);
    assert_int_equal(spw_msg_for(&m, SPW_VERSION), 968); /* the greeting keeps its shape */
    assert_int_equal(m.arg[3], SPW_VERSION);
    assert_int_equal(m.big, SPW_OLDEST);
    m.arg[3] = version;
    m.big = oldest;
    return spw_common(&m);
}

static void test_common_version(void **state)
{
    (void)state;
    assert_int_equal(common(0, 0), 1); /* version 1 says nothing of it */
    assert_int_equal(common(SPW_VERSION, SPW_OLDEST), SPW_VERSION);
    assert_int_equal(common(SPW_VERSION + 5, 1), SPW_VERSION);
    assert_int_equal(common(SPW_VERSION + 5, SPW_VERSION + 1), 0);
    assert_int_equal(common(-1, 0), 0);
    assert_int_equal(common(2, INT64_MAX), 0);
}

static void test_exit_record(void **state)
{
    (void)state;
    struct {
        struct spw_exit x;
        char more[16];
    } rec = {0};
    struct spw_exit out;
    spw_exit_init(&rec.x);
    rec.x.exit_code = 7;
    assert_true(spw_exit_read((char *)&rec, sizeof(rec.x), &out));
    assert_int_equal(out.exit_code, 7);
    assert_false(spw_exit_read((char *)&rec, sizeof(rec.x) - 1, &out));
    assert_false(spw_exit_read((char *)&rec, sizeof(rec), &out));
    rec.x.version = 9; /* a later one, longer, with a flag that we do not know */
    rec.x.size = sizeof(rec);
    rec.x.flags = 1u << 20 | SPW_X_TIMEOUT;
    assert_true(spw_exit_read((char *)&rec, sizeof(rec), &out));
    assert_int_equal(out.flags, SPW_X_TIMEOUT);
    assert_true(spw_exit_ok(&out, sizeof(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_round_trip),
        cmocka_unit_test(test_step_round_trip),
        cmocka_unit_test(test_terminal_of_a_step),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_small_messages),
        cmocka_unit_test(test_older_peer),
        cmocka_unit_test(test_common_version),
        cmocka_unit_test(test_exit_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
