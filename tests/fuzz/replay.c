/* replay - runs a fuzzer's function over each file of a corpus directory, without libFuzzer. */
#include "fuzz.h"
#include <dirent.h>

static void one(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    MUST(f);
    MUST(fseek(f, 0, SEEK_END) == 0);
    long n = ftell(f);
    MUST(n >= 0);
    rewind(f);
    uint8_t *p = malloc((size_t)n + 1);
    MUST(p && fread(p, 1, (size_t)n, f) == (size_t)n);
    fclose(f);
    LLVMFuzzerTestOneInput(p, (size_t)n);
    free(p);
}

int main(int argc, char **argv)
{
    MUST(argc == 2);
    int n = 0;
    DIR *d = opendir(argv[1]);
    MUST(d);
    for (struct dirent *ent; (ent = readdir(d));)
        if (ent->d_name[0] != '.') {
            one(argv[1], ent->d_name);
            n++;
        }
    closedir(d);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    MUST(n > 0); /* a corpus that is gone must show */
    return 0;
}
