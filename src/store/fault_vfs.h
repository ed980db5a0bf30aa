/* fault_vfs - SQLite's files and memory, made to fail one call at a time (base/fault_board.h).
 *
 * Why it exists: what SQLite does when a lock is held, the disk is full, or a read fails is decided in its file layer;
 * only a failure there tries its own ways back, and ours. May include: base, sqlite3.  Threads: any, as SQLite's own.
 */
#pragma once

/* Before the first connection; more often does nothing. Nothing at all without -Dfaults=true. */
void fault_vfs_use(void);
