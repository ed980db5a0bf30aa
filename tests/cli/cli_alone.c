/* cli_alone - the command line without the server program around it, for e2e.py. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv, "this is the command line alone");
}
