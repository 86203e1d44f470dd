#pragma once
/*
 * The two images of one file of the simulated disk, see disk_simulated.h. The disk's lock guards
 * it.
 */
#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECTOR_BYTES = 512 };

struct simulated_image {
    uint8_t *shown;    /* what reads return */
    uint8_t *durable;  /* what a power cut leaves */
    bool *dirty;       /* one for each sector: shown and durable may differ */
    size_t capacity;   /* of both images, whole sectors; zeros behind the sizes */
    size_t shown_size; /* bytes */
    size_t durable_size;
};

void simulated_image_deinit(struct simulated_image *image);

/* Aborts without memory: this is for tests only. */
void simulated_image_write(struct simulated_image *image, size_t offset, const void *bytes,
                           size_t len);
void simulated_image_resize(struct simulated_image *image, size_t size);

/* Makes all of it durable. */
void simulated_image_sync(struct simulated_image *image);

/* A sync that failed: each dirty sector is durable or lost, and none is dirty any more. */
void simulated_image_fail_sync(struct simulated_image *image, const struct random *random);

/* Keeps a random subset of the dirty sectors; both images are the same afterwards. */
void simulated_image_cut_power(struct simulated_image *image, const struct random *random);
