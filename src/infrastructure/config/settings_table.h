#pragma once
/*
 * The one table of settings. Private to this folder.
 */
#include "base/str.h"
#include "infrastructure/config/settings.h"

enum setting_type {
    SETTING_ADDRESS,       /* HOST:PORT with a numeric host, [::1]:3000 */
    SETTING_TEXT,          /* at most SETTINGS_TEXT_BYTES - 1 bytes */
    SETTING_NAME,          /* likewise, but no path */
    SETTING_LIST,          /* likewise, with commas */
    SETTING_URI,           /* likewise */
    SETTING_OPTIONAL_NAME, /* a name; empty: none */
    SETTING_ORIGINS,       /* origins with commas; empty: none */
    SETTING_OPTIONAL_LIST, /* a list; empty: none */
    SETTING_OPTIONAL_URI,
    SETTING_OPTIONAL_PAIRS, /* key=value with commas; empty: none */
    SETTING_FILE,           /* a path; empty: none */
    SETTING_NUMBER,         /* digits */
    SETTING_BYTES,          /* digits, or with KiB, MiB, GiB, TiB */
    SETTING_DURATION,       /* ms, s, m, h; kept in milliseconds */
    SETTING_SWITCH,         /* true, false; as a flag alone: true */
    SETTING_CHOICE          /* one of choices, kept as its index */
};

/* What SIGHUP does about a setting while the service runs. */
enum setting_again {
    SETTING_WAITS,       /* nothing: it waits for a restart */
    SETTING_READS_FILE,  /* reads the file that it names */
    SETTING_READS_VALUE, /* reads it, from all sources */
};

struct setting {
    const char *key;     /* --key, key in a file, USERTRAIL_KEY in the environment; of otel-key
                            OTEL_KEY, since that is what others call it, too */
    const char *section; /* heading in the reference */
    enum setting_type type;
    size_t offset; /* in struct settings */
    const char *default_text;
    uint64_t min; /* numbers, bytes, durations (in ms) */
    uint64_t max;
    const char *const *choices; /* ends with NULL */
    const char *meaning;        /* a sentence */
    bool secret; /* may be read from a file that is named by the key with "-file" behind it */
    enum setting_again again;
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;
enum { SETTINGS_TABLE_MAX = 128 };

/* INVALID with what the value may be. `source` says where it stands, for the message. */
MUST_USE enum status setting_parse(const struct setting *setting, const char *source,
                                   const char *text, struct settings *settings, struct error *err);

enum {
    SETTING_KEY_BYTES = 160,               /* with the NUL */
    SETTING_SECRET_FILE_BYTES_MAX = 65536, /* a chain of certificates fits */
    SETTING_PROPERTIES_MAX = 1024
};

/* What a key means: a row of the table, or a property of a driver. */
struct setting_target {
    const struct setting *setting;
    struct str property; /* its name, when `setting` is NULL */
    bool from_file;      /* the value is the path of a file whose content is meant */
};

/* False when there is no such setting. */
bool setting_find(struct str key, struct setting_target *out_target);

/* The name of a variable behind USERTRAIL_ as a key: DATA_DIR is data-dir, KAFKA__SASL__PASSWORD is
 * kafka.sasl.password, MONGODB_URI_FILE is mongodb-uri-file. Cut when it is longer than any key;
 * empty when it has other characters than such variables have. */
void setting_key_of_variable(struct str name, char out_key[SETTING_KEY_BYTES]);

/* What goes before the key's name in the environment: "USERTRAIL_", or nothing. */
const char *setting_variable_prefix(struct str key);

/* Whether a source that was read before set it. */
bool setting_has_property(const struct settings_properties *properties, struct str name);

/* Sets what the target means. INVALID; NO_MEMORY. */
MUST_USE enum status setting_apply(const struct setting_target *target, const char *source,
                                   const char *text, struct settings *settings, struct error *err);
