/* daemon - the commands that are not an HTTP client: serve, doctor, offline verification.
 *
 * May include: everything.   Each returns the exit code. argv: the arguments after the command's name. */
#pragma once

int serve_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
int verify_main(const char *file, int json);
void doctor_toolchains(void);
