#pragma once
/*
 * Which kinds of bodies POST takes, and who reads each. Loop thread only.
 */
#include "interfaces/api/api_private.h"

/* The header is complete: says how the body is to come. The request may have been answered instead,
 * since nobody reads such a body. */
void api_media_begin(const struct api_call *call);

/* The handler of POST: hands the body to whoever reads its kind. */
void api_media_post(const struct api_call *call);

/* Whether browsers send a body of this kind to any other origin without asking first (the
 * "simple" types of the Fetch standard, of which this service reads one; and no type at all). */
bool api_media_is_simple(const struct api_call *call);

/* The types that a body may have, in their order; {NULL, 0} behind the last. */
struct str api_media_type_at(size_t index);
