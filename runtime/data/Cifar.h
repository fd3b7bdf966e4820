// CIFAR-10 and CIFAR-100 in their binary versions: of each picture its label,
// or two, then its red, green and blue plane of 32 by 32 bytes.
// Source: https://www.cs.toronto.edu/~kriz/cifar.html
#ifndef NNC_RUNTIME_DATA_CIFAR_H
#define NNC_RUNTIME_DATA_CIFAR_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// cifar10("data_batch_*.bin"): pictures and labels.
StatusOr<std::vector<Column>> readCifar10(const ReadRequest &request);

/// cifar100("train.bin", label = "fine"): pictures and labels, those of the 100
/// classes or, "coarse", of the 20 that these belong to.
StatusOr<std::vector<Column>> readCifar100(const ReadRequest &request);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_CIFAR_H
