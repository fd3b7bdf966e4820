// What observers are told, as text: JSON objects, and columns of a line.
#ifndef NNC_TOOLS_TRAIN_RECORDS_H
#define NNC_TOOLS_TRAIN_RECORDS_H

#include "tools/Json.h"
#include "tools/train/Observer.h"

namespace nnc::tools {

// The keys are those that docs/commands.md promises.
nlohmann::ordered_json toJson(const StepRecord &record);
nlohmann::ordered_json toJson(const EpochRecord &record);
nlohmann::ordered_json toJson(const TestRecord &record);

/// "epoch   3/10".
std::string epochLabel(int64_t epoch, int64_t epochs);

/// "  loss 0.4012  accuracy 0.8571", the split's name before each.
std::string columns(const std::string &prefix, const Averages &averages);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_RECORDS_H
