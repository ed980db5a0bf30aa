#!/usr/bin/env python3
"""against_shells - random shell texts, given to the analysis and to the real bash and dash.

A text in which the analysis sees neither the program `evil` nor anything opaque must not make a
shell run `evil`. Every MISS printed is a bug of src/core/shell_*.c: put it into dangerous.txt.

    tests/policy/against_shells.py BUILD_DIR [SECONDS] [SEED]

The shells run in bubblewrap: nothing to write to but an empty tmpfs, no network, own pids."""
import os, random, struct, subprocess, sys, tempfile, time

WORDS = ['evil', 'evil x', 'ok', 'echo', 'true', 'cat', '"', "'", '`', '$(', ')', '(', '{ ', '}', ' ; ', ';', '&', '&&', '||',
         '|', '|&', '\n', '\\', '\\\n', '#', ' # ', ' ', '<<E', '<<-E', "<<'E'", '\nE\n', '\n\tE\n', '<<<', '<', '>', '&>',
         ' 2>&1', '<(', '>(', '$((', '))', '((', '[[ ', ' ]]', '[', ']', '$x', '${x', '${x:-', '${x#', '${x%', '${x/', '"${x:-',
         "$'", "\\'", '$"', 'if ', 'then ', 'else ', 'elif ', 'fi', 'for i in ', 'do ', 'done', 'while ', 'until ', 'case x in ',
         'x)', ';;', 'esac', 'f() ', 'function f ', 'time ', '! ', 'x=', 'x=(', 'export x=', 'eval ', "eval '", "sh -c '",
         'bash -c "', "trap '", ' EXIT', '=~ ', '~', '*', '{a,', '{evil,', '1..2}', ',', '+', '-f ', '1', '$1', '$@', '\\$',
         '\\`', '\\"', '"$(', ')"', '`evil`', '$(evil)', '"`', '`"', 'select ', 'in ', 'coproc ', '<&', '>&', '{fd}>', '=',
         '==', '-n ', '&>/dev/null ', ';&', '$#', '${#', '$[', '/', ':', 'a[', 'a[ ', 'a=(', '[x]=', '[x ', 'declare ',
         'local ', 'let ', 'alias ', 'a[$i]=', 'a+=', 'a[1]=', 'readonly ', '++', '--']
SEEDS = ['$(evil)', '`evil`', 'evil', '"$(evil)"', 'echo $(evil)', 'x=$(evil)', '<(evil)', '[[ $(evil) ]]', '$((`evil`))',
         'cat <<E\n$(evil)\nE\n', "cat <<'E'\n$(evil)\nE\n", '${x:-$(evil)}', "'evil'", '# evil\n', 'f() { evil; }; f',
         'case x in x) evil;; esac', 'if true; then evil; fi', '(evil)', '{ evil; }', '! evil', 'echo evil | sh', 'eval evil',
         'sh -c evil', 'for i in 1; do evil; done', "echo '", 'echo "', 'echo `', 'echo \\', "$'\\''", '((evil))',
         '[[ a || evil ]]', 'echo &>/dev/null evil', 'time evil', 'cat <<E; evil\nE\n']


def text(rnd):
    if rnd.random() < 0.4:
        return ''.join(rnd.choice(WORDS) for _ in range(rnd.randint(2, 14)))
    t = rnd.choice(SEEDS)
    for _ in range(rnd.randint(1, 4)):
        r, i = rnd.random(), rnd.randint(0, len(t))
        if r < 0.5:
            t = t[:i] + rnd.choice(WORDS) + t[i:]
        elif r < 0.7:
            t = t[:i] + t[i + rnd.randint(1, 3):]
        elif r < 0.85:
            t = t[:i] + rnd.choice(SEEDS) + t[i:]
        else:
            t += rnd.choice([';', '\n', ' ', '&&']) + rnd.choice(SEEDS)
    return t


def runs_evil(shell, t, stubs):
    box = ['bwrap', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/var/tmp', '--chdir', '/var/tmp',
           '--unshare-all', '--die-with-parent', '--clearenv', '--setenv', 'PATH', stubs + ':/usr/bin:/bin',
           'timeout', '-s', 'KILL', '2', shell, '-c', t]
    p = subprocess.run(box, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return b'EVIL-RAN' in p.stdout


def main():
    build, seconds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    rnd, end, count, ran, missed = random.Random(seed), time.time() + seconds, 0, 0, 0
    judge = subprocess.Popen([build + '/tests/core/list_programs'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with tempfile.TemporaryDirectory() as stubs:
        os.chmod(stubs, 0o755)
        for name, body in (('evil', 'echo EVIL-RAN'), ('ok', 'true')):
            with open(os.path.join(stubs, name), 'w') as f:
                f.write('#!/bin/sh\n%s\n' % body)
            os.chmod(f.name, 0o755)
        assert runs_evil('dash', 'evil', stubs), 'the stub does not run: is bwrap installed?'
        while time.time() < end:
            t = text(rnd)
            raw = t.encode()
            if b'evil' not in raw:
                continue
            count += 1
            judge.stdin.write(struct.pack('I', len(raw)) + raw)
            judge.stdin.flush()
            if judge.stdout.read(1) != b'0':
                continue
            ran += 1
            for shell in ('bash', 'dash'):
                if runs_evil(shell, t, stubs):
                    missed += 1
                    print('MISS', shell, repr(t), flush=True)
    print('%d texts, %d of them run, %d missed (seed %d)' % (count, ran, missed, seed))
    return 1 if missed else 0


sys.exit(main())
