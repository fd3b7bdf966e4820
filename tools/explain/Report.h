// Explanations as JSON, one object each, and as text. docs/explain.md lists the
// keys.
#ifndef NNC_TOOLS_EXPLAIN_REPORT_H
#define NNC_TOOLS_EXPLAIN_REPORT_H

#include "tools/explain/Explanation.h"
#include "tools/explain/Filters.h"
#include "tools/explain/Misclassified.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace nnc::tools {

// `classes` has the names of the output's elements, and is empty where nothing
// names them.

/// Of sample `sample` of the files, explained by `method`.
nlohmann::ordered_json toJson(const std::string &method, int64_t sample,
                              const Question &question,
                              const Explanation &explanation,
                              const std::vector<std::string> &classes);
nlohmann::ordered_json toJson(const FilterSheet &filters);
/// `sample` has the inputs of `mistake`.
nlohmann::ordered_json toJson(const Mistake &mistake, const Sample &sample,
                              const std::vector<View> &views,
                              const std::vector<std::string> &classes);

/// The same for people: a line, and of a row of features those that count most.
void print(const std::string &method, int64_t sample, const Question &question,
           const Explanation &explanation,
           const std::vector<std::string> &classes);
void print(const FilterSheet &filters);
void print(const Mistake &mistake, const std::vector<std::string> &classes);

} // namespace nnc::tools

#endif // NNC_TOOLS_EXPLAIN_REPORT_H
