// Standard output goes to a file in memory for a while.
#include "test/fuzz/StandardOutput.h"

#include "test/fuzz/Require.h"

#include <cstdio>
#include <iostream>
#include <sys/mman.h>
#include <unistd.h>

namespace nnc::fuzz {

StandardOutput::StandardOutput() {
  std::fflush(stdout);
  std::cout.flush();
  int memory = memfd_create("stdout", MFD_CLOEXEC);
  require(memory >= 0 && dup2(memory, STDOUT_FILENO) == STDOUT_FILENO,
          "standard output can be redirected");
  close(memory);
}

std::string StandardOutput::take() {
  std::cout.flush();
  std::fflush(stdout);
  off_t size = lseek(STDOUT_FILENO, 0, SEEK_CUR);
  require(size >= 0, "standard output is in memory");
  std::string text(size_t(size), '\0');
  require(pread(STDOUT_FILENO, text.data(), text.size(), 0) == size &&
              lseek(STDOUT_FILENO, 0, SEEK_SET) == 0 &&
              ftruncate(STDOUT_FILENO, 0) == 0,
          "what was printed can be read");
  return text;
}

} // namespace nnc::fuzz
