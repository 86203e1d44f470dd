#pragma once
/*
 * What stands at a path of metadata.
 *
 * A path names members by their keys, with a point between two of them; "\\." is a point within a
 * key and "\\\\" a backslash. Where it passes an array, it goes on into each object directly in it;
 * indexes are keys like any other text. At its end there may be a value or an array of them, whose
 * elements count each. Arrays in arrays are not looked into. All this is as MongoDB does, but for
 * indexes. Any thread.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    METADATA_PATH_MEMBERS_MAX = 16,
    METADATA_PATH_BYTES_MAX = 256 /* of its text as it was given */
};

/* The keys of a path, one behind the other without points and backslashes between. */
struct metadata_path {
    char keys[METADATA_PATH_BYTES_MAX];
    uint16_t ends[METADATA_PATH_MEMBERS_MAX]; /* of each key in `keys` */
    size_t member_count;
};

/* Reads a path, in UTF-8. INVALID: `err` names it and says what to write. */
MUST_USE enum status metadata_path_read(struct str text, struct metadata_path *out_path,
                                        struct error *err);

/* As much of a path's text as a message may show, in whole characters. */
struct str metadata_path_shown(struct str path);

static inline struct str metadata_path_member(const struct metadata_path *path, size_t index)
{
    size_t begin = index == 0 ? 0 : path->ends[index - 1];
    return (struct str){path->keys + begin, path->ends[index] - begin};
}

enum metadata_leaf {
    METADATA_STRING, /* what stands between its quotes, escapes as they are */
    METADATA_WORD    /* a number, true, false or null */
};

/* Embedded in whoever walks. */
struct metadata_walk {
    const struct metadata_path *path;
    /* Gets each value at the path, and says whether the walk goes on. */
    bool (*take)(struct metadata_walk *walk, enum metadata_leaf leaf, struct str taken);
    struct str rest; /* what is left of the text */
};

/* Walks through a JSON object without white space, as activities have it. False when `take` ended
 * it; a text that is no JSON is walked to some place in it and not left. */
bool metadata_walk_run(struct metadata_walk *walk, struct str metadata);

/* The text of a value: of a string its content, of a number the one text that all of its value have
 * (1, 1.0 and 10e-1 are 1), else the word. May lie in `scratch`, whose failure is to be looked at.
 * False where it has none, as a lone surrogate. */
bool metadata_leaf_text(enum metadata_leaf leaf, struct str taken, struct buffer *scratch,
                        struct str *out_text);
