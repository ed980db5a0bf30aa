#!/usr/bin/env python3
"""oracle - does the shell analysis see every program that a text makes a real shell run?

    tests/oracle/oracle.py BUILD_DIR [--cases N] [--seed S] [--jobs N]
    tests/oracle/oracle.py BUILD_DIR --seed S --index I        one case again, and all that is known about it
    tests/oracle/oracle.py BUILD_DIR --text TEXT [--shell dash] a text of your own

Texts come from mutate.py. Those with an opaque piece are counted and left: whatever they run, no claim is broken. N others, in which
the analysis claims to see everything, are taken: each runs in bash, in dash, or in bash called as sh, inside a sandbox of the native driver (box.c), where
every execve of every process is reported (record.c). PATH holds real wrappers (env, xargs, find …) and stand-ins for all
else. Against that stands what the analysis sees (seen.c). A miss is one of
 - a program ran that is in no command the analysis lists, and nothing in the text is opaque;
 - a program ran with arguments that differ from what the analysis takes for certain.

Before the cases come a proof that misses are found (the answers for some cases are falsified: a command left out, an
argument changed; each must be noticed), and the corpus of tests/policy as it stands.

Prints `ok NAME` or `not ok NAME`, and each miss with the command that plays it again."""
import argparse
import concurrent.futures
import glob
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutate

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BATCH = 1250     # texts that run in one sandbox
STRIDE = 100000  # of the indices that one batch draws its texts from
LIMIT_MS = 400
REAL = '''sh dash bash env nice timeout nohup setsid stdbuf xargs find ionice flock taskset setpriv chrt script cat tee cp mv ln mkdir touch chmod
head tail tr rev base64 xxd sort uniq seq basename dirname sed awk mawk tar gzip test [ true false printf echo expr time grep wc mktemp split cut
id date nproc'''.split()
# What shells do by themselves, each other ones: where one does not, it looks in PATH, and no host has programs of these names.
NO_PROGRAMS = set('''declare typeset function let source shopt pushd popd dirs mapfile readarray builtin enable help history caller compgen
complete compopt disown bind select coproc suspend logout export readonly local eval exec set unset shift trap return break continue read wait
times umask ulimit getopts alias unalias bg fg jobs hash type command cd exit if then else elif fi do done case esac while until for in'''.split())
W_GLOB, W_SPLIT, W_BRACE, W_MADE, W_DOLLAR = 1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 7  # enum shell_word_flags


def unescape(s):
    """tests/policy/README: \\n \\t \\\\ \\xHH are bytes."""
    raw = re.sub(rb'\\(n|t|\\|x[0-9a-f]{2})', lambda m: {b'n': b'\n', b't': b'\t', b'\\': b'\\'}.get(m[1]) or bytes([int(m[1][1:], 16)]), s)
    return raw.decode('utf-8', 'surrogateescape')


def corpus():
    lines = []
    for path in sorted(glob.glob(os.path.join(ROOT, 'tests/policy/*.txt'))):
        with open(path, 'rb') as f:
            lines += [unescape(line.rstrip(b'\n').split(b'\t', 2)[2]) for line in f if line.count(b'\t') >= 2]
    return [t for t in lines if t and '\x00' not in t]


# --- running ---

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def u32(self, n=1):
        v = struct.unpack_from('=%dI' % n, self.data, self.at)
        self.at += 4 * n
        return v[0] if n == 1 else v

    def string(self):
        n = self.u32()
        self.at += n
        return self.data[self.at - n:self.at]


def raw(text):
    return text.encode('utf-8', 'surrogateescape')


def fill_path(folder, build, texts):
    """FOLDER/bin: links to what is real, and to the stand-in for every name that occurs anywhere."""
    shutil.copy(os.path.join(build, 'tests/oracle/oracle_stub'), os.path.join(folder, 'bin/.stub'))
    names = set(mutate.PROGRAMS) | {'.missing'}
    for t in texts:
        names |= set(re.findall(r'[A-Za-z_][A-Za-z0-9_.+-]*', t))
    for name in REAL:
        real = shutil.which(name, path='/usr/bin:/bin')
        if real:
            os.symlink(real, os.path.join(folder, 'bin', name))
    for name in names - set(REAL) - NO_PROGRAMS:
        os.symlink('.stub', os.path.join(folder, 'bin', name))


def run_shells(build, cases, texts, show=False):
    """For each (shell, text) whether it was cut off by the clock, and the list of (path, argv, cut)."""
    with tempfile.TemporaryDirectory(prefix='oracle-') as folder:
        os.chmod(folder, 0o755)
        os.mkdir(os.path.join(folder, 'bin'))
        fill_path(folder, build, texts)
        shutil.copy(os.path.join(build, 'tests/oracle/oracle_record'), os.path.join(folder, 'record'))
        with open(os.path.join(folder, 'cases'), 'wb') as f:
            for i, (shell, text) in enumerate(cases):
                f.write(struct.pack('=3I', i, shell, len(raw(text))) + raw(text))
        env = dict(os.environ, SALLYPORT_SHIM=os.environ.get('SALLYPORT_SHIM') or os.path.join(build, 'src/shim/sallyport-shim'))
        if show:
            env['ORACLE_STDERR'] = '1'
        p = subprocess.run([os.path.join(build, 'tests/oracle/oracle_box'), folder, os.path.join(folder, 'record'), folder, str(LIMIT_MS)],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=None if show else subprocess.PIPE, env=env)
        if p.returncode != 0:
            raise RuntimeError('the sandbox failed (%d): %s' % (p.returncode, (p.stderr or b'').decode(errors='replace')[-2000:]))
        return read_execs(p.stdout, len(cases), os.path.join(folder, 'bin').encode())


def read_execs(data, count, bin_folder):
    r, out = Reader(data), []
    for _ in range(count):
        _, late, n = r.u32(3)
        execs = []
        for _ in range(n):
            strings, cut = r.u32(2)
            path, *argv = [r.string() for _ in range(strings)]
            if path.startswith(bin_folder + b'/'):
                path = path[len(bin_folder) + 1:]
                if path == b'.missing':  # called by bash for a name that it did not find
                    path, argv = argv[1] if len(argv) > 1 else b'', argv[1:]
            argv = [a.replace(bin_folder + b'/', b'') if i == 0 else a for i, a in enumerate(argv)]
            if (path, argv, cut) not in execs:
                execs.append((path, argv, cut))
        out.append((late, execs))
    return out


class Seen:
    """What the analysis lists: opaque pieces, and commands as (how, [(flags, text, form)])."""

    def __init__(self, r):
        self.opaque, n = r.u32(2)
        self.cmds = []
        for _ in range(n):
            how = r.string()
            self.cmds.append((how, [(r.u32(), r.string(), r.string()) for _ in range(r.u32())]))


def analyse(build, cases):
    data = b''.join(struct.pack('=I', len(raw(t))) + raw(t) for _, t in cases)
    p = subprocess.run([os.path.join(build, 'tests/oracle/oracle_seen')], input=data, stdout=subprocess.PIPE, check=True)
    r = Reader(p.stdout)
    return [Seen(r) for _ in cases]


# --- the question ---

ONE = {b'\x02': rb'.*', b'\x03': rb'(?:.|\[.*\])', b'\x05': rb'(?:/home/agent|/tmp/c|/|~)', b'\x06': rb'.*'}


def form_regex(form):
    """What a word with this form may have become; the home of a user who does not exist stays as it is written."""
    out = b''
    for part in re.split(rb'(\x01[^\x01]*\x01|[\x02\x03\x05\x06])', form):
        out += rb'.*' if part[:1] == b'\x01' else ONE.get(part) or re.sub(rb'/home/|/root', lambda m: {b'/root': rb'(?:/root|~root)'}.get(m[0], rb'(?:/home/|~)'), re.escape(part))
    return re.compile(out, re.S)


MARKS = re.compile(rb'[\x01\x02\x03\x05\x06]')


class Matcher:
    """Does one listed command describe what was run?"""

    def __init__(self, shell, text, execs):
        # dash has no braces and no $'…', and bash can be told (+B): there such an argument stays as it is written
        self.strict = shell != 1 and '+B' not in text and 'braceexpand' not in text and not any(path.rsplit(b'/', 1)[-1] in (b'sh', b'dash') for path, *_ in execs)
        self.text = text
        self.below = any(path.rsplit(b'/', 1)[-1] == b'find' for path, *_ in execs)  # find hands on what is below its starting points, too
        self.beside = any(b'-execdir' in argv or b'-okdir' in argv for _, argv, *_ in execs)  # -execdir: as ./name

    def one_arg(self, word, arg):
        flags, text, form = word
        if not MARKS.search(form):
            if arg == form or ((b'~' in text or flags & W_BRACE) and form_regex(form).fullmatch(arg)):
                return True
            return not self.strict and flags & W_DOLLAR != 0
        return form_regex(form).fullmatch(arg) is not None or (not self.strict and flags & W_DOLLAR != 0)

    def made(self, word, arg):
        """A word that find or xargs puts there."""
        if self.one_arg(word, arg) or self.one_arg(word, arg.rstrip(b'\n')) or (not self.strict and "$'" in self.text):
            return True
        return self.below and ((self.beside and arg.startswith(b'./')) or form_regex(word[2].rstrip(b'\x02').rstrip(b'/') + b'\x02').fullmatch(arg) is not None)

    def group(self, words):
        """How many of the words go together, how few and many arguments they take, and the test of one."""
        flags, text, form = words[0]
        if flags & W_MADE and not flags & W_BRACE:
            n = 1
            while n < len(words) and words[n][0] & W_MADE and not words[n][0] & W_BRACE:
                n += 1
            return n, 0, 999, lambda a: any(self.made(w, a) for w in words[:n])
        if flags & W_SPLIT and MARKS.search(form):
            return 1, 0, 999, lambda a: True
        if flags & W_GLOB:
            return 1, 1, 999, lambda a: self.one_arg(words[0], a)
        return 1, 1, 1, lambda a: self.one_arg(words[0], a)

    def rest(self, words, args):
        if not words:
            return not args
        n, low, high, test = self.group(words)
        k = 0
        while True:
            if k >= low and self.rest(words[n:], args[k:]):
                return True
            if k >= min(high, len(args)) or not test(args[k]):
                break
            k += 1
        if words[0][0] & W_BRACE and not self.strict and args and b'{' in args[0]:
            n = 1
            while n < len(words) and words[n][0] & W_BRACE:
                n += 1
            if any(self.rest(words[i:], args[1:]) for i in range(1, n + 1)):
                return True
            # {`x`,y} is one word there, cut where the output has blanks
            cut = any(w[0] & W_SPLIT and MARKS.search(w[2]) for w in words[:n])
            return cut and any(b'}' in args[k - 1] and self.rest(words[n:], args[k:]) for k in range(2, len(args) + 1))
        return False

    def name(self, word, path, argv):
        form = word[2]
        if word[0] & W_MADE:  # xargs -0 makes the line's end a part of the name: no program is called that
            path = path.rstrip(b'\n')
        if b'/' in form and argv[:1] == [form] and path.startswith(b'/') and path.rsplit(b'/', 1)[1] == form.rsplit(b'/', 1)[1]:
            return True  # bash's exec makes the path a full one, and leaves the name
        if form == path or (b'/' not in form and re.match(rb'(/usr(/local)?)?/s?bin/', path) and form == path.rsplit(b'/', 1)[1]):
            return True
        return re.search(rb'[\x05\x06]', form) is not None and b'\x01' not in form and form_regex(form).fullmatch(path) is not None


TEXT_RUNNERS = (b'flock', b'script')
COMPRESSORS = (b'gzip', b'xz', b'bzip2', b'zstd', b'lzip', b'compress')


def implied(seen, path, argv):
    """Programs that a listed one starts by itself."""
    tar = any(words and words[0][2] == b'tar' for _, words in seen.cmds)
    if path in (b'sh', b'/bin/sh') and argv[1:2] == [b'-c']:  # what that shell runs is told by itself
        return any(words and words[0][2] in TEXT_RUNNERS for _, words in seen.cmds) or (tar and argv[2:] and argv[2].split()[0] in COMPRESSORS)
    if path in (b'sh', b'/bin/sh') and any(words and words[0][2] == argv[1:2][0] for _, words in seen.cmds if argv[1:2]):
        return True  # a file of the workspace that is a script: what it may do is the sandbox's affair
    return tar and path.rsplit(b'/', 1)[-1] in COMPRESSORS


def explains(seen, matcher, path, argv, cut, names_only=False):
    found = []
    for how, words in seen.cmds:
        if how == b'variable' or not words or not matcher.name(words[0], path, argv):
            continue  # a guess at a variable's value claims nothing
        if cut or names_only or matcher.rest(words[1:], argv[1:]):
            found.append(words)
    return found


def judge(shell, text, seen, execs):
    """The misses of one case: (kind, path, argv)."""
    if seen.opaque or any(how == b'shell script' and words and re.match(rb'/etc/|/usr/|\./(a\.c|b\.c|in|list|x)$', words[0][2]) for how, words in seen.cmds):
        return []  # what a script of the machine holds stands in no text
    if any(how == b'find -exec' and len(words) > 1 and words[0][2] in (b'sh', b'bash') and words[1][0] & W_MADE for how, words in seen.cmds):
        return []  # nor what one holds that find finds
    m = Matcher(shell, text, execs)
    for path, argv, cut in execs:
        if explains(seen, m, path, argv, cut) or implied(seen, path, argv):
            continue
        if path.decode('latin-1') in NO_PROGRAMS:  # tried by a wrapper, not found
            continue
        if path == b'time':  # a reserved word of bash, a program for sh: it runs the rest, which is told too
            continue
        kind = 'arguments misread' if explains(seen, m, path, argv, cut, True) else 'program not seen'
        return [(kind, path, argv)]  # one says enough
    return []


# --- batches ---

def falsified(shell, text, seen, execs, rnd):
    """Answers with a fault put in, that must all be noticed: [(what, seen)]."""
    if seen.opaque or judge(shell, text, seen, execs):
        return []
    out, m = [], Matcher(0, '', [])
    picked = [e for e in execs if not e[2] and e[0] not in (b'sh', b'time') and not implied(seen, e[0], e[1]) and
              e[0].decode('latin-1') not in NO_PROGRAMS]
    if not picked:
        return []
    path, argv, _ = rnd.choice(picked)
    less = Seen.__new__(Seen)
    less.opaque, less.cmds = 0, [(h, w) for h, w in seen.cmds if not (w and m.name(w[0], path, argv))]
    out.append(('a command left out', less))
    plain = [w for h, w in seen.cmds if w and m.name(w[0], path, argv)]
    if len(argv) > 1 and all(len(w) > 1 and not any(MARKS.search(x[2]) or x[0] & (W_MADE | W_BRACE) or b'$' in x[1] for x in w) for w in plain):
        other = Seen.__new__(Seen)
        other.opaque = 0
        other.cmds = [(h, w[:-1] + [(w[-1][0], w[-1][1], w[-1][2] + b'X')] if w in plain else w) for h, w in seen.cmds]
        out.append(('an argument changed', other))
    return out


def run_batch(build, cases, texts, falsify=None):
    """(opaque, late, execs, misses [(position, …)], falsified answers, of these found)"""
    answers, ran = analyse(build, cases), run_shells(build, cases, texts)
    opaque = late = execs = lies = caught = 0
    misses = []
    rnd = random.Random(falsify)
    for i, ((shell, text), seen, (cut, list_)) in enumerate(zip(cases, answers, ran)):
        opaque += seen.opaque > 0
        late += cut
        execs += len(list_)
        misses += [(i, *m) for m in judge(shell, text, seen, list_)]
        for what, lie in falsified(shell, text, seen, list_, rnd) if falsify is not None else []:
            lies += 1
            if judge(shell, text, lie, list_):
                caught += 1
            else:
                print('# not noticed: %s: %r' % (what, text))
    return opaque, late, execs, misses, lies, caught


def claimed(build, seed, start, count, texts):
    """The first `count` cases from index `start` on in which nothing is opaque: [(index, case, Seen)], and how many others came between."""
    out, index = [], start
    while len(out) < count:
        if index - start >= STRIDE:
            raise RuntimeError('nearly every text is opaque')
        cases = [mutate.case(seed, index + i, texts) for i in range(count)]
        out += [(index + i, case, seen) for i, (case, seen) in enumerate(zip(cases, analyse(build, cases))) if not seen.opaque]
        index += count
    return out[:count], out[count - 1][0] + 1 - start - count


def batch_of(build, seed, start, count, texts):
    """(opaque, late, execs, misses [(index, …)])"""
    taken, opaque = claimed(build, seed, start, count, texts)
    ran = run_shells(build, [case for _, case, _ in taken], texts)
    misses = [(index, *m) for (index, case, seen), (_, execs) in zip(taken, ran) for m in judge(*case, seen, execs)]
    return opaque, sum(late for late, _ in ran), sum(len(execs) for _, execs in ran), misses


def show_miss(shell, text, kind, path, argv, again):
    print('# MISS (%s): %s of %r' % (mutate.SHELLS[shell], kind, text))
    print('#      ran %r as %r' % (path, argv))
    print('#      again: ' + again, flush=True)


def show_case(build, shell, text, texts):
    cases = [(shell, text)]
    seen, (late, execs) = analyse(build, cases)[0], run_shells(build, cases, texts + [text], show=True)[0]
    print('%s -c %s\n%r%s' % (mutate.SHELLS[shell], text, text, '   (stopped by the clock)' if late else ''))
    print('opaque pieces: %d' % seen.opaque)
    for how, words in seen.cmds:
        print('seen%s %s' % (' (%s)' % how.decode() if how else '', [w[2] for w in words]))
    for path, argv, _ in execs:
        print('ran  %r %r' % (path, argv))
    misses = judge(shell, text, seen, execs)
    for kind, path, argv in misses:
        print('MISS %s: %r %r' % (kind, path, argv))
    return 1 if misses else 0


def corpus_check(build, texts, jobs, thorough):
    cases = [(shell, t) for i, t in enumerate(texts) for shell in (range(3) if thorough else [i % 3])]
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        starts = range(0, len(cases), BATCH)
        parts = [pool.submit(run_batch, build, cases[s:s + BATCH], texts) for s in starts]
        misses = [(s + m[0], *m[1:]) for s, p in zip(starts, parts) for m in p.result()[3]]
    for i, kind, path, argv in misses:
        show_miss(*cases[i], kind, path, argv, 'oracle.py BUILD --text … --shell ' + mutate.SHELLS[cases[i][0]])
    print('%s the corpus as it stands # %d runs, %d misses' % ('not ok' if misses else 'ok', len(cases), len(misses)), flush=True)
    return not misses


def self_test(build, seed, texts):
    *_, lies, caught = run_batch(build, [mutate.case('self-test', i, texts) for i in range(600)], texts, falsify=seed)
    ok = lies >= 100 and caught == lies
    print('%s falsified answers are noticed # %d of %d' % ('ok' if ok else 'not ok', caught, lies), flush=True)
    return ok


def mutations(build, args, texts):
    begin, total, misses = time.monotonic(), [0, 0, 0], []
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        starts = range(0, args.cases, BATCH)
        jobs = [pool.submit(batch_of, build, args.seed, s // BATCH * STRIDE, min(BATCH, args.cases - s), texts) for s in starts]
        for job in concurrent.futures.as_completed(jobs):
            opaque, late, execs, found = job.result()
            total = [a + b for a, b in zip(total, (opaque, late, execs))]
            for index, kind, path, argv in found:
                misses.append(index)
                show_miss(*mutate.case(args.seed, index, texts), kind, path, argv, 'tests/oracle/oracle.py BUILD --seed %s --index %d' % (args.seed, index))
    ok = not misses and total[2] > args.cases / 2  # most texts must run something, or this proves nothing
    print('# besides %d opaque texts; %d stopped by the clock, %.0f s' % (total[0], total[1], time.monotonic() - begin))
    print('%s mutations # %d texts, %d programs run, %d misses, seed %s' % ('ok' if ok else 'not ok', args.cases, total[2], len(misses), args.seed), flush=True)
    return ok


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('build')
    a.add_argument('--cases', type=int, default=5000)
    a.add_argument('--seed', default=str(random.SystemRandom().randrange(1 << 32)))
    a.add_argument('--jobs', type=int, default=min(2, os.cpu_count() or 1))
    a.add_argument('--index', type=int)
    a.add_argument('--text')
    a.add_argument('--shell', choices=mutate.SHELLS, default='bash')
    args = a.parse_args()
    texts, args.build = corpus(), os.path.abspath(args.build)
    if args.text is not None:
        return show_case(args.build, mutate.SHELLS.index(args.shell), args.text, texts)
    if args.index is not None:
        return show_case(args.build, *mutate.case(args.seed, args.index, texts), texts)
    ok = self_test(args.build, args.seed, texts)
    ok = corpus_check(args.build, texts, args.jobs, args.cases > 10000) and ok
    ok = mutations(args.build, args, texts) and ok
    return 0 if ok else 1


if __name__ == '__main__':
    sys.exit(main())
