// Names the kernels and their places in the model.
#include "tools/NumericsText.h"

#include "tools/Text.h"

namespace nnc::tools {

using namespace runtime;

static std::string describe(const char *what, const NonFinite &first,
                            const Plan &plan, const EntryPoint &entry) {
  const Command &command = entry.commands[first.command];
  const std::string &name = command.kind == Command::Kind::Matmul
                                ? command.matmul.name
                                : plan.code.kernels[command.kernel].name;
  return concat(what, " first comes from ", printable(name),
                command.source.empty() ? "" : ", whose first op is at ",
                printable(command.source), ", in ", first.count, " of ",
                first.elements, " elements, the first of them element ",
                first.element);
}

std::string describe(const Numerics &found, const Plan &plan,
                     const EntryPoint &entry) {
  std::string text;
  const auto &infinity = found.firstInfinity, &nan = found.firstNan;
  // In the order of the run.
  const bool isNanLast = !nan || !infinity || infinity->command <= nan->command;
  if (nan && !isNanLast)
    text = describe("nan", *nan, plan, entry);
  if (infinity)
    text +=
        (text.empty() ? "" : "; ") + describe("inf", *infinity, plan, entry);
  if (nan && isNanLast)
    text += (text.empty() ? "" : "; ") + describe("nan", *nan, plan, entry);
  return text;
}

} // namespace nnc::tools
