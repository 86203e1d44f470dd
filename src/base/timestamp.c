#include "base/timestamp.h"

#include "base/assert.h"

enum { SECONDS_PER_DAY = 86400 };

struct civil_date {
    int64_t year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
};

/* Days since 1970-01-01 and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 * Years begin in March there, so that the leap day is the last of its year. */
static int64_t days_from_civil(struct civil_date date)
{
    int64_t year = date.year - (date.month <= 2 ? 1 : 0);
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct civil_date civil_from_days(int64_t days)
{
    days += 719468;
    int64_t era = days / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (int)((5 * day_of_year + 2) / 153);
    struct civil_date date = {
        .year = year_of_era + era * 400 + (month_from_march >= 10 ? 1 : 0),
        .month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9,
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
    return date;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Takes exactly `digits` decimal digits off the front. */
static bool take_number(struct str *text, size_t digits, int *out_number)
{
    int number = 0;
    if (text->len < digits) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        char c = text->data[i];
        if (c < '0' || c > '9') {
            return false;
        }
        number = number * 10 + (c - '0');
    }
    text->data += digits;
    text->len -= digits;
    *out_number = number;
    return true;
}

static bool take_char(struct str *text, char upper)
{
    char lower = upper >= 'A' && upper <= 'Z' ? (char)(upper + ('a' - 'A')) : upper;
    if (text->len == 0 || (text->data[0] != upper && text->data[0] != lower)) {
        return false;
    }
    text->data++;
    text->len--;
    return true;
}

static bool take_date(struct str *text, int64_t *out_days)
{
    int year;
    int month;
    int day;
    if (!take_number(text, 4, &year) || !take_char(text, '-') || !take_number(text, 2, &month) ||
        !take_char(text, '-') || !take_number(text, 2, &day)) {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return false;
    }
    *out_days = days_from_civil((struct civil_date){.year = year, .month = month, .day = day});
    return true;
}

/* The digits behind the decimal point; what is finer than a millisecond is cut. */
static bool take_fraction(struct str *text, int *out_ms)
{
    int ms = 0;
    int scale = 100;
    size_t digits = 0;
    for (; digits < text->len && text->data[digits] >= '0' && text->data[digits] <= '9'; digits++) {
        ms += (text->data[digits] - '0') * scale;
        scale /= 10;
    }
    text->data += digits;
    text->len -= digits;
    *out_ms = ms;
    return digits > 0;
}

static bool take_time(struct str *text, int64_t *out_ms)
{
    int hour;
    int minute;
    int second;
    int ms = 0;
    if (!take_number(text, 2, &hour) || !take_char(text, ':') || !take_number(text, 2, &minute) ||
        !take_char(text, ':') || !take_number(text, 2, &second)) {
        return false;
    }
    if (hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    if (take_char(text, '.') && !take_fraction(text, &ms)) {
        return false;
    }
    *out_ms = ((hour * 60 + minute) * INT64_C(60) + second) * 1000 + ms;
    return true;
}

static bool take_offset(struct str *text, int64_t *out_ms)
{
    int hours;
    int minutes;
    if (take_char(text, 'Z')) {
        *out_ms = 0;
        return true;
    }
    int sign = take_char(text, '-') ? -1 : 1;
    if (sign > 0 && !take_char(text, '+')) {
        return false;
    }
    if (!take_number(text, 2, &hours) || !take_char(text, ':') || !take_number(text, 2, &minutes) ||
        hours > 23 || minutes > 59) {
        return false;
    }
    *out_ms = sign * (hours * 60 + minutes) * INT64_C(60000);
    return true;
}

bool timestamp_parse(struct str text, int64_t *out_timestamp_ms)
{
    int64_t days;
    int64_t ms_of_day;
    int64_t offset_ms;
    if (!take_date(&text, &days) || !take_char(&text, 'T') || !take_time(&text, &ms_of_day) ||
        !take_offset(&text, &offset_ms) || text.len != 0) {
        return false;
    }
    int64_t timestamp_ms = days * SECONDS_PER_DAY * 1000 + ms_of_day - offset_ms;
    if (timestamp_ms < TIMESTAMP_MS_MIN || timestamp_ms > TIMESTAMP_MS_MAX) {
        return false;
    }
    *out_timestamp_ms = timestamp_ms;
    return true;
}

static void put_digits(char *at, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

void timestamp_format(int64_t timestamp_ms, char out_text[TIMESTAMP_TEXT_BYTES])
{
    ASSERT(timestamp_ms >= TIMESTAMP_MS_MIN && timestamp_ms <= TIMESTAMP_MS_MAX);
    int64_t seconds = timestamp_ms / 1000;
    struct civil_date date = civil_from_days(seconds / SECONDS_PER_DAY);
    int64_t second_of_day = seconds % SECONDS_PER_DAY;
    memcpy(out_text, "0000-00-00T00:00:00.000Z", TIMESTAMP_TEXT_BYTES);
    put_digits(out_text, date.year, 4);
    put_digits(out_text + 5, date.month, 2);
    put_digits(out_text + 8, date.day, 2);
    put_digits(out_text + 11, second_of_day / 3600, 2);
    put_digits(out_text + 14, second_of_day / 60 % 60, 2);
    put_digits(out_text + 17, second_of_day % 60, 2);
    put_digits(out_text + 20, timestamp_ms % 1000, 3);
}
