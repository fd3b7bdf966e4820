// Names ops, or kernels, and their places in the model.
#include "tools/NumericsText.h"

#include "tools/Text.h"

namespace nnc::tools {

using namespace runtime;

/// "gradient of sqrt at net.nn:3:7 (kernel div_Bx4.rows)". Of a plan that was
/// compiled before, a kernel of several ops.
static std::string describe(const Command &command, const std::string &kernel) {
  const std::string place =
      command.source.empty() ? "" : concat(" at ", printable(command.source));
  if (!command.op.empty())
    return concat(printable(command.op), place, " (kernel ", printable(kernel),
                  ")");
  return concat("kernel ", printable(kernel),
                place.empty() ? "" : ", whose first op is", place);
}

static std::string describe(const char *what, const NonFinite &first,
                            const Plan &plan, const EntryPoint &entry) {
  const Command &command = entry.commands[first.command];
  return concat(what, " first comes from ",
                describe(command, plan.nameOf(command)), ", in ", first.count,
                " of ", first.elements, " elements, the first of them element ",
                first.element);
}

std::string describe(const Numerics &found, const Plan &plan,
                     const EntryPoint &entry) {
  std::string text;
  const auto &infinity = found.firstInfinity, &nan = found.firstNan;
  // In the order of the run.
  if (nan && found.isNanFirst)
    text = describe("nan", *nan, plan, entry);
  if (infinity)
    text +=
        (text.empty() ? "" : "; ") + describe("inf", *infinity, plan, entry);
  if (nan && !found.isNanFirst)
    text += (text.empty() ? "" : "; ") + describe("nan", *nan, plan, entry);
  return text;
}

} // namespace nnc::tools
