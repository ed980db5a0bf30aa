/* shell: what is seen in a text, written down in a small notation.
 *
 *   a|b|c        the words of a command (commands are separated by " ; "), A=v before them, > f behind them
 *   <x> variable, * ? live globs, ~ home, . current directory, all in angle brackets
 *   !reason      opaque pieces follow the commands; only the beginning of the reason is compared */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "core/shell.h"

static void put_form(struct buf *b, const char *form)
{
    for (; *form; form++) {
        if (*form == SHELL_F_VAR) {
            const char *end = strchr(form + 1, SHELL_F_VAR);
            buf_addc(b, '<');
            buf_add(b, form + 1, (size_t)(end - form) - 1);
            buf_addc(b, '>');
            form = end;
        } else if (*form == SHELL_F_STAR) {
            buf_puts(b, "<*>");
        } else if (*form == SHELL_F_ONE) {
            buf_puts(b, "<?>");
        } else if (*form == SHELL_F_HOME) {
            buf_puts(b, "<~>");
        } else if (*form == SHELL_F_PWD) {
            buf_puts(b, "<.>");
        } else {
            buf_addc(b, *form);
        }
    }
}

static void put_cmd(struct buf *b, const struct shell_cmd *c)
{
    static const char *const ops[] = {"<", ">", ">>", ">|", "<>", "&>", "&>>", "<&", ">&", "<<", "<<<"};
    bool first = true;

    for (size_t i = 0; i < c->nassigns; i++) {
        buf_printf(b, "%s%s%s", first ? "" : " ", c->assigns[i].name, c->assigns[i].append ? "+=" : "=");
        put_form(b, c->assigns[i].value.form);
        first = false;
    }
    for (size_t i = 0; i < c->nwords; i++) {
        buf_puts(b, i ? "|" : first ? "" : " ");
        put_form(b, c->words[i].form);
        first = false;
    }
    for (size_t i = 0; i < c->nredirs; i++) {
        buf_printf(b, "%s%s ", first ? "" : " ", ops[c->redirs[i].op]);
        put_form(b, c->redirs[i].target->form);
        first = false;
    }
}

static void render(const struct shell *sh, size_t from, struct buf *b)
{
    for (size_t i = from; i < sh->ncmds; i++) {
        if (b->len)
            buf_puts(b, " ; ");
        put_cmd(b, sh->cmds[i]);
    }
    for (size_t i = 0; i < sh->nopaque; i++) {
        buf_puts(b, b->len ? " !" : "!");
        buf_puts(b, sh->opaque[i].reason);
    }
}

struct row {
    const char *text, *want;
};

static void check(const struct row *rows, size_t n, bool unwrap)
{
    int bad = 0;

    for (size_t i = 0; i < n; i++) {
        AUTO_PTR(shell_free) struct shell *sh = NULL;
        AUTO(buf_fini) struct buf b = BUF_INIT(64 * KIB);
        assert_int_equal(shell_parse(rows[i].text, strlen(rows[i].text), &sh, NULL), 0);
        size_t from = sh->ncmds;
        if (unwrap)
            assert_int_equal(shell_unwrap(sh, NULL), 0);
        render(sh, unwrap ? from : 0, &b);
        const char *want = rows[i].want, *got = b.p ? b.p : "", *mark = strrchr(want, '!');
        size_t cmp = mark ? strlen(want) : strlen(want) + 1;
        if (strncmp(got, want, cmp) != 0) {
            print_message("text:   %s\nwanted: %s\ngot:    %s\n", rows[i].text, want, got);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}
#define CHECK(rows, unwrap) check(rows, ARRAY_LEN(rows), unwrap)

static void words_and_quotes(void **state)
{
    static const struct row rows[] = {
        {"ls -l a", "ls|-l|a"},
        {"  ls\t-l  ", "ls|-l"},
        {"a'b c'd\"e f\"\\ g", "ab cde f g"},
        {"'a\\nb' \"a\\nb\\\"\\$\\\\\"", "a\\nb|a\\nb\"$\\"},
        {"a\\\nb \\\n c", "ab|c"},
        {"\"a\\\nb\"", "ab"},
        {"''", ""},
        {"a '' b", "a||b"},
        {"$'a\\tb\\x41\\101\\u00e9\\'q\\\\'", "a\tbAA\xc3\xa9'q\\ !an escaped quote in $'"},
        {"$'a\\e[0m'", "a<>[0m"},
        {"$\"a $b\"", "a <b>"},
        {"a$", "a$"},
        {"a$ b", "a$|b"},
        {"a#b #c", "a#b"},
        {"# only", ""},
        {"a~ ~ ~/x ~root/y ~+ ~bob 'a'~", "a~|<~>|<~>/x|/root/y|<.>|/home/bob|a~"},
        {"X=~/a:~/b y=~", "X=<~>/a:<~>/b y=<~>"},
        {"* a?b [ab]c [ a[ [\"x\"]", "<*>|a<?>b|<?>c|[|a[|<>x]"},
        {"'*' \\* \"?\"", "*|*|?"},
        {"a{b,c}d {1..3} {a..c} {x} {} a,b {a,b", "abd|acd|1|2|3|a|b|c|{x}|{}|a,b|{a,b"},
        {"{a,{b,c}}{1,2}", "a1|a2|b1|b2|c1|c2"},
        {"'{a,b}' \"{a,b}\" \\{a,b}", "{a,b}|{a,b}|{a,b}"},
        {"{,x}", "x"},
        {"{1..100000}", "<>"},
        {"{a,b$}c", "!a brace expansion that is not understood"},
        {"'a", "!a ' without its end"},
        {"a \"b", "a !a \" without its end"},
        {"a \\", "a !a backslash at the end"},
    };
    CHECK(rows, false);
}

static void expansions(void **state)
{
    static const struct row rows[] = {
        {"$a ${a} \"$a\" $1 $@ $? $$ $#", "<a>|<a>|<a>|<1>|<@>|<?>|<$>|<#>"},
        {"$HOME ${HOME}/x \"$PWD\"", "<~>|<~>/x|<.>"},
        {"${a:-b} ${a:=c} ${#a} ${!a} ${a%.c} ${a/x/y} ${a:1:2} ${a^^} ${a[0]} ${a[@]}",
         "a=c ; <a>|<a>|<>|<>|<>|<>|<>|<>|<>|<>"},
        {"${a:-$(b)} ${c:-`d`} \"${e:-$(f)}\" ${g:-<(h)}", "b ; d ; f ; h ; <a>|<c>|<e>|<g>"},
        {"${a:-\"}\"} x", "<a>|x"},
        {"${a:-'}'} x", "<a>|x"},
        {"\"${a:-'ok'}\"", "<a>"},
        {"\"${a:-'}'}\"", "!a single quote inside ${"},
        {"${a", "!a ${…} that is not understood"},
        {"${a:-b", "!a ${ without its end"},
        {"${}", "!a ${"},
        {"${a@P}", "<> !${…@P} runs"},
        {"$(a b) `c d` \"$(e)\" \"`f`\"", "a|b ; c|d ; e ; f ; <>|<>|<>|<>"},
        {"`a \\`b\\``", "b ; a|<> ; <>"},
        {"$(a $(b $(c)))", "c ; b|<> ; a|<> ; <>"},
        {"$(a;b|c)", "a ; b ; c ; <>"},
        {"$(case x in a) b;; esac)", "b ; <>"},
        {"$(echo hi) x", "echo|hi ; <(1>|x"},
        {"$(pwd)/x", "pwd ; <.>/x"},
        {"$(a", "a !a substitution that does not end"},
        {"`a", "!a ` without its end"},
        {"$((1+$(a))) $((b*(c+1)))", "a ; <>|<>"},
        {"$((a) + (b)))", "!cannot tell arithmetic"},
        {"$[1]", "!the old arithmetic"},
        {"$\\\n(a)", "!a line continuation inside an operator"},
        {"<(a) >(b) x<(c)", "a ; b ; c ; <>|<>|x<>"},
        {"'a[$(b)]'", "a[$(b)] !text that arithmetic"},
    };
    CHECK(rows, false);
}

static void lists_and_compounds(void **state)
{
    static const struct row rows[] = {
        {"a;b&c&&d||e|f|&g\nh", "a ; b ; c ; d ; e ; f ; g ; h"},
        {"a &&\n\n b |\n c", "a ; b ; c"},
        {"! a; time b; time -p c; ! time d", "a ; b ; c ; d"},
        {"time -v a", "time|-v|a !an option of time"},
        {"(a;(b))&{ c;}", "a ; b ; c"},
        {"if a;then b;elif c\nthen d;else e;fi >f", "a ; b ; c ; d ; e ; > f"},
        {"while a;do b;done;until c;do d;done", "a ; b ; c ; d"},
        {"for x in a b;do c $x;done", "x=<> ; c|<x>"},
        {"for x\ndo c\ndone", "x=<> ; c"},
        {"for ((i=0;i<$(a);i++));do b;done", "a ; b"},
        {"select x in a;do b;done", "x=<> ; b"},
        {"case $(a) in x|y) b;; (z) c;& *) d;;& q) ;; esac", "a ; b ; c ; d"},
        {"f(){ a;};f", "a ; f"},
        {"function f { a; }", "a"},
        {"function f() (a)", "a"},
        {"f() if a; then b; fi", "a ; b"},
        {"[[ -f $(a) && x == y* ]] && b", "a ; b"},
        {"[[ x =~ ^(a|b)$ ]]", ""},
        {"[[ x =~ a|b ]]", "!a '|' in a regular expression"},
        {"[[ a || reboot ]]", "!|| inside [[ ]]"},
        {"[[ a || -f b ]]", ""},
        {"[[ a", "!a [[ ]]"},
        {"((i++))", ""},
        {"((rm -rf /))", "!((…))"},
        {"a;;b", "a !a token that is not understood"},
        {";a", "!a command was expected"},
        {"a)b", "a !a token that is not understood"},
        {"if a;then b", "a ; b !an if without its end"},
        {"{ a", "a !a { without its end"},
        {"(a", "a !a ( without its end"},
        {"coproc a", "!coproc"},
        {"a (b)", "!a '(' that is not understood"},
        {"a @(b|c)", "!a '(' that is not understood"},
        {"i\\\nf a", "!a line continuation inside a reserved word"},
        {"x=$(<> f ! a)", "!a reserved word behind a redirection"},
        {"cop\\\nroc a", "!a line continuation inside a reserved word"},
        {"echo if then fi", "echo|if|then|fi"},
        {"{a;}", "{a !a token that is not understood"},
        {"# a\nb # c\n#d", "b"},
        {"", ""},
        {"\n\n", ""},
    };
    CHECK(rows, false);
}

static void assignments_and_redirections(void **state)
{
    static const struct row rows[] = {
        {"A=b C+=d e F=g", "A=b C+=d e|F=g"},
        {"A=$(b)", "b ; A=<>"},
        {"A=(1 $(b)\n2) c", "b ; A=<> c"},
        {"a[1]=x a[$i]=y", "a=x a=y"},
        {"export A=b C", "A=b export|C"},
        {"A=", "A="},
        {"a >b 2>c >>d <e <>f >|g", "a > b > c >> d < e <> f >| g"},
        {"a 2>&1 >&2 <&3 2>&-", "a >& 1 >& 2 <& 3 >& -"},
        {"a >&b", "a &> b"},
        {"a &>b &>>c", "a &> b &>> c"},
        {"a &>b c", "a|c &> b !words behind &>"},
        {"{fd}>a b", "b > a !a redirection of {name}"},
        {">a", "> a"},
        {"a >$b \"c\">d", "a|c > <b> > d"},
        {"a <<<b", "a <<< b"},
        {"a >", "a !a redirection without its target"},
        {"a <<E\nb $c $(d) `e` \\$f\nE\ng", "a << b <c> <> <> $f\n ; d ; e ; g"},
        {"a <<'E'\nb $c $(d)\nE", "a << b $c $(d)\n"},
        {"a <<\\E\n$(d)\nE", "a << $(d)\n"},
        {"a <<-E\n\tb\n\tE\nc", "a << \tb\n ; c"},
        {"a <<-'E'\n\tb\n\tE\nc", "a << b\n ; c"},
        {"a <<A <<B\n1\nA\n2\nB\nc", "a << 1\n << 2\n ; c"},
        {"a <<E | b\nx\nE\nc", "a << x\n ; b ; c"},
        {"if a <<E\nx\nE\nthen b;fi", "a << x\n ; b"},
        {"$(a <<E\nx\nE\n)", "a << x\n ; <>"},
        {"a <<E\nx", "a <<  !a here-document without its end"},
        {"a <<E", "a <<  !a here-document without its end"},
        {"a <<E $(b\nc)\nx\nE", "b ; a <<  !a line break in a substitution"},
        {"a <<E 'b\nc'\nx\nE", "a <<  !a line break inside a word"},
        {"a <<$E\nx\n$E", "a !a here-document with an end"},
    };
    CHECK(rows, false);
}

static void through_wrappers(void **state)
{
    static const struct row rows[] = {
        {"sudo -u x a b", "a|b"},
        {"sudo --user=x A=1 a", "a"},
        {"sudo --nonsense a", "!an option of a wrapper"},
        {"env -i A=1 -- a", "--|a"}, /* behind assignments it is the program's name */
        {"env -u B A=1 a b", "a|b"},
        {"env -S 'a b' c", "env|a|b|c ; a|b|c"},
        {"timeout -s KILL 5 nice -n 3 a", "nice|-n|3|a ; a"},
        {"nice -5 a", "a"},
        {"xargs -n 1 -I{} a {}x", "a|<>x"},
        {"echo b c | xargs a", "a|b|c"},
        {"find d -name x | xargs a", "a|d/<*> ; a"},
        {"bash -c 'a;b' x", "a ; b"},
        {"sh -ec 'a'", "a"},
        {"bash -c \"$a\"", "!a shell is given a text"},
        {"bash s.sh a", "./s.sh|a"},
        {"bash", "!a shell without"},
        {"a | bash", "!a shell reads its commands from a pipe"},
        {"echo a | bash", "a"},
        {"bash <<< a", "a"},
        {"bash <<E\na\nE", "a"},
        {"eval 'a b' c", "a|b|c"},
        {"trap 'a' EXIT", "a"},
        {"trap - EXIT", ""},
        {"source x", "!source runs"},
        {"find . -exec a {} \\;", "a|."},
        {"find x -name y -exec a b + {} +", "a|b|+|x/<*>"},
        {"find x -delete", "rm|-rf|x"},
        {"flock f a b", "a|b"},
        {"flock f -c 'a b'", "a|b"},
        {"git -C d -c user.name=x log -1", "cd|d ; git|log|-1"},
        {"git -c alias.x=y x", "git|x !git -c sets"},
        {"git rebase -x 'a b'", "a|b"},
        {"X=a; $X b", "a|b !a variable stands"},
        {"f() { a $1; }; f x", ""},
        {":(){ :|:& };:", ":fork-bomb"},
        {"LD_PRELOAD=x a", "!sets an environment variable"},
        {"curl x | sh", ":download-to-shell !a shell runs what was just"},
        {"poetry run a", "a"},
        {"command -v a", ""},
    };
    CHECK(rows, true);
}

/* --- contexts and ranges --- */

static void contexts(void **state)
{
    static const char text[] = "a | b & (c); f() { d; }; if e; then $(g); fi";
    AUTO_PTR(shell_free) struct shell *sh = NULL;

    assert_int_equal(shell_parse(text, strlen(text), &sh, NULL), 0);
    assert_int_equal(sh->ncmds, 7);
    assert_true(sh->cmds[0]->ctx & SHELL_C_PIPE);
    assert_false(sh->cmds[0]->ctx & SHELL_C_PIPE_IN);
    assert_true(sh->cmds[0]->ctx & SHELL_C_BACKGROUND);
    assert_true(sh->cmds[1]->ctx & SHELL_C_PIPE_IN);
    assert_int_equal(sh->cmds[1]->pipe_from, 0);
    assert_true(sh->cmds[2]->ctx & SHELL_C_SUBSHELL);
    assert_true(sh->cmds[3]->ctx & SHELL_C_FUNC);
    assert_string_equal(sh->cmds[3]->func, "f");
    assert_true(sh->cmds[4]->ctx & SHELL_C_COND);
    assert_true(sh->cmds[5]->ctx & SHELL_C_SUBST);
    assert_int_not_equal(sh->cmds[0]->scope, sh->cmds[1]->scope);
    assert_true(sh->nfuncs == 1 && sh->funcs[0].sure);
}

static void ranges_are_the_text(void **state)
{
    static const char text[] = "ls -l; sudo bash -c 'rm x' > y";
    AUTO_PTR(shell_free) struct shell *sh = NULL;

    assert_int_equal(shell_parse(text, strlen(text), &sh, NULL), 0);
    assert_int_equal(shell_unwrap(sh, NULL), 0);
    assert_int_equal(sh->ncmds, 4);
    assert_int_equal(sh->cmds[0]->at.at, 0);
    assert_int_equal(sh->cmds[0]->at.len, 5);
    assert_int_equal(sh->cmds[1]->at.at, 7);
    assert_int_equal(sh->cmds[1]->at.len, strlen(text) - 7);
    assert_int_equal(sh->cmds[3]->at.at, 7); /* nested text stands where its wrapper does */
    assert_string_equal(sh->cmds[3]->text, "rm x");
    assert_string_equal(sh->cmds[3]->how, "bash");
}

/* --- bounds --- */

static size_t opaque_in(const char *text, size_t n)
{
    AUTO_PTR(shell_free) struct shell *sh = NULL;

    assert_int_equal(shell_parse(text, n, &sh, NULL), 0);
    assert_int_equal(shell_unwrap(sh, NULL), 0);
    assert_true(sh->ncmds <= SHELL_CMDS_MAX);
    return sh->nopaque;
}

static void repeat(struct buf *b, const char *s, size_t times)
{
    buf_reset(b);
    for (size_t i = 0; i < times; i++)
        buf_puts(b, s);
}

static void too_much_is_opaque(void **state)
{
    static const struct {
        const char *s;
        size_t times;
    } rows[] = {{"a;", 2000},   {"$(", 200},     {"{ ", 200},    {"(", 30000},    {"sudo ", 13000}, {"bash -c ", 8000},
                {"{a,b}", 100}, {"`\\`", 10000}, {"${a:-", 400}, {"[", 65000},    {"~", 65000},     {"a=~:", 16000},
                {"\"$(", 200},  {"<<E ", 16000}, {"{", 65000},   {"x(){ ", 300},  {"a|", 30000},    {"a>b ", 16000},
                {"if ", 20000}, {"a[", 30000},   {"$((", 20000}, {"eval ", 13000}};
    AUTO(buf_fini) struct buf b = BUF_INIT(128 * KIB);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        repeat(&b, rows[i].s, rows[i].times);
        opaque_in(b.p, b.len > SHELL_TEXT_MAX ? SHELL_TEXT_MAX : b.len);
    }
    for (size_t i = 0; i < 4; i++) { /* those certainly pass a bound */
        repeat(&b, rows[i].s, rows[i].times);
        assert_true(opaque_in(b.p, b.len) > 0);
    }
    repeat(&b, "a ", 40000);
    assert_true(opaque_in(b.p, b.len) > 0);
    assert_int_equal(opaque_in(b.p, SHELL_TEXT_MAX), 0);
}

static void odd_bytes(void **state)
{
    assert_int_equal(opaque_in("a\0b", 3), 1);
    assert_int_equal(opaque_in("a\xff", 2), 1);
    assert_int_equal(opaque_in("a\r\nb", 4), 1);
    assert_int_equal(opaque_in("a\x1b[2K", 5), 1);
    assert_int_equal(opaque_in("a\xe2\x80\xae"
                               "b",
                               5),
                     1);
    assert_int_equal(opaque_in("a\xe2\x80\x8b", 4), 1);
    assert_int_equal(opaque_in("a\x7f", 2), 1);
    assert_int_equal(opaque_in("\xc3\xa9 \xe4\xb8\xad", 6), 0);
}

static void argv_is_one_command(void **state)
{
    static const char *const argv[] = {"bash", "-c", "rm $HOME; ls"}, *const odd[] = {"echo", "a;b *", "\x1b[2K"};
    AUTO_PTR(shell_free) struct shell *sh = NULL, *sh2 = NULL;

    assert_int_equal(shell_from_argv(argv, 3, &sh, NULL), 0);
    assert_int_equal(sh->ncmds, 1);
    assert_int_equal(shell_unwrap(sh, NULL), 0);
    assert_int_equal(sh->ncmds, 3);
    assert_string_equal(sh->cmds[1]->words[1].form, "\x05");
    assert_int_equal(shell_from_argv(odd, 3, &sh2, NULL), 0);
    assert_int_equal(sh2->ncmds, 1);
    assert_string_equal(sh2->cmds[0]->words[1].value, "a;b *");
    assert_null(sh2->cmds[0]->words[2].value);
    assert_int_equal(sh2->nopaque, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_quotes),    cmocka_unit_test(expansions),
        cmocka_unit_test(lists_and_compounds), cmocka_unit_test(assignments_and_redirections),
        cmocka_unit_test(through_wrappers),    cmocka_unit_test(contexts),
        cmocka_unit_test(ranges_are_the_text), cmocka_unit_test(too_much_is_opaque),
        cmocka_unit_test(odd_bytes),           cmocka_unit_test(argv_is_one_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
