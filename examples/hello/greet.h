#pragma once
/* Writes "Hello, NAME!" into buf; returns its length, or -1 when it does not fit. */
int greet(char *buf, int cap, const char *name);
