#pragma once
/*
 * The entry of a fuzz target. libFuzzer calls it with inputs that it makes up; corpus_main.c calls
 * it with those of the corpus, in every build. A target says by ASSERT what must hold for any
 * input. One thread.
 */
#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* Always returns 0, as libFuzzer wants it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly the input and `padding` zero bytes, so that a sanitizer sees a read beyond it.
 * Freed by the caller. */
char *fuzz_copy(const uint8_t *data, size_t size, size_t padding);

/* What is told to a client goes into JSON, so it must be well-formed UTF-8. */
void fuzz_expect_text(const char *text);
