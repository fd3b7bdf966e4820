// Commands for who writes programs in the language: what editors and scripts
// ask for. They need the frontend alone.
#ifndef NNC_TOOLS_LANGUAGE_LANGUAGE_H
#define NNC_TOOLS_LANGUAGE_LANGUAGE_H

#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace nnc::tools {

/// Adds `format` and `lsp`. Their callbacks set `exit`.
void addLanguageCommands(CLI::App &app, int &exit);

/// `nnc format`: writes programs in the one style, in their places; "-" is from
/// standard input to standard output. With `isCheck` nothing is written, and
/// what would change is named and wrong.
int formatFiles(const std::vector<std::string> &paths, bool isCheck);

/// `nnc lsp`: serves an editor over standard input and output until it says
/// `exit`.
int serveEditor(const std::vector<std::string> &plugins);

} // namespace nnc::tools

#endif // NNC_TOOLS_LANGUAGE_LANGUAGE_H
