/* changes - what the sealed layers of a run changed in the project, as a list and as diff.patch.
 *
 * Why it exists: the second door opens on exactly this. Cost follows the
 * number of changed files, never the size of the project.
 * May include: base os core.   Threads: a struct changes has one owner.
 *
 * Everything below a layer was written by untrusted code: it is opened with
 * openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV), never followed, never executed. */
#pragma once
#include "base/err.h"
#include "base/json.h"

/* "added" "modified" "deleted" "mode" "kind" */
enum change_kind { CH_ADDED, CH_MODIFIED, CH_DELETED, CH_MODE, CH_KIND };

struct change {
    const char *path; /* relative to the project, raw bytes, no NUL; borrowed */
    enum change_kind kind;
    uint32_t old_mode, new_mode; /* st_mode with the file type; 0 = not there */
    int64_t old_bytes, new_bytes;
    int64_t additions, deletions; /* lines; 0 for binary */
    bool binary;
    bool opaque_dir; /* deleted or replaced: a whole directory tree below is gone with it; its files are
                        listed too, so it is not counted as a file */
    bool moved;      /* the project's file was changed after the run began (ctime later than the birth of
                        its lowest layer): nobody recorded what the run saw, so apply calls it a conflict; not
                        what a rolled back apply put back as it was (restored.h) */
    char old_sha256[65], new_sha256[65]; /* of content or link target; "" when not there or a directory */
    const char *refused; /* why apply will never take it ("device", "setuid bit", "symlink leads outside",
                            ".git is not applied", …); NULL when it may be applied; borrowed */
};

struct changes_in {
    const char *project_root;
    const char *run_dir;       /* sandbox.h layout */
    const char *const *layers; /* names, bottom first, NULL-terminated */
    bool copied;               /* the run had a copy of the project (seed.h): layers is {"copy"} */
    int64_t max_files;         /* beyond: ERR_TOO_LARGE; 0 = 1,000,000 */
};

struct changes;
/* Merged, sorted by path ('/' before every other byte: what is in a directory follows it). Identical copy-ups are not
 * changes, nor are owners and times. Empty directories added or removed are, and the topmost of a removed tree; other
 * directories show by their files, but apply makes and removes them with the right mode. setgid on a directory is the
 * project's to give and never a change. The layers must be sealed, in no use, and layers[0] must have its `born`. */
CHECKED int changes_scan(const struct changes_in *, struct changes **ret, struct err *);
void changes_free(struct changes *);
DEFINE_AUTO_PTR(struct changes, changes_free);
size_t changes_len(const struct changes *);
const struct change *changes_at(const struct changes *, size_t i);
/* Totals: files that can be applied, lines, refused. */
struct changes_sum {
    int64_t files, additions, deletions, refused;
};
struct changes_sum changes_sum(const struct changes *);
/* sha256 over the canonical list (path, kind, modes, hashes): what an answer at the second door is bound to. */
void changes_digest(const struct changes *, char ret_hex[65]);
/* The contract's JSON of one change: {"path"[, "path_b64"], "kind", "old_mode":"100644", "new_mode", "old_bytes",
 * "new_bytes", "additions", "deletions", "binary", "refused"|null}; a mode is null where nothing is there. */
void changes_json_one(const struct change *, struct jw *);
/* diff.patch, as `git apply --allow-empty --binary` takes it, without the refused (named in a leading comment block
 * that git apply skips). Files over 8 MiB of text are given as binary patches; one over 256 MiB as a comment with its
 * hash. only: paths to include (NULL-terminated; a directory stands for what is below it) or NULL for all; one that is
 * not a change is ERR_NOT_FOUND. Reads the project: before apply, and ERR_CONFLICT when a file moved on since the scan.
 */
CHECKED int changes_patch(const struct changes *, const char *const *only, struct buf *out, struct err *);
/* The same for patches that need not fit into memory: after each file `part` may take what is in out, and empty it. */
typedef int changes_part_fn(void *arg, struct buf *out, struct err *);
CHECKED int changes_patch_parts(const struct changes *, const char *const *only, struct buf *out, changes_part_fn *part,
                                void *arg, struct err *);
/* Seals a layer: no process writes there any more (caller's duty); fixes modes so it can be read (and remembers the
 * true ones in layers/<n>/modes); syncs nothing. Again is harmless. */
CHECKED int changes_seal(const char *run_dir, const char *layer, struct err *);
