#pragma once
/*
 * The one table of settings. Private to this folder.
 */
#include "infrastructure/config/settings.h"

enum setting_type {
    SETTING_ADDRESS,  /* HOST:PORT with a numeric host, [::1]:3000 */
    SETTING_TEXT,     /* at most SETTINGS_TEXT_BYTES - 1 bytes */
    SETTING_NAME,     /* likewise, but no path */
    SETTING_FILE,     /* a path; empty: none */
    SETTING_NUMBER,   /* digits */
    SETTING_BYTES,    /* digits, or with KiB, MiB, GiB, TiB */
    SETTING_DURATION, /* ms, s, m, h; kept in milliseconds */
    SETTING_SWITCH,   /* true, false; as a flag alone: true */
    SETTING_CHOICE    /* one of choices, kept as its index */
};

struct setting {
    const char *key;     /* --key, key in a file, USERTRAIL_KEY in the environment */
    const char *section; /* heading in the reference */
    enum setting_type type;
    size_t offset; /* in struct settings */
    const char *default_text;
    uint64_t min; /* numbers, bytes, durations (in ms) */
    uint64_t max;
    const char *const *choices; /* ends with NULL */
    const char *meaning;        /* a sentence */
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;

/* INVALID with what the value may be. `source` says where it stands, for the message. */
MUST_USE enum status setting_parse(const struct setting *setting, const char *source,
                                   const char *text, struct settings *settings, struct error *err);
