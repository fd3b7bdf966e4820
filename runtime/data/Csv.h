// Tables as text: numbers in rows, separated by commas.
// Source: RFC 4180; the header is optional.
#ifndef NNC_RUNTIME_DATA_CSV_H
#define NNC_RUNTIME_DATA_CSV_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// csv("path", columns = "0:20", header = "auto", delimiter = ","): any number
/// of inputs, which take the chosen columns in order, each as many as its
/// sample has elements. Numbers are read into the input's element type: whole
/// numbers exactly, and all of them finite.
///
/// columns    numbers from 0, half-open ranges "0:20", and names of the header,
///            separated by commas. A name that looks like none stands in
///            double quotes. `column` is the same. Default: all.
/// header     "true", "false", or "auto": a first row of names is one, a first
///            row of numbers is none, and any other is refused.
/// delimiter  one character, or "tab".
/// decimal    what stands before the fraction of a number: "." or ",".
StatusOr<std::vector<Column>> readCsv(const ReadRequest &request);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_CSV_H
