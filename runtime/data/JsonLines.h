// Tables as JSON: an object a line.
// Source: jsonlines.org.
#ifndef NNC_RUNTIME_DATA_JSONLINES_H
#define NNC_RUNTIME_DATA_JSONLINES_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// jsonl("path", fields = ["age", "city"]): any number of inputs, which take
/// the members of each line's object: numbers, true and false as 1 and 0,
/// strings, or lists of them for inputs of several numbers. A member that is
/// null or not there is missing.
///
/// fields  their names, one an input, or as many as all inputs have elements;
///         those of an object in an object as "user.age". Default: the inputs'.
StatusOr<std::vector<Column>> readJsonLines(const ReadRequest &request);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_JSONLINES_H
