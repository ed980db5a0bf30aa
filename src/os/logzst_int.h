/* logzst_int - the bytes of a compressed log's end, for its reader (logzst.c) and its maker (logpack.c). */
#pragma once
#include "os/logfile_int.h"
#include "os/logzst.h"

#define ZST_PIECE_MAX   (LOG_FRAME_MAX + LOG_START) /* uncompressed bytes of one zstd frame */
#define ZST_PIECES_MAX  (4 * 1024 * 1024)           /* one TiB of log; the table of more is not believed */
#define ZST_SKIP        8                           /* head of a skippable frame: magic, size */
#define ZST_MARK_MAGIC  0x184D2A50u                 /* any of 0x184D2A5?: RFC 8878, 3.1.2 */
#define ZST_TABLE_MAGIC 0x184D2A5Eu
#define ZST_END_MAGIC   0x8F92EAB1u
#define ZST_MARK_BODY   20 /* "SPLOGZ\0\1", u64 plain bytes, u32 crc32c of the table */
#define ZST_MARK        (ZST_SKIP + ZST_MARK_BODY)
#define ZST_ENTRY       8
#define ZST_FOOT        9

static inline uint64_t le_get(const char *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return v;
}

static inline void le_put(char *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (char)(v >> 8 * i);
}
