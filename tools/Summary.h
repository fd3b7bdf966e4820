// nnc summary: a model layer by layer, with what each costs once it is
// compiled.
#ifndef NNC_TOOLS_SUMMARY_H
#define NNC_TOOLS_SUMMARY_H

namespace CLI {
class App;
} // namespace CLI

namespace nnc::tools {

/// Adds the command, which leaves its exit status in `exit` when it has run.
void addSummaryCommand(CLI::App &app, int &exit);

} // namespace nnc::tools

#endif // NNC_TOOLS_SUMMARY_H
