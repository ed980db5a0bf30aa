/* The catalogue against the contract's list, and the envelope byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/event.h"

/* As the contract writes them. */
static const char contract[] =
    "run.status run.planned run.completed step.started step.finished step.log artifact.created approval.required "
    "approval.resolved question.asked question.answered changes.ready changes.applied changes.discarded agent.accepted "
    "agent.delta agent.tool_call agent.tool_result agent.reset agent.completed agent.failed todo.updated "
    "usage.recorded "
    "session.updated runtime.mode_changed workspace.synced case.status case.log";

static void catalogue(void **state)
{
    size_t n = 1, rows = 0;
    char word[64];

    for (const char *p = contract; *p; p++)
        n += *p == ' ';
    for (const struct event_info *i = event_table(); i->type; i++, rows++) {
        const char *at = strstr(contract, i->type);
        assert_non_null(at);
        assert_true(at == contract || at[-1] == ' ');
        assert_true(at[strlen(i->type)] == ' ' || at[strlen(i->type)] == '\0');
        assert_true(i->floor[0] && i->data[0]);
    }
    assert_int_equal(rows, n);
    for (const char *p = contract; *p;) {
        size_t len = strcspn(p, " ");
        memcpy(word, p, len);
        word[len] = '\0';
        bool frame = !strcmp(word, "step.log") || !strcmp(word, "agent.delta");
        assert_int_equal(event_kind(word), frame ? 0 : 1);
        p += len + (p[len] == ' ');
    }
    assert_int_equal(event_kind("run.statu"), -1);
    assert_int_equal(event_kind("run.status "), -1);
    assert_int_equal(event_kind(""), -1);
    assert_int_equal(event_kind(NULL), -1);
}

static void check(const struct event_head *h, const char *data, const char *want)
{
    AUTO(buf_fini) struct buf b = BUF_INIT(4096);
    struct jw w = JW_INIT(&b);

    event_envelope(&w, h, data, data ? strlen(data) : 0);
    assert_int_equal(b.bad, 0);
    assert_string_equal(b.p, want);
}

static void envelopes(void **state)
{
    struct id run = {"run_01JD5ZK8V0A1B2C3D4E5F6G7H8"}, ses = {"ses_01JD5ZK8V0A1B2C3D4E5F6G7H8"},
              stp = {"stp_01JD5ZK8V0A1B2C3D4E5F6G7H8"}, none = {""};
    struct event_head h = {
        .cursor = "abc", .seq = 7, .type = "run.status", .time_us = 1795218241000001, .run_id = &run};

    check(&h, "{\"to\":\"running\"}",
          "{\"id\":\"abc\",\"seq\":7,\"type\":\"run.status\",\"time\":\"2026-11-20T23:44:01.000001Z\","
          "\"run_id\":\"run_01JD5ZK8V0A1B2C3D4E5F6G7H8\",\"data\":{\"to\":\"running\"}}");
    h.session_id = &none;
    h.step_id = &none;
    h.seq = 0;
    check(&h, NULL,
          "{\"id\":\"abc\",\"type\":\"run.status\",\"time\":\"2026-11-20T23:44:01.000001Z\","
          "\"run_id\":\"run_01JD5ZK8V0A1B2C3D4E5F6G7H8\",\"data\":{}}");
    h = (struct event_head){"c", 0, "step.log", 1, &run, &ses, &stp};
    check(&h, "{}",
          "{\"id\":\"c\",\"type\":\"step.log\",\"time\":\"1970-01-01T00:00:00.000001Z\","
          "\"run_id\":\"run_01JD5ZK8V0A1B2C3D4E5F6G7H8\",\"session_id\":\"ses_01JD5ZK8V0A1B2C3D4E5F6G7H8\","
          "\"step_id\":\"stp_01JD5ZK8V0A1B2C3D4E5F6G7H8\",\"data\":{}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(catalogue), cmocka_unit_test(envelopes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
