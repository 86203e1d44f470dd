#include "infrastructure/disk/simulated_image.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void simulated_image_deinit(struct simulated_image *image)
{
    free(image->shown);
    free(image->durable);
    free(image->dirty);
}

static void *grow(void *memory, size_t old_bytes, size_t bytes)
{
    uint8_t *grown = realloc(memory, bytes);
    ASSERT(grown != NULL);
    memset(grown + old_bytes, 0, bytes - old_bytes);
    return grown;
}

static void make_room(struct simulated_image *image, size_t size)
{
    if (size <= image->capacity) {
        return;
    }
    size_t wanted = size > image->capacity * 2 ? size : image->capacity * 2;
    size_t sectors = (wanted + SECTOR_BYTES - 1) / SECTOR_BYTES;
    size_t old_sectors = image->capacity / SECTOR_BYTES;
    image->shown = grow(image->shown, image->capacity, sectors * SECTOR_BYTES);
    image->durable = grow(image->durable, image->capacity, sectors * SECTOR_BYTES);
    image->dirty = grow(image->dirty, old_sectors * sizeof(bool), sectors * sizeof(bool));
    image->capacity = sectors * SECTOR_BYTES;
}

static void mark_dirty(struct simulated_image *image, size_t from, size_t to)
{
    for (size_t sector = from / SECTOR_BYTES; sector * SECTOR_BYTES < to; sector++) {
        image->dirty[sector] = true;
    }
}

void simulated_image_write(struct simulated_image *image, size_t offset, const void *bytes,
                           size_t len)
{
    if (len == 0) {
        return;
    }
    make_room(image, offset + len);
    memcpy(image->shown + offset, bytes, len);
    mark_dirty(image, offset, offset + len);
    if (image->shown_size < offset + len) {
        image->shown_size = offset + len;
    }
}

void simulated_image_resize(struct simulated_image *image, size_t size)
{
    make_room(image, size);
    if (size < image->shown_size) {
        memset(image->shown + size, 0, image->shown_size - size);
        mark_dirty(image, size, image->shown_size);
    }
    image->shown_size = size;
}

static void sync_sector(struct simulated_image *image, size_t sector)
{
    memcpy(image->durable + sector * SECTOR_BYTES, image->shown + sector * SECTOR_BYTES,
           SECTOR_BYTES);
    image->dirty[sector] = false;
}

void simulated_image_sync(struct simulated_image *image)
{
    for (size_t sector = 0; sector < image->capacity / SECTOR_BYTES; sector++) {
        if (image->dirty[sector]) {
            sync_sector(image, sector);
        }
    }
    image->durable_size = image->shown_size;
}

static bool coin(const struct random *random)
{
    return random_below(random, 2) == 0;
}

void simulated_image_fail_sync(struct simulated_image *image, const struct random *random)
{
    for (size_t sector = 0; sector < image->capacity / SECTOR_BYTES; sector++) {
        if (image->dirty[sector] && coin(random)) {
            sync_sector(image, sector);
        }
        image->dirty[sector] = false;
    }
}

void simulated_image_cut_power(struct simulated_image *image, const struct random *random)
{
    for (size_t sector = 0; sector < image->capacity / SECTOR_BYTES; sector++) {
        if (image->dirty[sector] && coin(random)) {
            sync_sector(image, sector);
        }
        image->dirty[sector] = false;
    }
    if (image->shown_size != image->durable_size && coin(random)) {
        image->durable_size = image->shown_size;
    }
    image->shown_size = image->durable_size;
    if (image->capacity > 0) {
        memcpy(image->shown, image->durable, image->capacity);
    }
}
