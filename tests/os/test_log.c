/* log: one line of JSON each, whatever is in it, and how loud what is. */
#include "check.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "os/file.h"
#include "os/log.h"
#include <string.h>
#include <unistd.h>

/* What one log_err() wrote, with its end of line. */
static void said(char *ret, size_t n, enum log_level min, bool text, enum log_level lv, const char *message)
{
    struct err e = ERR_INIT;
    int fd[2];
    struct logger *lg;
    ssize_t got;

    assert_int_equal(pipe(fd), 0);
    lg = logger_new(fd[1], min, text);
    assert_non_null(lg);
    (void)err_set(&e, ERR_BUSY, "%s", message);
    log_err(lg, lv, "api", &(struct log_ctx){.run_id = "run_1"}, "begin", &e);
    logger_free(lg);
    close(fd[1]);
    got = read(fd[0], ret, n - 1);
    assert_true(got >= 0);
    ret[got] = '\0';
    close(fd[0]);
}

static void one_line_of_json(void **state)
{
    char line[2000];
    struct json *doc = NULL;
    struct err e = ERR_INIT;

    said(line, sizeof line, LOG_LV_INFO, false, LOG_LV_WARN, "two\nlines \"quoted\" \x1b[31m \xff");
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_int_equal(json_parse(line, strlen(line), &doc, &e), 0);
    json_free(doc);
    assert_non_null(strstr(line, "\"level\":\"warn\""));
    assert_non_null(strstr(line, "\"run_id\":\"run_1\""));
    assert_null(strchr(line, '\x1b'));
}

static void below_the_level_is_silent(void **state)
{
    char line[2000];

    said(line, sizeof line, LOG_LV_ERROR, false, LOG_LV_WARN, "x");
    assert_string_equal(line, "");
    said(line, sizeof line, LOG_LV_ERROR, true, LOG_LV_ERROR, "x");
    assert_non_null(strstr(line, "begin: x (busy)"));
    assert_int_equal(logger_level("warn"), LOG_LV_WARN);
    assert_int_equal(logger_level("loud"), -1);
}

/* A server under load answers "try again" all day: nobody is to be woken by that. */
static void what_passes_is_no_error(void **state)
{
    static const int passes[] = {ERR_UNAVAILABLE, ERR_BUSY, ERR_QUEUE_FULL, ERR_DISK_FULL};
    static const int matters[] = {ERR_INTERNAL, ERR_IO, ERR_CORRUPT, ERR_OOM, ERR_STORAGE_FULL};

    assert_int_equal(log_level_refused(ERR_CURSOR), LOG_LV_INFO); /* the asker's own doing */
    for (size_t i = 0; i < ARRAY_LEN(passes); i++)
        assert_int_equal(log_level_refused(passes[i]), LOG_LV_WARN);
    for (size_t i = 0; i < ARRAY_LEN(matters); i++)
        assert_int_equal(log_level_refused(matters[i]), LOG_LV_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_of_json),
        cmocka_unit_test(below_the_level_is_silent),
        cmocka_unit_test(what_passes_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
