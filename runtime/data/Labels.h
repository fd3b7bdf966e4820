// Labels that stand beside texts or sounds: names of classes, or numbers.
#ifndef NNC_RUNTIME_DATA_LABELS_H
#define NNC_RUNTIME_DATA_LABELS_H

#include "runtime/data/Reader.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nnc::runtime {

class Labels {
public:
  /// For input `index` of the request, whose classes are known where other data
  /// taught them.
  ///
  /// areNames  whether even labels such as 7 are names, as those of folders.
  Labels(const ReadRequest &request, size_t index, bool areNames);

  /// InvalidFile, after `where`, for a class that is not known, or a label that
  /// can be no name.
  Status add(std::string_view label, const std::string &where);

  /// A number a label. Where all labels are numbers they are these, rounded to
  /// the input's type if that has fractions. Else names: the classes are
  /// sorted, unless they are known or were to come in their own order.
  StatusOr<Column> finish(bool isSorted);

private:
  StatusOr<Column> finishNames(bool isSorted);
  StatusOr<Column> finishNumbers();

  const ReadRequest &request;
  const size_t index;
  const bool areNames;
  const std::vector<std::string> *known;
  /// Different labels as they came, where each first stood, and each sample's.
  std::unordered_map<std::string, int32_t> numberOf;
  std::vector<std::string> names, places;
  std::vector<int32_t> labels;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_LABELS_H
