// What was probably meant by a word that is none of those that are known.
#ifndef NNC_RUNTIME_DATA_SUGGESTION_H
#define NNC_RUNTIME_DATA_SUGGESTION_H

#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// "; did you mean 'WORD'?" with the nearest of `known`, or nothing where none
/// is near: within a third of the word's letters.
std::string suggestion(std::string_view word,
                       const std::vector<std::string> &known);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_SUGGESTION_H
