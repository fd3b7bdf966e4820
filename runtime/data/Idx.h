// IDX, the format of MNIST and its successors, plain or gzip: two zero bytes,
// the element type, the rank, big-endian 32-bit sizes, then the elements.
// Source: http://yann.lecun.com/exdb/mnist, "the IDX file format".
#ifndef NNC_RUNTIME_DATA_IDX_H
#define NNC_RUNTIME_DATA_IDX_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// idx("path"): one input.
StatusOr<std::vector<Column>> readIdx(const ReadRequest &request);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_IDX_H
