// Reads files in the IDX format, as idx.h says.
#include "idx.h"

#include <stdio.h>
#include <stdlib.h>

static size_t read_size(FILE *file) {
  unsigned char b[4] = {0};
  if (fread(b, 1, 4, file) != 4)
    return 0;
  return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

/* Two zeros, 8 for bytes, the rank; then the sizes, the first one being the
 * number of samples; then the bytes. */
static idx_t read_open(FILE *file) {
  idx_t result = {NULL, 0, 1};
  size_t magic = read_size(file);
  if (magic >> 8 != 8 || (magic & 0xff) < 1 || (magic & 0xff) > 3)
    return result;
  result.num_samples = read_size(file);
  for (size_t rank = magic & 0xff; rank > 1; --rank)
    result.bytes_per_sample *= read_size(file);
  size_t size = result.num_samples * result.bytes_per_sample;
  uint8_t *bytes = malloc(size ? size : 1);
  if (bytes && fread(bytes, 1, size, file) == size) {
    result.bytes = bytes;
    return result;
  }
  free(bytes);
  return result;
}

idx_t idx_read(const char *path) {
  idx_t result = {NULL, 0, 0};
  FILE *file = fopen(path, "rb");
  if (!file)
    return result;
  result = read_open(file);
  fclose(file);
  return result;
}
