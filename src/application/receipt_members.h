#pragma once
/*
 * Members of a receipt of an erasure, which two readers read: erasure_receipt.c for what a chain
 * has of it, and where these functions are, signed_receipt.c for what was signed. Texts are
 * borrowed from the document. Any thread.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct yyjson_val;

/* False for what is no string, and then {NULL, 0}. */
bool receipt_member_string(struct yyjson_val *object, const char *name, struct str *out_string);

/* False for what is no whole number from 0 on. */
bool receipt_member_number(struct yyjson_val *object, const char *name, uint64_t *out_number);
