// Matches names of parameters with patterns.
#include "ir/Freezing.h"

#include "llvm/Support/GlobPattern.h"

using namespace mlir;

namespace nnc {

std::string matchParameters(ModuleOp module, StringRef pattern,
                            SmallVectorImpl<ParameterOp> &matches) {
  llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(pattern);
  if (!glob)
    return ("'" + pattern + "' is no pattern: ").str() +
           llvm::toString(glob.takeError());
  std::string known;
  const size_t before = matches.size();
  for (auto parameter : module.getOps<ParameterOp>()) {
    if (!parameter.isOfModel())
      continue;
    known += (known.empty() ? "" : ", ") + parameter.getSymName().str();
    if (glob->match(parameter.getSymName()))
      matches.push_back(parameter);
  }
  if (matches.size() > before)
    return "";
  return ("'" + pattern + "' is the name of no parameter; there ").str() +
         (known.empty() ? "are none" : "are " + known);
}

} // namespace nnc
