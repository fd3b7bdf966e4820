// Any bytes as the lines of explanations that `nnc plot` draws: pictures or a
// message.
#include "tools/plot/Explanations.h"

#include "test/fuzz/Require.h"

#include <sanitizer/lsan_interface.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

using namespace nnc;

namespace {
/// A folder of this process, gone when it ends.
struct Folder {
  Folder() {
    char name[] = "/tmp/fuzz-explanations-XXXXXX";
    path = mkdtemp(name) ? name : "";
    // What is refused is said a million times.
    std::cerr.rdbuf(nullptr);
    std::cout.rdbuf(nullptr);
  }
  ~Folder() { std::filesystem::remove_all(path); }

  std::string path;
};
} // namespace

/// What Fontconfig knows of the one font that is asked for, it never frees.
extern "C" const char *__lsan_default_suppressions() {
  return "leak:libfontconfig";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Folder folder;
  for (const auto &entry : std::filesystem::directory_iterator(folder.path))
    std::filesystem::remove_all(entry.path());
  std::ofstream(folder.path + "/explain.jsonl", std::ios::binary)
      .write(reinterpret_cast<const char *>(data), std::streamsize(size));
  const int exit = tools::plotExplanations(folder.path);
  fuzz::require(exit == 0 || exit == 1, "pictures that can be written");
  return 0;
}
