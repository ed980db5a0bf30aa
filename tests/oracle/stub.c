/* stub - stands in for a program: does nothing but say a word that would be noticed if a shell ran it. */
#include <unistd.h>

int main(void)
{
    return write(1, "pwned\n", 6) < 0; /* 1: nobody reads it any more */
}
