/* time - RFC 3339 stamps without libc's time zones, locale or year limits.
 *
 * May include: base.  Pure.  Threads: any.  Declared in str.h. */
#include "base/str.h"
#include <string.h>

#define DAY_S 86400
/* 0000-01-01 and the first second of year 10000: what four digits can say. */
#define MIN_S (-62167219200LL)
#define END_S 253402300800LL

/* Days since 1970-01-01 of a proleptic Gregorian date, and back.
 * Eras of 400 years begin on 1 March, so a leap day is the last day of its year
 * (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static void date_of(int64_t days, int *y, int *m, int *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}

static void put_digits(char *p, int64_t v, int n)
{
    while (n-- > 0) {
        p[n] = (char)('0' + v % 10);
        v /= 10;
    }
}

void time_format(int64_t us, char ret[TIME_LEN])
{
    int64_t s = us / SEC_US - (us % SEC_US < 0);
    int64_t frac = us - s * SEC_US;
    if (s < MIN_S || s >= END_S) {
        frac = s < MIN_S ? 0 : 999999;
        s = s < MIN_S ? MIN_S : END_S - 1;
    }
    int64_t day = s / DAY_S - (s % DAY_S < 0), sod = s - day * DAY_S;
    int y, m, d;
    date_of(day, &y, &m, &d);
    memcpy(ret, "0000-00-00T00:00:00.000000Z", TIME_LEN);
    put_digits(ret, y, 4);
    put_digits(ret + 5, m, 2);
    put_digits(ret + 8, d, 2);
    put_digits(ret + 11, sod / 3600, 2);
    put_digits(ret + 14, sod / 60 % 60, 2);
    put_digits(ret + 17, sod % 60, 2);
    put_digits(ret + 20, frac, 6);
}

static bool get_digits(const char *s, int n, int lo, int hi, int *ret)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        v = v * 10 + (s[i] - '0');
    }
    *ret = v;
    return v >= lo && v <= hi;
}

static int month_days(int y, int m)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 29 : days[m - 1];
}

/* ".1" to ".123456", then "Z". */
static bool get_fraction(const char *s, int *ret)
{
    int v = 0, n = 0;
    if (*s == '.') {
        for (s++; n < 6 && *s >= '0' && *s <= '9'; n++)
            v = v * 10 + (*s++ - '0');
        if (n == 0)
            return false;
        for (; n < 6; n++)
            v *= 10;
    }
    *ret = v;
    return s[0] == 'Z' && s[1] == '\0';
}

bool time_parse(const char *s, int64_t *ret_us)
{
    int y, mo, d, h, mi, sec, frac;
    if (!s || strnlen(s, 20) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':')
        return false;
    if (!get_digits(s, 4, 0, 9999, &y) || !get_digits(s + 5, 2, 1, 12, &mo) ||
        !get_digits(s + 8, 2, 1, month_days(y, mo), &d) || !get_digits(s + 11, 2, 0, 23, &h) ||
        !get_digits(s + 14, 2, 0, 59, &mi) || !get_digits(s + 17, 2, 0, 59, &sec) || !get_fraction(s + 19, &frac))
        return false;
    *ret_us = (days_of(y, mo, d) * DAY_S + h * 3600 + mi * 60 + sec) * SEC_US + frac;
    return true;
}
