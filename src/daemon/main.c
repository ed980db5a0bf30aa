/* main - one binary: the server, and the command line that speaks HTTP to it.
 *
 * May include: everything. Holds no state: it looks at the command and calls the floor that has it. */
#include <stdio.h>
#include <string.h>

#include "api/console.h"
#include "base/fault_board.h"
#include "cli/cli.h"
#include "daemon/daemon.h"

/* `audit verify FILE` needs no server: the point of it is to check what a server gave. */
static const char *verify_file(int argc, char **argv, int *json)
{
    const char *file = NULL;

    if (argc < 4 || strcmp(argv[1], "audit") != 0 || strcmp(argv[2], "verify") != 0)
        return NULL;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            *json = 1;
        else if (argv[i][0] == '-')
            return NULL; /* the client knows its flags, and --help */
        else
            file = argv[i];
    }
    return file;
}

int main(int argc, char **argv)
{
    const char *file;
    int json = 0;

    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
        return puts("sallyport " SALLYPORT_VERSION) < 0;
    if (argc >= 2 && strcmp(argv[1], "serve") == 0) {
        FAULT_ROLE(server);
        return serve_main(argc - 2, argv + 2);
    }
    FAULT_ROLE(cli);
    if (argc >= 2 && strcmp(argv[1], "doctor") == 0)
        return doctor_main(argc - 2, argv + 2);
    file = verify_file(argc, argv, &json);
    return file ? verify_main(file, json) : cli_main(argc, argv, console_missing);
}
