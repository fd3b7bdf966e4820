// A folder that `nnc train --log` wrote, as the data of a report's page.
#ifndef NNC_TOOLS_REPORT_RUNFOLDER_H
#define NNC_TOOLS_REPORT_RUNFOLDER_H

#include "tools/Json.h"

#include "runtime/Status.h"

#include <string>
#include <vector>

namespace nnc::tools {

/// All that is there of the run: "name", and "run", "summary", "profile",
/// "epochs", "test", "steps", "mistakes", "filters" as far as the folder has
/// them. NotFound if it has no log.jsonl, InvalidFile if that is no log.
///
/// leftOut  receives what is wrong with other files, without which the rest is.
runtime::StatusOr<nlohmann::ordered_json>
readRunFolder(const std::string &folder, std::vector<std::string> &leftOut);

} // namespace nnc::tools

#endif // NNC_TOOLS_REPORT_RUNFOLDER_H
