"""mutate - shell texts made by a grammar, and the corpus of tests/policy bent out of shape.

case(seed, index, corpus) is the same text and shell for ever: each case has a random generator of its own."""
import random
import re

SHELLS = ['bash', 'dash', 'sh']  # as record.c numbers them; the last is bash that was called sh
PROGRAMS = ['evil', 'evil', 'ok', 'rm', 'curl', 'git', 'make', 'npm', 'reboot', 'gcc', 'docker', 'frob', 'mkfs.ext4', 'sudo']
LITERALS = ['a', 'b', 'x', '-rf', '/', '/etc/passwd', 'x y', '$HOME', '*', "it's", 'a;b', '-n', '{}', '', 'é', '#c', '~', 'a=b',
            '--opt=val', '[x]', '!', '\\', 'a\nb', '`', '"', '$(evil)', '{a,b}', '&', '|', '--', '-c', 'evil', '..', '1', '%s', '\t',
            'a\\b', "'", '-', '-p', '-v', '+', ';', 'x\\ty', '日本', '-exec', 'echo', '-I{}', '=', '1..3', '<', '2>&1', '\\n', 'E',
            '$x', '${x}', '$((1))', ':', '.', '-o', '?', 'src', 'a.c', 'done', 'fi', 'then', '}', '{', 'esac', 'in', 'do']
BARE = re.compile(r'[A-Za-z0-9_./:=+,%@-]')
NAMES = ['x', 'y', 'foo', 'A_1', 'i', 'f']
FUNCTIONS = ['f', 'g', 'fn_1']
BLANKS = ['\t', ' \\\n', '\\\n', '${IFS}', '$IFS', '  ', '\u00a0', '\u3000', '\r', '\v', '\f', '\u2003', '\u200b', '\x01', '\x7f', "''",
          '""', '\n', ' \n', ' # c\n', '$()', '``', '$@', '${x}', '\\ ']
SPLICES = ['"', "'", '`', '$(', ')', '(', '{', '}', ' ; ', ';', '&', '&&', '||', '|', '|&', '\n', '\\', '\\\n', '#', ' # ', ' ', '<<E',
           '<<-E', "<<'E'", '\nE\n', '\n\tE\n', '<<<', '<', '>', '&>', ' 2>&1', '<(', '>(', '$((', '))', '((', '[[ ', ' ]]', '[', ']',
           '$x', '${x', '${x:-', '${x#', '${x%', '${x/', '"${x:-', "$'", "\\'", '$"', 'if ', 'then ', 'else ', 'elif ', 'fi', ';;', ';&',
           'for i in ', 'do ', 'done', 'while ', 'until ', 'case x in ', 'x)', 'esac', 'f() ', 'function f ', 'time ', '! ', 'x=', 'x=(',
           'eval ', "eval '", "sh -c '", 'bash -c "', "trap '", ' EXIT', '=~ ', '~', '*', '{a,', '{evil,', '1..2}', ',', '+', '-f ', '1',
           '$1', '$@', '\\$', '\\`', '\\"', '"$(', ')"', '`evil`', '$(evil)', '"`', '`"', 'select ', 'in ', 'coproc ', '<&', '>&', '{fd}>',
           '=', '==', '-n ', '&>/dev/null ', '$#', '${#', '$[', '/', ':', 'a[', 'a=(', '[x]=', 'declare ', 'let ', 'alias ', 'a+=', '++',
           '--', 'evil', 'evil ', ' evil', '\r', '\t', '\x1b', '\u202e', '\u00a0', 'time -p ', 'exec ', 'command ', 'builtin ', '&!', '<>',
           '>|', '&>>', ';;&', '?(', '+(', '@(', '!(', '^', '%', '\\\\', '\x00'[:0], 'then', 'do', '{', '} ', '!', 'local ', '-- ']
ENVIRONMENT = ['X=1', 'CC=gcc', 'PATH=/tmp:$PATH', 'BASH_ENV=in', 'ENV=in', 'LD_PRELOAD=', 'IFS=x', "PS4='$(evil)'", 'LC_ALL=C',
               "PROMPT_COMMAND=evil", 'x=evil', 'y=$(evil)', 'A=(1 2)', 'x+=evil', 'HOME=/tmp/c', 'CDPATH=/', 'SHELLOPTS=xtrace']


def single(s):
    return "'" + s.replace("'", "'\\''") + "'"


def double(s):
    return '"' + re.sub(r'([\\"$`])', r'\\\1', s) + '"'


def bare(s):
    return ''.join(c if BARE.match(c) or ord(c) > 127 else '"\n"' if c == '\n' else '\\' + c for c in s) or "''"


def backticked(s):
    return '`' + re.sub(r'([\\`$])', r'\\\1', s) + '`'


class Maker:
    def __init__(self, rnd):
        self.r = rnd
        self.ends = 0

    def one(self, *of):
        f = self.r.choice(of)
        return f if isinstance(f, str) else f()

    def chance(self, p):
        return self.r.random() < p

    # --- words ---

    def ansi(self, s):
        out = ''
        for c in s:
            o, k = ord(c), self.r.randint(0, 5)
            if c in "\\'":
                out += self.one('\\' + c, '\\x%02x' % o) if c == '\\' or self.chance(0.3) else '\\047'
            elif o < 128 and k == 0:
                out += '\\x%02x' % o
            elif o < 128 and k == 1:
                out += '\\%03o' % o
            elif k == 2:
                out += '\\u%04x' % o
            elif c == '\n' or c == '\t':
                out += repr(c)[1:-1]
            else:
                out += c
        return "$'" + out + "'"

    def quote(self, s):
        """A spelling of the word s."""
        if s and all(BARE.match(c) for c in s) and self.chance(0.55):
            return s
        cut = sorted(self.r.randint(0, len(s)) for _ in range(self.r.choice([0, 0, 0, 1, 2])))
        parts = [s[a:b] for a, b in zip([0] + cut, cut + [len(s)])]
        out = ''
        for p in parts:
            style = self.r.choice([single, double, bare, single, double, self.ansi])
            out += style(p) if p or len(parts) == 1 or self.chance(0.3) else ''
            if self.chance(0.04):
                out += self.one("''", '""', '\\\n', "$''", '$""')
        return out or "''"

    def word(self, d):
        if d <= 0 or self.chance(0.6):
            return self.quote(self.r.choice(LITERALS))
        sub = lambda: self.list(d - 1)
        name = self.r.choice(NAMES)
        w = self.one(
            '$' + name, '"$%s"' % name, '${%s}' % name, '"$@"', '$*', '$1', '$?', '"${%s[@]}"' % name, '${#%s}' % name, '*', '*.c', './[ab].c',
            'a?c', '~', '~/x', '~root', 'src/*', lambda: '$(' + sub() + self.shut() + ')', lambda: '"$(' + sub() + self.shut() + ')"',
            lambda: backticked(self.list(0)), lambda: '"' + backticked(self.list(0)) + '"',
            lambda: '${%s%s%s}' % (name, self.one(':-', '-', ':=', '=', ':+', '+', '#', '##', '%', '%%', '/', '//', ':?', '^', ',,', '/#', ':1:', '@'), self.word(d - 1)),
            lambda: '"${%s%s%s}"' % (name, self.one(':-', '-', ':=', '#', '%', '/'), self.word(d - 1)),
            lambda: '$((1 + %s))' % self.one('2', name, '$' + name, lambda: '$(' + sub() + self.shut() + ')', 'a[0]', '(3)'),
            lambda: self.one('<(', '>(') + sub() + self.shut() + ')', lambda: '{%s,%s}' % (self.word(d - 1), self.word(d - 1)),
            '{1..3}', '{a,b}', '{,x}', 'a{b,c}d', '{x}', '{a..c..2}', '"{a,b}"', '{a,b}{c,d}', 'x={1,2}', '$[1+1]', '${!%s}' % name,
            '${%s@P}' % name, '-%s' % name, '--%s=$%s' % (name, name), 'a=~/x', 'a:~', '\\~', '$"x"', "$'\\''", '$$', '$!', '$-', '$', 'a$', '!x',
            '^', 'x#y', '%', '@', '[', ']', '[a', '[[', ']]', '=', '=~', '?(a)', '@(a|b)')
        if self.chance(0.25):
            w = self.one(lambda: self.quote('x') + w, lambda: w + self.quote('y'), lambda: w + '/' + self.quote('z'))
        return w

    def shut(self):
        """What may stand before a ')'."""
        return self.one('', '', '', ' ', '\n', ';')

    def words(self, d, most=3):
        return ''.join(self.gap() + self.word(d) for _ in range(self.r.randint(0, most)))

    def gap(self):
        return ' ' if self.chance(0.93) else self.one('\t', '  ', ' \\\n', '\\\n ', ' \\\n ')

    def program(self):
        p = self.r.choice(PROGRAMS)
        r = self.r.random()
        if r < 0.55:
            return p
        if r < 0.9:
            return self.quote(p)
        return self.one('./x', './src/run', '/bin/' + p, '/usr/bin/env', '~/bin/x', '$x', '$(echo %s)' % p, '{%s,a}' % p, '*', '"$@"', '../a/b', '$HOME/x',
                        'e{vil,x}', '[e]vil', p + '$x', '`echo %s`' % p, '$PWD/x', '{./x,a}', "$'./x'", '$"./x"', 'time', '[[', '!', 'if')

    # --- simple commands ---

    def redirection(self, d):
        return self.one('> out', '2>&1', '>> out', '< a.c', '2> /dev/null', '>&2', '<&-', '3> out', '&> out', '>| out', '<> out', '< list', '{fd}> out',
                        lambda: '> ' + self.word(d - 1), lambda: '<<< ' + self.word(d - 1), lambda: '< <(' + self.list(d - 1) + self.shut() + ')',
                        '1>out', '>&-', '2>&1 >out', '&>>out', '>&out')

    def simple(self, d):
        out = ''
        while self.chance(0.12):
            out += self.one(lambda: self.r.choice(NAMES) + self.one('=', '+=') + self.word(d - 1), self.r.choice(ENVIRONMENT), 'x=1') + ' '
        if self.chance(0.05):
            out += self.redirection(d) + ' '
        r = self.r.random()
        if r < 0.5:
            out += self.program() + self.words(d)
        elif r < 0.66:
            out += self.builtin(d)
        else:
            out += self.wrapper(d)
        while self.chance(0.1):
            out += ' ' + self.redirection(d)
        return out

    def builtin(self, d):
        text = lambda: self.quote(self.list(d - 1))
        return self.one(
            lambda: 'echo' + self.words(d), lambda: 'printf ' + self.word(d), 'true', 'false', ':', 'cd src', 'cd /', 'pwd', 'set -e', 'set -f', 'set -u', 'shift',
            'set -- evil a', 'export x=evil', 'unset x', 'local x=1', 'read x', 'read -r x y', 'wait', 'set -o noglob', 'set +e', 'return 0', 'exit 0', 'break',
            lambda: 'test ' + self.word(d), lambda: '[ ' + self.word(d) + ' = x ]', lambda: 'export ' + self.r.choice(NAMES) + '=' + self.word(d), 'umask 022',
            lambda: 'eval ' + text(), lambda: 'eval' + self.words(d), lambda: 'trap ' + text() + ' EXIT', lambda: 'trap ' + text() + ' ' + self.one('0', 'INT EXIT', 'DEBUG', 'ERR', 'RETURN', 'USR1; kill -USR1 $$'),
            lambda: 'trap -- ' + text() + ' 0', lambda: 'alias ok=' + text(), lambda: self.one('.', 'source') + ' ./a.c', lambda: 'declare x=' + self.word(d), 'declare -a x', 'hash -r',
            'shopt -s expand_aliases', 'shopt -s extglob', 'let x=1+2', 'type evil', 'command -v evil', 'ulimit -n', 'getopts ab x', 'mapfile x < list',
            lambda: 'readonly foo=' + self.word(d), 'kill -0 $$', 'kill %1', 'jobs', 'times', 'fg', 'pushd src', 'popd', 'dirs', 'enable -n echo', 'printf -v x %s evil',
            'set -x', 'set -k', 'set -a', 'set -n', 'set -B', 'set +B', "mapfile -C 'evil' -c 1 x < list", 'caller', 'help', 'history', 'exec 3<list', 'exec 2>&1')

    def wrapper(self, d):
        inner = lambda: self.simple(d - 1) if d > 0 else self.program() + self.words(0)
        text = lambda: self.quote(self.list(d - 1))
        sh = self.one('sh', 'bash', 'dash', 'sh', '/bin/sh', '/usr/bin/bash', lambda: self.quote('sh'))
        return self.one(
            lambda: sh + ' -c ' + text(), lambda: sh + ' -c ' + text() + self.words(d), lambda: sh + self.one(' -e', ' -x', ' -eu', ' -l', ' -i', ' +e', ' -o errexit', ' --', ' -', ' -s', ' -n') + ' -c ' + text(),
            lambda: sh + ' -ec ' + text(), lambda: sh + ' -c -- ' + text(), lambda: sh + ' -c -e ' + text(), lambda: sh + ' -ce ' + text(), lambda: sh + ' -co errexit ' + text(),
            lambda: 'bash --norc -c ' + text(), lambda: 'bash --posix -c ' + text(), lambda: 'bash -O extglob -c ' + text(), lambda: 'bash +O extglob -c ' + text(), lambda: 'bash --noprofile --norc -ec ' + text(),
            lambda: 'bash -lc ' + text(), lambda: 'bash -ic ' + text(), lambda: 'bash --rcfile x -ic ' + text(), lambda: 'bash --init-file x -c ' + text(), lambda: 'sh -o noexec -c ' + text(), lambda: 'bash -c' + text(),
            lambda: 'env ' + inner(), lambda: 'env X=1 ' + inner(), lambda: 'env -i ' + inner(), lambda: 'env - A=b ' + inner(), lambda: 'env -u X ' + inner(), lambda: 'env -C src ' + inner(), lambda: 'env -- ' + inner(),
            lambda: 'env -S ' + self.quote(inner()), lambda: 'env -vS ' + self.quote(inner()), lambda: 'env -S' + self.quote(self.program() + ' a') + self.words(d), lambda: 'env --split-string=' + self.quote(inner()), lambda: 'env --chdir=src ' + inner(),
            lambda: 'env -iS ' + self.quote('evil x'), lambda: "env -S 'X=1 evil' y", lambda: 'env --unset=X ' + inner(), lambda: 'env -0 ' + inner(), lambda: 'env --ignore-env ' + inner(), lambda: 'env --chdi=src ' + inner(), lambda: 'env -iu X ' + inner(),
            lambda: 'nice ' + inner(), lambda: 'nice -n 5 ' + inner(), lambda: 'nice -5 ' + inner(), lambda: 'nice -n5 ' + inner(), lambda: 'nice --adjustment=3 ' + inner(), lambda: 'nice --adj 3 ' + inner(), lambda: 'nice -- ' + inner(), lambda: 'nice --3 ' + inner(),
            lambda: 'timeout 5 ' + inner(), lambda: 'timeout -k 1 5 ' + inner(), lambda: 'timeout -s KILL 5 ' + inner(), lambda: 'timeout --signal=9 --preserve-status 5 ' + inner(), lambda: 'timeout --kill 1 5 ' + inner(), lambda: 'timeout -- 5 ' + inner(), lambda: 'timeout -fk1 5 ' + inner(),
            lambda: 'nohup ' + inner(), lambda: 'nohup -- ' + inner(), lambda: 'setsid ' + inner(), lambda: 'setsid -w ' + inner(), lambda: 'setsid --wait ' + inner(), lambda: 'setsid -fw ' + inner(), lambda: 'stdbuf -oL ' + inner(), lambda: 'stdbuf -o L -e 0 ' + inner(), lambda: 'stdbuf --output=L ' + inner(),
            lambda: 'stdbuf --out L ' + inner(), lambda: 'ionice -c 3 ' + inner(), lambda: 'ionice -c3 -t ' + inner(), lambda: 'ionice --class 3 ' + inner(), lambda: 'taskset 1 ' + inner(), lambda: 'taskset -c 0 ' + inner(), lambda: 'chrt -o 0 ' + inner(), lambda: 'chrt --other 0 ' + inner(), lambda: 'setpriv --nnp ' + inner(), lambda: 'setpriv --no-new-privs --inh-caps=-all ' + inner(),
            lambda: 'flock out ' + inner(), lambda: 'flock -n out -c ' + text(), lambda: 'flock -x out ' + inner(), lambda: 'flock --timeout 1 out ' + inner(), lambda: 'flock out --command ' + text(), lambda: 'flock -w1 out ' + inner(), lambda: 'script -qc ' + text() + ' /dev/null', lambda: 'script -q -c ' + text(), lambda: 'script --command=' + text(), lambda: 'script -qec' + text() + ' out',
            lambda: 'exec ' + inner(), lambda: 'exec -a foo ' + inner(), lambda: 'exec -c ' + inner(), lambda: 'exec -cl ' + inner(), lambda: 'command ' + inner(), lambda: 'command -p ' + inner(), lambda: 'command -- ' + inner(), lambda: 'builtin eval ' + text(), lambda: 'builtin ' + inner(), lambda: 'command eval ' + text(), lambda: 'command exec ' + inner(),
            lambda: 'command -pv ' + inner(), lambda: 'command . ./x', lambda: 'time ' + inner(), lambda: 'time -p ' + inner(), lambda: '\\time -f x ' + inner(), lambda: 'command time -o out ' + inner(), lambda: '/usr/bin/time -p ' + inner(),
            lambda: 'xargs ' + inner(), lambda: 'echo a b | xargs ' + inner(), lambda: 'echo ' + self.quote(self.r.choice(LITERALS)) + ' | xargs ' + inner(), lambda: 'echo a b | xargs -n1 ' + inner(), lambda: 'echo a | xargs -I{} ' + inner() + ' {}', lambda: "echo 'a b' | xargs -I% evil x% %", lambda: 'xargs -a list ' + inner(),
            lambda: 'xargs < list ' + inner(), lambda: 'printf "a\\0b" | xargs -0 ' + inner(), lambda: 'xargs -I{} sh -c ' + self.quote('evil {}') + ' < list', lambda: 'echo ' + text() + ' | xargs -d "\\n" -n1 sh -c', lambda: 'echo evil | xargs env', lambda: 'echo evil x | xargs -t', lambda: 'xargs sh -c ' + text() + ' <<< a', lambda: 'echo a | xargs -i evil {} x', lambda: 'echo a | xargs --replace=R evil R', lambda: 'echo a | xargs --replace evil {}',
            lambda: 'echo a | xargs -P2 -L1 ' + inner(), lambda: 'echo a | xargs -rn 1 ' + inner(), lambda: 'echo a | xargs --max-args=1 ' + inner(), lambda: 'echo a | xargs --max-a 1 ' + inner(), lambda: 'echo -c evil | xargs sh', lambda: "echo '-c evil' | xargs -I{} sh {}", lambda: 'echo a | xargs -E x ' + inner(), lambda: 'echo a | xargs -e ' + inner(), lambda: 'echo a | xargs -l ' + inner(), lambda: 'xargs --arg-file=list ' + inner(),
            lambda: 'find . -maxdepth 1 -exec ' + inner() + ' \\;', lambda: 'find src -exec evil {} +', lambda: 'find . -name a.c -exec ' + self.quote('evil') + " {} ';'", lambda: 'find . -name a.c -ok evil {} \\;', lambda: 'find . -name a.c -execdir evil x{}y \\;', lambda: 'find a.c -exec sh -c ' + text() + ' \\;', lambda: "find a.c -exec sh -c 'evil {}' \\;", lambda: "find a.c -exec evil ';' -exec ok {} +",
            lambda: 'find . -maxdepth 0 -exec env X=1 ' + self.program() + ' \\;', lambda: 'find a.c -exec evil a + b {} \\;', lambda: 'find . -name a.c -a -exec evil {} \\; -o -exec ok \\;', lambda: "find a.c -exec '{}' \\;", lambda: "find a.c '(' -exec evil ';' ')'", lambda: 'find . -name "*.c" | xargs ' + inner(), lambda: 'find . $x -exec ok \\;', lambda: 'find a.c -fprint out -exec evil {} {} \\;', lambda: 'find -files0-from list -exec evil {} \\;', lambda: 'find a.c -exec evil {} + -exec ok {} +',
            lambda: "awk 'BEGIN{system(\"evil\")}'", lambda: "awk '{print | \"evil\"}' a.c", lambda: "awk 'BEGIN{\"evil\" | getline x}'", lambda: "sed '1e evil' a.c", lambda: "sed 's/.*/evil/e' a.c", lambda: 'sed -n ' + self.quote(self.one('p', '1p;e evil', 's/o/evil/e', '$!e evil', '1{e evil\n}', 's|x|y|;s,o,evil,e', '/one/e', 'w out', 'i\\\nx\ne evil', 'a x\ne evil', '1~1e evil', "s/a\\/e/b/;e evil", '#n\ne evil', 'y/abc/xyz/;e evil', ':a;e evil', 'ba;e evil', 'r x\ne evil', '}e evil', 's/one/evil/Me', 's/one/evil/gI;t;e evil', '1!{e evil}', '1,+1e evil', '0,/x/e evil', '/[/]e/e evil', 's/[/]/x/e')) + ' a.c',
            lambda: 'sed -e p -e ' + self.quote('1e evil') + ' a.c', lambda: 'sed --expression="1e evil" a.c', lambda: 'sed --expr "1e evil" a.c', lambda: 'sed -ne "1e evil" a.c', lambda: 'sed -s -f x a.c', lambda: 'sed -l 5 "1e evil" a.c', lambda: 'sed -E "s/o/evil/e" a.c', lambda: 'sed -i -e "1e evil" a.c', lambda: 'sed -i.bak "1e evil" a.c', lambda: 'sed -zn "1e evil" a.c', lambda: 'sed --line-length=5 "1e evil" a.c', lambda: 'sed --line-length 5 "1e evil" a.c',
            lambda: "awk -f x a.c", lambda: "awk -v x=1 'BEGIN{system(x)}'", lambda: "awk 'BEGIN{print > \"/dev/null\"; system(\"evil\")}'", lambda: "awk 'BEGIN{x=\"evil\"; x | getline}'", lambda: "awk -- 'BEGIN{system(\"evil\")}'", lambda: "awk 'BEGIN{print \"a\" | \"evil\"}'", lambda: "awk 'BEGIN { print \"\\\"\" | \"evil\" }'", lambda: "awk '/\"/ { print | \"evil\" }; BEGIN{x=\"\"; print|\"evil\"}'",
            lambda: 'tar cf out a.c --checkpoint=1 --checkpoint-action=exec=evil', lambda: "tar cf out -I evil a.c", lambda: "tar cf out --use-comp=evil a.c", lambda: 'tar czf out a.c', lambda: 'tar cf out a.c --to-command=evil', lambda: "tar -c -f out -F evil -M -L 1 a.c", lambda: "tar cfI out evil a.c", lambda: "tar cIf evil out a.c", lambda: 'tar c --rsh-command=evil -f h:x a.c', lambda: "tar cf h:x --rsh=evil a.c",
            lambda: 'sort --compress-program=evil a.c', lambda: 'split --filter=evil a.c', lambda: "split --filt 'evil; ok' a.c", lambda: 'unshare ' + inner(), lambda: 'chroot / ' + inner(), lambda: 'sudo -u x ' + inner(), lambda: 'git -c alias.x=!evil x', lambda: 'strace -f ' + inner(), lambda: 'busybox sh -c ' + text(), lambda: 'watch -n 1 ' + inner(), lambda: 'su -c ' + text())

    # --- compound commands ---

    def heredoc(self, d):
        self.ends += 1
        end = self.r.choice(['E', 'EOF', 'X1']) + str(self.ends)
        quoted = self.chance(0.5)
        start = self.r.choice(['<<', '<<', '<<-']) + (self.r.choice([single, double, lambda s: '\\' + s])(end) if quoted else self.one('', ' ') + end)
        tab = '\t' if '-' in start and self.chance(0.5) else ''
        body = self.one(lambda: self.list(d - 1), lambda: 'line ' + self.word(d - 1), 'a\nb', '$(evil)', '`evil`', '\\$(evil)', '', '${x:-$(evil)}', "'$(evil)'", '"')
        if re.search('^\t*' + end + '$', body, re.M):
            body = 'x'
        head = self.one('cat %s', 'sh %s', 'bash %s', 'evil %s', 'cat %s | sh', 'sh %s -s a', 'bash -s %s', 'xargs %s evil', 'while read x; do evil $x; done %s', 'ok %s && evil', 'ok %s; evil', '{ sh; } %s', 'cat %s > out', 'sudo sh %s', 'evil 3%s', 'cat - %s | bash', '(sh) %s', 'eval "$(cat %s', 'env sh %s', 'timeout 5 sh %s', 'if sh; then ok; fi %s', 'f() { sh; } %s') % start
        tail = '\n' + ''.join(tab + line + '\n' for line in body.split('\n')) + tab + end + '\n'
        return head + tail + (')"\n' if head.startswith('eval') else '')

    def closed(self, d):
        """A list that a reserved word may follow."""
        s = self.list(d)
        return s if s.endswith('\n') or (s.endswith('&') and not s.endswith('\\&')) else s + self.one('; ', '\n', ' ;', ' ; ')

    def compound(self, d):
        c, name = lambda: self.closed(d - 1), self.r.choice(NAMES)
        f = self.r.choice(FUNCTIONS + ['evil', 'ok'])
        return self.one(
            lambda: 'if ' + c() + 'then ' + c() + 'fi', lambda: 'if ' + c() + 'then ' + c() + 'else ' + c() + 'fi', lambda: 'if ' + c() + 'then ' + c() + 'elif ' + c() + 'then ' + c() + 'fi',
            lambda: 'for %s in%s; do ' % (name, self.words(d)) + c() + 'done', lambda: 'for %s; do ' % name + c() + 'done', lambda: 'for %s in evil x\ndo $%s; ' % (name, name) + c() + 'done',
            lambda: 'while ' + c() + 'do ' + c() + 'break; done', lambda: 'until ' + c() + 'do ' + c() + 'break; done', lambda: 'for ((i=0; i<1; i++)); do ' + c() + 'done', lambda: 'for ((i=0; i<1; i++)) { ' + c() + '}',
            lambda: 'case ' + self.word(d - 1) + ' in ' + self.one('x', '*', '(x)', 'a|b', '*x*') .rstrip(')') + ') ' + c() + self.one(';; ', ';& ', ';;& ') + '*) ' + self.list(d - 1) + self.one('\n', ';;\n') + 'esac',
            lambda: 'case x in x) ' + self.list(d - 1) + '\nesac', lambda: 'case x in (x|y) ' + c() + ';; esac', lambda: 'case $(' + self.list(d - 1) + '\n) in esac', lambda: 'case x in $(' + self.list(d - 1) + '\n)) ok;; esac',
            lambda: '{ ' + c() + '}', lambda: '(' + self.list(d - 1) + self.shut() + ')', lambda: '( ' + c() + ')', lambda: '{ ' + c() + '} > out', lambda: '(' + self.list(d - 1) + '\n) 2>&1 | ' + self.simple(d - 1),
            lambda: f + '() { ' + c() + '}; ' + f + self.words(d), lambda: 'function ' + f + ' { ' + c() + '}; ' + f, lambda: f + ' ( ) ( ' + self.list(d - 1) + '\n)\n' + f, lambda: f + '()\n{ ' + c() + '}\n' + f + ' a', lambda: f + '() if ' + c() + 'then ok; fi; ' + f,
            lambda: f + '() ' + self.simple(d - 1) + '; ' + f, lambda: f + '() { $1 x; }; ' + f + ' evil', lambda: f + '() { "$@"; }; ' + f + ' evil a', lambda: f + '() for i in 1; do ' + c() + 'done; ' + f, lambda: 'unset -f ' + f + '; ' + f,
            lambda: '[[ ' + self.word(d - 1) + ' ]]', lambda: '[[ -n ' + self.word(d - 1) + ' && x = ' + self.word(d - 1) + ' ]] && ' + self.simple(d - 1), lambda: '[[ x =~ ' + self.one('x', '^(a|b)$', '$(evil)', '[[:alpha:]]', 'a b', '"x y"', 'x|y', '(x|y) ') + ' ]]', lambda: '[[ a < b || c > d ]]', lambda: '[[ x -eq $(evil) ]]', lambda: "[[ 'a[$(evil)]' -eq 0 ]]",
            lambda: '((' + self.one('x=1', 'x++', '1+1', 'x<2', '$(evil)', 'a[$(evil)]', 'x = (1)', 'evil') + '))', lambda: '! ' + self.simple(d - 1), lambda: 'time ' + self.simple(d - 1), lambda: 'time { ' + c() + '}', lambda: 'select %s in a; do ' % name + c() + 'break; done < list', lambda: 'coproc ' + self.simple(d - 1), lambda: 'coproc N { ' + c() + '}', lambda: '! ! ' + self.simple(d - 1), lambda: 'time -p ' + self.simple(d - 1),
            lambda: self.heredoc(d), lambda: self.heredoc(d), lambda: name + "=" + self.quote('evil x') + '; $' + name, lambda: name + "=" + self.quote(self.list(d - 1)) + '; eval "$%s"' % name, lambda: name + '=(evil x); "${%s[@]}"' % name, lambda: 'set -- evil; "$@"', lambda: name + "='a[$(evil)]'; echo $((%s))" % name, lambda: "test -v 'a[$(evil)]'", lambda: "declare 'a[$(evil)]=1'", lambda: name + "='$(evil)'; echo \"${%s@P}\"" % name,
            lambda: 'echo ' + self.quote(self.list(d - 1)) + ' | ' + self.one('sh', 'bash', 'bash -s', 'sh -s -- a', 'sudo sh', 'env sh', 'cat | sh', 'tee out | sh', 'sh -', 'bash /dev/stdin', '(sh)', '{ sh; }', 'if true; then sh; fi', 'sh -e', 'while true; do sh; break; done', 'f() { sh; }; f', 'timeout 5 sh', 'xargs -0 sh -c', "xargs -I{} sh -c '{}'", 'command sh', 'exec sh', 'sh 2>&1', 'base64 | sh', 'tr a b | sh', 'head -1 | sh', '. /dev/stdin', 'sh | sh', 'sh < /dev/stdin', '"sh"', 'time sh'),
            lambda: 'printf ' + self.quote(self.list(d - 1)) + ' | sh', lambda: "printf '%s\\n' " + self.quote(self.list(d - 1)) + ' | sh', lambda: 'printf "evil%c" x | sh', lambda: "printf 'ev%s' il | sh", lambda: 'sh <<< ' + self.quote(self.list(d - 1)), lambda: 'bash <(echo ' + self.quote(self.list(0)) + ')', lambda: '. <(echo evil)', lambda: 'sh < <(echo evil)', lambda: 'echo evil > f.sh; sh f.sh', lambda: 'echo evil > f.sh; . ./f.sh', lambda: 'echo evil >f.sh; chmod +x f.sh; ./f.sh', lambda: 'cat > f.sh <<< evil; bash f.sh', lambda: 'echo evil | tee f.sh; sh ./f.sh', lambda: 'echo evil > g; cp g f.sh; sh f.sh', lambda: 'echo -e "a\\x0aevil" | sh', lambda: 'echo -n evil | sh', lambda: 'echo -ne "ev\\151l" | sh', lambda: 'echo "$x" evil | sh', lambda: 'cat a.c | sh', lambda: 'cat <<< evil | sh')

    def statement(self, d):
        return self.compound(d) if d > 0 and self.chance(0.4) else self.simple(d)

    def list(self, d):
        out = self.statement(d)
        while self.chance(0.28):
            if self.chance(0.05):
                out += ' # ' + self.one('c', "it's", '$(evil)', '"', '`', '\\', ')') + '\n'
            sep = '' if out.endswith('\n') else self.one('; ', ' && ', ' || ', ' | ', ' & ', '\n', ';', '|', '&&', ' |& ', ' ;\n', '||\n', ' |\n', '&\n', '&', ' && \\\n')
            out += sep + self.statement(d)
        return out

    # --- bending ---

    def wrapped(self, t):
        """The text t where something else runs it."""
        q = self.quote
        return self.one(lambda: 'bash -c ' + q(t), lambda: 'sh -c ' + q(t), lambda: 'eval ' + q(t), lambda: '(' + t + '\n)', lambda: '{ ' + t + '\n}', lambda: 'echo $(' + t + '\n)', lambda: 'x="$(' + t + '\n)"', lambda: 'echo ' + backticked(t), lambda: 'f() { ' + t + '\n}; f',
                        lambda: 'if true; then ' + t + '\nfi', lambda: 'trap ' + q(t) + ' EXIT', lambda: 'cat <(' + t + '\n)', lambda: 'env -S ' + q(t), lambda: 'timeout 5 sh -c ' + q(t), lambda: 'xargs sh -c ' + q(t) + ' <<< x', lambda: "sh <<'Q'\n" + t + '\nQ\n', lambda: 'sh <<Q\n' + t + '\nQ\n', lambda: 'echo ' + q(t) + ' | sh',
                        lambda: 'true && ' + t, lambda: 'ok | ' + t, lambda: 'nice ' + t, lambda: '! ' + t, lambda: 'time ' + t, lambda: 'X=1 ' + t, lambda: t + ' > out', lambda: '> out ' + t, lambda: 'echo ${x:-$(' + t + '\n)}', lambda: 'for i in 1; do ' + t + '\ndone', lambda: 'case x in x) ' + t + '\nesac', lambda: 'echo "' + backticked(t) + '"', lambda: 'echo "${x:-$(' + t + '\n)}"', lambda: 'find a.c -exec sh -c ' + q(t) + ' \\;', lambda: 'flock out -c ' + q(t), lambda: 'sh <<< ' + q(t), lambda: 'bash -lc ' + q(t), lambda: 'exec ' + t, lambda: 'command ' + t, lambda: 'echo $((1 + $(' + t + '\n)))', lambda: 'a=(' + t + ')', lambda: '[[ -n $(' + t + '\n) ]]')

    def bent(self, t):
        places = [m.span() for m in re.finditer(r'[A-Za-z0-9_./-]+', t)]
        blanks = [m.span() for m in re.finditer(r' +', t)]
        i = self.r.randint(0, len(t))
        r = self.r.random()
        if r < 0.25 and places:
            a, b = self.r.choice(places)
            return t[:a] + self.quote(t[a:b]) + t[b:]
        if r < 0.4 and blanks:
            a, b = self.r.choice(blanks)
            return t[:a] + self.r.choice(BLANKS) + t[b:]
        if r < 0.6:
            return t[:i] + self.r.choice(SPLICES) + t[i:]
        if r < 0.7:
            return t[:i] + t[i + self.r.randint(1, 3):]
        if r < 0.76 and places:
            a, b = self.r.choice(places)
            return t[:a] + self.word(1) + t[b:]
        if r < 0.82 and places:
            a, b = self.r.choice(places)
            return t[:a] + self.r.choice(PROGRAMS) + t[b:]
        if r < 0.92:
            return self.wrapped(t)
        return t + self.one('; ', '\n', ' && ', ' | ', ' & ', ' ') + self.simple(1)


def soup(m):
    return ''.join(m.r.choice(SPLICES) for _ in range(m.r.randint(2, 14)))


def case(seed, index, corpus):
    """(shell number, text) of one case."""
    r = random.Random('%s:%s' % (seed, index))
    m = Maker(r)
    while True:
        k = r.random()
        if k < 0.5:
            t = m.list(r.choice([1, 1, 2, 2, 3]))
            if m.chance(0.25):
                t = m.bent(t)
        elif k < 0.9:
            t = r.choice(corpus)
            for _ in range(r.choice([1, 1, 2, 2, 3, 4])):
                t = m.bent(t)
        else:
            t = soup(m)
        if 0 < len(t) < 4000 and '\x00' not in t:
            return r.choice([0, 0, 0, 0, 1, 1, 1, 1, 1, 2]), t
