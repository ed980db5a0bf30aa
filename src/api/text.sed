# A text file as C string literals, line by line, without the blanks each begins with: included by openapi.c and docs.c.
s/\\/\\\\/g
s/"/\\"/g
s/^ */"/
s/$/"/
