#pragma once
/*
 * The file of keys, written by one process at a time and replaced at once, for nobody else to look
 * into (0600). What people wrote into it stays. One thread at a time.
 */
#include "base/clock.h"
#include "infrastructure/key_file/key_list.h"

/* NOT_FOUND: there is no such file. INVALID: others may write it, or a line is wrong, which the
 * message tells by its number. UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status key_file_load(const char *path, struct key_list *out_list, struct error *err);

/* Makes a key with the name, scopes and users of `grant`, and the file if there is none; the key's
 * text is nowhere else. DUPLICATE: there is one of that name. Otherwise as loading. */
MUST_USE enum status key_file_create(const char *path, const struct access_grant *grant,
                                     char out_text[KEY_TEXT_BYTES + 1], struct error *err);

/* Takes the key of that name out. NOT_FOUND, also when there is no file. Otherwise as loading. */
MUST_USE enum status key_file_revoke(const char *path, struct str name, struct error *err);
