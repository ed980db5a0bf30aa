/* policy_files - the paths and hosts a command's operands visibly name.
 *
 * Why it exists: `cp x /etc/passwd` writes as much as `> /etc/passwd`. One row
 * per common program; what is not listed is held by the sandbox alone.
 * May include: core/policy_int.h.  Pure. */
#include <string.h>

#include "base/str.h"
#include "core/policy_int.h"

/* Which operands are written. */
enum what { ALL, FIRST, LAST, NOT_FIRST, SECOND, NONE };
static const struct {
    const char *progs; /* globs between blanks */
    enum what what;
    const char *args;  /* letters whose value is not an operand */
    const char *dest;  /* letters whose value is written; with long spellings in `longs` */
    const char *longs; /* "name,name" */
    bool replaces;     /* what is there makes way, be it a device */
    bool rest;         /* its other operands and options may name more that it writes */
} writers[] = {
    {"rm rmdir unlink", ALL, "", "", "", true, false},
    {"shred", ALL, "ns", "", "", false, false},
    {"touch", ALL, "drt", "", "", false, false},
    {"mkdir mkfifo mknod", ALL, "m", "", "", true, false},
    {"mktemp", ALL, "", "p", "tmpdir", false, false},
    {"truncate", ALL, "sr", "", "", false, false},
    {"tee sponge", ALL, "", "", "", false, false},
    {"chmod chown chgrp chattr", NOT_FIRST, "", "", "", true, false},
    {"setfacl", NONE, "mxM", "", "", false, false},
    {"mv", ALL, "S", "t", "target-directory", true, false},
    {"cp", LAST, "S", "t", "target-directory", false, false},
    {"ln", LAST, "S", "t", "target-directory", true, false},
    {"install ginstall", LAST, "mogS", "t", "target-directory", true, false},
    {"rsync", LAST, "eBfT", "", "log-file,backup-dir,write-batch,only-write-batch,temp-dir,partial-dir", false, false},
    {"tar gtar bsdtar", NONE, "", "Cg", "directory,one-top-level,listed-incremental,index-file,volno-file", false,
     false},
    {"zip", FIRST, "niP", "Ob", "output-file,temp-path,log-file,logfile-path", false, false},
    {"unzip", NONE, "", "d", "", false, false},
    {"7z 7za 7zr", SECOND, "", "o", "", false, false},
    {"ranlib", ALL, "", "", "", false, false},
    {"pv bear", NONE, "", "o", "output", false, false},
    {"ar", SECOND, "", "", "output", false, false},
    {"gcc g++ cc c++ cpp gcc-[0-9]* g++-[0-9]* clang clang++ clang-[0-9]* clang++-[0-9]*", NONE, "", "o", "", false,
     true},
    {"ld lld gold as nasm yasm windres flex lex bison yacc rustc protoc gengetopt", NONE, "", "o", "", false, true},
    {"strip", ALL, "FIORKNj", "o", "", false, false},
    {"objcopy", ALL, "IOBFjRKNLGWb", "", "", false, false},
    {"sort shuf", NONE, "kt", "oT", "output,temporary-directory", false, false},
    {"iconv tree xmllint sdiff time", NONE, "", "o", "output", false, false},
    {"valgrind", NONE, "", "", "log-file,xml-file,callgrind-out-file,cachegrind-out-file,massif-out-file,dhat-out-file",
     false, false},
    {"less more", NONE, "", "oO", "log-file,LOG-FILE", false, false},
    {"awk gawk", NONE, "Fvfie", "odp", "pretty-print,dump-variables,profile", false, false},
    {"uniq", SECOND, "fsw", "", "", false, false},
    {"xxd", SECOND, "cglosn", "", "", false, false},
    {"lz4", SECOND, "", "", "", false, false},
    {"curl", NONE, "", "ocD", "output,cookie-jar,dump-header,output-dir,trace,trace-ascii,stderr,etag-save", false,
     false},
    {"wget", NONE, "", "OPoa", "output-document,directory-prefix,output-file,append-output,save-cookies", false, false},
    {"go", NONE, "", "o", "", false, true},
    {"gzip gunzip bzip2 bunzip2 xz unxz lzma unlzma uncompress", ALL, "S", "", "", false, false},
    {"zstd unzstd", ALL, "DM", "o", "output-dir-flat,output-dir-mirror", false, false},
    {"dos2unix unix2dos mac2unix unix2mac", ALL, "", "", "", false, false},
    {"patch", FIRST, "ipFDgVz", "odrBY", "output,directory,reject-file,prefix,basename-prefix", false, false},
    {"split", SECOND, "abClnt", "", "", false, false},
    {"csplit", NONE, "bn", "f", "prefix", false, false},
    {"git", NONE, "", "o", "output,output-directory,separate-git-dir", false, false},
    {"mkfs* mkswap wipefs", ALL, "", "", "", false, false},
    {"ed", ALL, "", "", "", false, false},
};

/* Programs that leave every file alone that they are not told to write in a way the table knows. Of the others, a
 * path outside the workspace is taken for one they may write, or run. */
static const char readers[] =
    ": true false test [ echo printf cd pwd pushd popd dirs export declare typeset local readonly unset set shift read "
    "mapfile readarray getopts return exit break continue wait umask ulimit type hash let shopt jobs fg bg disown "
    "times "
    "kill pkill killall which whereis sleep trap source . eval exec command builtin alias "
    "ls dir cat tac head tail bat wc file stat du df find gfind grep egrep fgrep zgrep rg ag ack fd fdfind cut tr "
    "paste "
    "join comm column nl rev fold fmt expand unexpand od hexdump strings diff colordiff cmp diff3 diffstat md5sum "
    "sha*sum b2sum cksum sum "
    "basename dirname realpath readlink date cal uname hostname arch id whoami groups users tty env printenv locale "
    "nproc "
    "free uptime ps pgrep pstree lscpu lsof seq yes jq xq mawk sed gsed bc dc expr factor numfmt tput clear "
    "envsubst getconf base64 base32 tokei scc man info help tldr apropos apt-cache dpkg-query tsort ldd nm objdump "
    "readelf size addr2line c++filt lsblk mountpoint findmnt getent stty look ts watch pv zcat bzcat xzcat zstdcat "
    "zipinfo "
    "dd sync git shellcheck ssh scp sudo doas su xargs timeout nice nohup setsid stdbuf ionice flock script strace "
    "ltrace "
    "sh bash dash ash ksh mksh zsh fish busybox chroot unshare";

/* --name or the beginning of one of the names. Its value when it stands in the same word, "" when it follows. */
static const char *long_value(const char *longs, const char *f)
{
    size_t n = strcspn(f + 2, "=");

    for (const char *p = longs; n > 2 && *p;) {
        size_t k = strcspn(p, ",");
        if (n <= k && strncmp(p, f + 2, n) == 0)
            return f[2 + n] ? f + 3 + n : "";
        p += k + (p[k] == ',');
    }
    return NULL;
}

struct operands {
    const struct shell_cmd *c;
    size_t at[64]; /* operands: indexes of words */
    size_t n;
};

/* Calls fn for the values of destination options; gathers the operands. */
static void scan(const struct shell_cmd *c, size_t row, struct operands *out, files_fn fn, void *arg)
{
    const char *args = writers[row].args, *dest = writers[row].dest, *longs = writers[row].longs;
    int how = writers[row].replaces ? FILE_REPLACE : POLICY_WRITE;
    bool more = true;

    out->c = c;
    out->n = 0;
    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        if (more && str_eq(f, "--")) {
            more = false;
        } else if (more && f[0] == '-' && f[1] == '-') {
            const char *value = long_value(longs, f);
            if (value && *value)
                fn(arg, how, value);
            else if (value && i + 1 < c->nwords)
                fn(arg, how, c->words[++i].form);
        } else if (more && f[0] == '-' && f[1]) {
            const char *p = f + 1;
            while (*p && !strchr(dest, *p) && !strchr(args, *p))
                p++;
            if (*p && strchr(dest, *p)) {
                if (p[1])
                    fn(arg, how, p + 1 + (p[1] == '='));
                else if (i + 1 < c->nwords)
                    fn(arg, how, c->words[++i].form);
            } else if (*p && !p[1]) {
                i++;
            }
        } else if (*f && out->n < ARRAY_LEN(out->at)) {
            out->at[out->n++] = i;
        } else if (*f) {
            fn(arg, how, f); /* more operands than there is room for: all of them count */
        }
    }
}

/* chmod --reference=x takes no mode, lz4 -m no name of its output: the first operand is written, too. */
static bool all_count(const struct shell_cmd *c)
{
    const char *prog = shell_base(c->words[0].form);
    bool modes = glob_listed("chmod chown chgrp", prog), lz4 = str_eq(prog, "lz4");

    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        if ((modes && str_starts(f, "--ref")) || (lz4 && (str_starts(f, "-m") || str_starts(f, "--m"))))
            return true;
    }
    return false;
}

static void writes(const struct shell_cmd *c, size_t row, files_fn fn, void *arg)
{
    struct operands o;
    size_t from = 0;

    scan(c, row, &o, fn, arg);
    if (writers[row].what == NONE || o.n == 0)
        return;
    size_t to = writers[row].what == FIRST ? 1 : o.n;
    if (writers[row].what == LAST)
        from = o.n - 1;
    if (writers[row].what == NOT_FIRST || writers[row].what == SECOND)
        from = 1;
    if (from > 0 && all_count(c))
        from = 0;
    for (size_t i = from; i < to; i++)
        fn(arg, writers[row].replaces ? FILE_REPLACE : POLICY_WRITE, c->words[o.at[i]].form);
}

/* tar -cf archive, tar cf archive, tar --file=archive --create. */
static void tar_writes(const struct shell_cmd *c, files_fn fn, void *arg)
{
    bool creates = false;

    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        bool cluster = (f[0] == '-' && f[1] != '-') || i == 1;
        creates = creates || (cluster && strpbrk(f, "cruA")) || str_starts(f, "--create") ||
                  str_starts(f, "--append") || str_starts(f, "--update") || str_starts(f, "--delete") ||
                  str_starts(f, "--concat") || str_starts(f, "--catenate");
    }
    for (size_t i = 1; creates && i < c->nwords; i++) {
        const char *f = c->words[i].form, *at = NULL;
        if (f[0] == '-' && f[1] == '-')
            at = long_value("file", f);
        else if ((f[0] == '-' && f[1] != '-') || i == 1)
            at = strchr(f, 'f') ? strchr(f, 'f') + 1 : NULL;
        if (at && !*at && i + 1 < c->nwords)
            at = c->words[i + 1].form;
        if (at && *at && !str_eq(at, "-"))
            fn(arg, POLICY_WRITE, at);
    }
}

/* find -fprint file, -fprintf file format, -fls file. */
static void find_writes(const struct shell_cmd *c, files_fn fn, void *arg)
{
    for (size_t i = 1; i + 1 < c->nwords; i++) {
        const char *f = c->words[i].form;
        if (str_starts(f, "-fprint") || str_eq(f, "-fls"))
            fn(arg, POLICY_WRITE, c->words[i + 1].form);
    }
}

/* A link leads where it points to: whoever writes through it writes there. */
static void link_reaches(const struct shell_cmd *c, files_fn fn, void *arg)
{
    const char *operands[64];
    size_t n = 0;
    bool symbolic = false;

    for (size_t i = 1; i < c->nwords && n < ARRAY_LEN(operands); i++) {
        const char *f = c->words[i].form;
        bool option = f[0] == '-' && f[1];
        symbolic = symbolic || (option && f[1] != '-' && strchr(f, 's')) || str_starts(f, "--sym");
        if (!option)
            operands[n++] = f;
    }
    for (size_t i = 0; i + 1 < n || (i == 0 && n == 1); i++) {
        const char *to = operands[i], *at = n > 1 ? operands[n - 1] : "";
        size_t dir = strrchr(at, '/') ? (size_t)(strrchr(at, '/') - at) + 1 : 0;
        AUTO(buf_fini) struct buf b = BUF_INIT(16 * KIB);
        if (symbolic && *to != '/' && *to != SHELL_F_HOME && *to != SHELL_F_PWD) /* a relative one starts at the link */
            buf_add(&b, at, dir);
        buf_puts(&b, to);
        fn(arg, FILE_MAYBE, b.bad ? "/" : b.p ? b.p : "");
    }
}

/* cp -s, cp -l make links. */
static bool copies_links(const struct shell_cmd *c)
{
    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        if (f[0] == '-' && (f[1] == '-' ? str_starts(f, "--sy") || str_eq(f, "--link") : strpbrk(f, "sl") != NULL))
            return true;
    }
    return false;
}

/* install -d DIR…: every operand. */
static void install_dirs(const struct shell_cmd *c, files_fn fn, void *arg)
{
    bool dirs = false;

    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        dirs = dirs || str_eq(f, "--directory") || (f[0] == '-' && f[1] != '-' && strchr(f, 'd'));
    }
    for (size_t i = 1; dirs && i < c->nwords; i++) {
        if (c->words[i].form[0] != '-')
            fn(arg, POLICY_WRITE, c->words[i].form);
    }
}

/* Values of the options, and the operands, of subcommands that make files where they are told to. */
static void git_reaches(const struct shell_cmd *c, files_fn fn, void *arg)
{
    const char *sub = c->nwords > 1 ? c->words[1].form : "";
    bool config = str_eq(sub, "config");

    for (size_t i = 2; i < c->nwords; i++) {
        const char *f = c->words[i].form, *eq = f[0] == '-' ? strchr(f, '=') : NULL;
        if (config && (str_starts(f, "--gl") || str_starts(f, "--sys")))
            fn(arg, POLICY_WRITE, str_starts(f, "--gl") ? "\x05/.gitconfig" : "/etc/gitconfig");
        if (eq && eq[1])
            fn(arg, FILE_MAYBE, eq + 1);
        else if (glob_listed("init worktree bundle config apply am checkout-index clone", sub) && f[0] != '-')
            fn(arg, FILE_MAYBE, f);
    }
}

/* `make install` goes to the system, unless it is told another place. */
static void installs(const struct shell_cmd *c, const char *prog, files_fn fn, void *arg)
{
    bool python = glob_listed("python python[23]*", prog), target = false, place = false;

    if (!python && !glob_listed("make gmake bmake ninja samu meson cmake", prog))
        return;
    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        bool setup = i > 1 && glob_match("*setup.py", c->words[i - 1].form);
        target =
            target || (python ? setup && str_eq(f, "install")
                              : glob_match("install*", f) || glob_match("uninstall*", f) || str_eq(f, "--install"));
        place = place || str_eq(f, "-n") || str_starts(f, "--dry") || str_starts(f, "DESTDIR=") ||
                str_starts(f, "--destdir") || str_starts(f, "--root") || str_starts(f, "--prefix");
        if (i + 1 < c->nwords && (str_eq(f, "--prefix") || str_eq(f, "--destdir")))
            fn(arg, FILE_MAYBE, c->words[i + 1].form);
        else if (target && (str_starts(f, "--prefix=") || str_starts(f, "prefix=")))
            fn(arg, FILE_MAYBE, strchr(f, '=') + 1);
    }
    for (size_t i = 0; i < c->nassigns; i++)
        place = place || str_eq(c->assigns[i].name, "DESTDIR");
    if (target && !place)
        fn(arg, FILE_MAYBE, "/usr/local");
}

/* A path that certainly leads out of where the command works, by the look of it. */
static bool points_out(const char *f)
{
    return *f == '/' || *f == SHELL_F_HOME || str_starts(f, "../") || str_eq(f, "..") || strstr(f, "/../") ||
           (strlen(f) > 3 && str_eq(f + strlen(f) - 3, "/.."));
}

/* --cov-report=html:/x, --emit=dep-info=/x, -Xlog:gc:/x, --reporter plain,output=/x: the file stands at the end. */
static void at_the_end(const struct shell_cmd *c, const char *prog, files_fn fn, void *arg)
{
    static const struct {
        const char *progs, *opt;
    } ends[] = {{"pytest py.test", "--cov-report"},
                {"rustc", "--emit"},
                {"java", "-Xlog"},
                {"objcopy", "--dump-section"},
                {"ktlint", "--reporter"},
                {"detekt", "--report"},
                {"detekt", "-r"},
                {"golangci-lint", "--out"},
                {"nim", "-o"},
                {"nim", "--out"},
                {"nim", "--nimcache"}};

    for (size_t k = 0; k < ARRAY_LEN(ends); k++) {
        for (size_t i = 1; glob_listed(ends[k].progs, prog) && i < c->nwords; i++) {
            const char *f = c->words[i].form, *next = i + 1 < c->nwords ? c->words[i + 1].form : "";
            if (!str_starts(f, ends[k].opt))
                continue;
            f = strpbrk(f, ":=") ? f : next;
            for (const char *p = strpbrk(f, ":=,"); p; p = strpbrk(p + 1, ":=,"))
                if (points_out(p + 1))
                    fn(arg, POLICY_WRITE, p + 1);
        }
    }
}

/* sed -i, perl -i, dd of= and others: not in the table's shape. */
static void odd_writers(const struct shell_cmd *c, const char *prog, files_fn fn, void *arg)
{
    bool in_place = false, script = false;

    if (glob_listed("tar gtar bsdtar", prog))
        tar_writes(c, fn, arg);
    if (glob_listed("find gfind", prog))
        find_writes(c, fn, arg);
    if (str_eq(prog, "ln") || (str_eq(prog, "cp") && copies_links(c)))
        link_reaches(c, fn, arg);
    if (glob_listed("install ginstall", prog))
        install_dirs(c, fn, arg);
    if (str_eq(prog, "git"))
        git_reaches(c, fn, arg);
    installs(c, prog, fn, arg);
    at_the_end(c, prog, fn, arg);
    if (str_eq(prog, "dd")) {
        for (size_t i = 1; i < c->nwords; i++) {
            if (str_starts(c->words[i].form, "of="))
                fn(arg, POLICY_WRITE, c->words[i].form + 3);
        }
        return;
    }
    if (!glob_listed("sed gsed perl yq", prog))
        return;
    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form;
        in_place = in_place || (f[0] == '-' && f[1] != '-' && strchr(f, 'i')) || str_starts(f, "--in");
        script = script || (f[0] == '-' && f[1] != '-' && strpbrk(f, "ef")) || str_starts(f, "--expression");
    }
    for (size_t i = 1; in_place && i < c->nwords; i++) {
        const char *f = c->words[i].form;
        if (f[0] == '-') {
            i += f[1] != '-' && strpbrk(f, "ef") && !strpbrk(f, "ef")[1];
            continue;
        }
        if (script)
            fn(arg, POLICY_WRITE, f);
        script = true; /* the first operand is the script */
    }
}

/* Only read, or only remembered for a later `make install`. */
static bool only_named(const char *prog, const char *f, const char *value)
{
    static const char later[] =
        "--prefix --exec-prefix prefix exec_prefix PREFIX -DCMAKE_INSTALL_* -DCMAKE_PREFIX_PATH "
        "CMAKE_INSTALL_* CMAKE_PREFIX_PATH --with-* --sysroot --toolchain -isystem* -Wl,-rpath* -f*-prefix-map";
    static const char compilers[] = "gcc* g++* cc c++ cpp clang clang++ clang-[0-9]* clang++-[0-9]* *-gcc *-g++ ld lld "
                                    "gold rustc as nasm yasm protoc go "
                                    "cppcheck swig moc valac";
    char name[64];
    size_t n = (size_t)(value - f);

    n -= n && f[n - 1] == '=';
    if (n < sizeof(name)) {
        memcpy(name, f, n);
        name[n] = '\0';
        if ((glob_listed(later, name) && !glob_listed("npm pnpm yarn", prog)) ||
            (glob_listed("configure meson", prog) && glob_listed("--*dir", name)))
            return true;
    }
    return glob_listed(compilers, prog) && f[0] == '-' && strchr("ILDUi", f[1]);
}

/* What stands where a program that is not known may write. */
static void may_write(const struct shell_cmd *c, const char *prog, files_fn fn, void *arg)
{
    static const char system[] = "python python[23]* pypy* perl* ruby* node nodejs php* lua* java Rscript tclsh*";
    bool script = glob_listed(system, prog);
    bool linker = glob_listed("gcc* g++* cc c++ clang*", prog);

    fn(arg, FILE_MAYBE, "."); /* it works where it stands */
    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form, *eq = strchr(f, '='), *value = NULL;
        bool option = f[0] == '-';
        if (!option && points_out(f))
            value = f;
        else if (eq && points_out(eq + 1))
            value = eq + 1;
        else if (option && f[1] && f[1] != '-' && f[2] && points_out(f + 2)) /* -C/, -o/x */
            value = f + 2;
        else if (linker && str_starts(f, "-MF") && points_out(f + 3))
            value = f + 3;
        else if (linker && f[0] == '-' && f[1] == 'W' && strstr(f, ",/") && !strstr(f, "rpath") && !strstr(f, ",-L"))
            value = strstr(f, ",/") + 1;
        if (!value || only_named(prog, f, value))
            continue;
        const char *before = i > 1 ? c->words[i - 1].form : "";
        bool own = before[0] == '-' && only_named(prog, before, before + strlen(before));
        bool module = str_starts(before, "-m") || (i > 2 && str_eq(c->words[i - 2].form, "-m"));
        bool shared = script && !option && !module && (str_starts(f, "/usr/") || str_starts(f, "/opt/"));
        if (!own && !shared)
            fn(arg, FILE_MAYBE, value);
    }
}

/* TMPDIR=/x, LOG=/x: a place some program is told to use. Lists of directories are looked up, not written. */
static void environment(const struct shell_cmd *c, files_fn fn, void *arg)
{
    for (size_t i = 0; c->nwords && i < c->nassigns; i++) {
        const char *name = c->assigns[i].name, *f = c->assigns[i].value.form, *eq = f ? strchr(f, '=') : NULL;
        if (!f || glob_listed("*PATH PREFIX prefix *_ROOT JAVA_HOME SHELL PYTHON TZ *_URL IFS", name))
            continue;
        if (*f == '/' || *f == SHELL_F_HOME)
            fn(arg, FILE_MAYBE, f);
        else if (eq && eq[1] == '/')
            fn(arg, FILE_MAYBE, eq + 1);
    }
}

void files_of(const struct shell_cmd *c, files_fn fn, void *arg)
{
    static const char silent[] = "echo printf : true false export test [ rm rmdir unlink mkdir touch chmod basename "
                                 "dirname realpath";
    const char *prog = c->nwords ? shell_base(c->words[0].form) : "";
    bool rest = !glob_listed(readers, prog) && !c->transparent && *prog != ':';

    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        if (!glob_listed(writers[i].progs, prog))
            continue;
        writes(c, i, fn, arg);
        rest = writers[i].rest;
    }
    odd_writers(c, prog, fn, arg);
    environment(c, fn, arg);
    if (rest)
        may_write(c, prog, fn, arg);
    if (glob_listed(silent, prog))
        return;
    /* Any other operand may be read. */
    for (size_t i = 1; i < c->nwords; i++) {
        const char *f = c->words[i].form, *eq = strchr(f, '=');
        bool glued = f[0] == '-' && f[1] && f[1] != '-' && points_out(f + 2); /* git commit -F/etc/shadow */
        if (str_eq(prog, "git") && f[0] != '/' && f[0] != SHELL_F_HOME && !glued)
            continue; /* revisions, messages, and files git has anyway */
        if (f[0] != '-' && *f)
            fn(arg, POLICY_READ, f);
        else if (eq && eq[1])
            fn(arg, POLICY_READ, eq + 1);
        else if (glued)
            fn(arg, POLICY_READ, f + 2);
        if (f[0] != '-' && (eq || strchr(f, '@'))) /* of=x, file=@x */
            fn(arg, POLICY_READ, (eq ? eq : strchr(f, '@')) + 1 + (eq && eq[1] == '@'));
    }
}

void hosts_of(const struct shell_cmd *c, hosts_fn fn, void *arg)
{
    static const char silent[] = "echo printf grep egrep fgrep rg sed awk gawk jq test [ export";
    const char *prog = c->nwords ? shell_base(c->words[0].form) : "";
    const char *sub = str_eq(prog, "git") && c->nwords > 1 ? c->words[1].form : "";
    bool talks = !glob_listed(silent, prog) && !glob_listed("commit tag log grep notes", sub);

    for (size_t i = 1; talks && i < c->nwords; i++) {
        const char *v = c->words[i].value, *p = v ? strstr(v, "://") : NULL;
        char host[256];
        if (!p || memchr(v, ' ', (size_t)(p - v))) /* a sentence with an address in it */
            continue;
        p += 3;
        size_t n = strcspn(p, "/?#");
        const char *at = memchr(p, '@', n);
        if (at) {
            n -= (size_t)(at + 1 - p);
            p = at + 1;
        }
        n = *p == '[' ? strcspn(p + 1, "]") : strcspn(p, ":/?#");
        p += *p == '[';
        if (n == 0 || n >= sizeof(host))
            continue;
        memcpy(host, p, n);
        host[n] = '\0';
        fn(arg, host);
    }
}
