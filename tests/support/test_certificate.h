#pragma once
/*
 * A certificate for 127.0.0.1 that signed itself, and its key, good for a day. One thread.
 */
#include <stdbool.h>

/* Writes both in PEM; returns whether it could. */
bool test_certificate_write(const char *certificate_path, const char *key_path);
