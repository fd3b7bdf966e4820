// See LoadPlugin.h. What a plugin was built for is read from the file's bytes:
// opening a library runs its initializers, and one for another version may not
// even open, with a message about a symbol that tells nobody anything.
#include "passes/LoadPlugin.h"

#include "passes/Plugin.h"

#include "mlir/IR/DialectRegistry.h"

#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace nnc {

static llvm::Error makeError(StringRef path, const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 path + ": error: " + message);
}

static StringRef withoutTag(StringRef builtFor) {
  return builtFor.drop_front(kPluginTag.size());
}

static llvm::Error checkVersion(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeError(path, "cannot be read: " + buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  size_t start = bytes.find(kPluginTag);
  if (start == StringRef::npos)
    return makeError(path,
                     "is no plugin of nnc: expected a shared library that "
                     "defines nncPlugin, as <nnc/compiler/passes/"
                     "Plugin.h> declares it");
  StringRef found = bytes.drop_front(start).take_until(
      [](char c) { return c < ' ' || c > '~'; });
  if (found == kBuiltFor)
    return llvm::Error::success();
  return makeError(path, "is built for " + withoutTag(found) + ", this is " +
                             withoutTag(kBuiltFor) + "; build it again");
}

/// MLIR's registries end the program where a name is taken: by a pass or a
/// dialect of another plugin, or MLIR's own. This says who wanted it.
[[noreturn]] static void reportTakenName(void *path, const char *reason, bool) {
  llvm::errs() << *static_cast<StringRef *>(path) << ": error: " << reason
               << '\n';
  std::_Exit(EXIT_FAILURE);
}

llvm::Error loadPlugin(StringRef path, DialectRegistry &registry) {
  if (llvm::Error error = checkVersion(path))
    return error;
  // A name without a slash would be searched for in the system's folders.
  std::string file = path.contains('/') ? path.str() : ("./" + path).str();
  std::string message;
  auto library =
      llvm::sys::DynamicLibrary::getPermanentLibrary(file.c_str(), &message);
  if (!library.isValid())
    return makeError(path, "cannot be loaded: " + message);
  auto *entry = reinterpret_cast<decltype(&nncPlugin)>(
      library.getAddressOfSymbol("nncPlugin"));
  if (!entry)
    return makeError(path, "has no function nncPlugin: is it extern \"C\", "
                           "and visible?");
  const Plugin &plugin = *entry();
  llvm::ScopedFatalErrorHandler handler(reportTakenName, &path);
  if (plugin.registerPasses)
    plugin.registerPasses();
  if (plugin.registerDialects)
    plugin.registerDialects(registry);
  return llvm::Error::success();
}

llvm::Error loadPluginsOf(std::vector<char *> &words,
                          DialectRegistry &registry) {
  std::vector<char *> others;
  for (size_t i = 0; i < words.size(); ++i) {
    StringRef word = words[i];
    bool isPlugin = word.consume_front("--load-pass-plugin") &&
                    (word.empty() || word.consume_front("="));
    if (!isPlugin) {
      others.push_back(words[i]);
      continue;
    }
    if (word.empty() && i + 1 < words.size())
      word = words[++i];
    if (llvm::Error error = loadPlugin(word, registry))
      return error;
  }
  words = std::move(others);
  return llvm::Error::success();
}

} // namespace nnc
