/* Reads IDX files of bytes, the format of MNIST and its descendants. */
#ifndef IDX_H
#define IDX_H

#include <stddef.h>
#include <stdint.h>

typedef struct idx_t {
  /* To be freed. Null if the file could not be read. */
  uint8_t *bytes;
  size_t num_samples;
  size_t bytes_per_sample;
} idx_t;

idx_t idx_read(const char *path);

#endif
