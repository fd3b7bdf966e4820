// Opens libraries by their names, never from the current folder.
#include "runtime/device/SharedLibrary.h"

#include <cstring>

#include <dlfcn.h>
#include <link.h>

// Weak, so that this brings no loader into a static program.
extern "C" {
__attribute__((weak)) void *dlopen(const char *, int) noexcept;
__attribute__((weak)) int dlclose(void *) noexcept;
__attribute__((weak)) void *dlsym(void *__restrict,
                                  const char *__restrict) noexcept;
__attribute__((weak)) char *dlerror() noexcept;
}

namespace nnc::runtime {

// A static program may have these functions all the same, and the second C
// library that a library would bring crashes it. Such a program is the only
// object that its loader knows, or with the kernel's, which has no path.
static bool hasLoader() {
  if (!dlopen || !dlclose || !dlsym || !dlerror)
    return false;
  auto isLoaded = [](dl_phdr_info *object, size_t, void *) -> int {
    return object->dlpi_name && std::strchr(object->dlpi_name, '/');
  };
  return dl_iterate_phdr(isLoaded, nullptr) != 0;
}

StatusOr<SharedLibrary> SharedLibrary::load(const std::string &name) {
  if (!hasLoader())
    return Status(
        Code::Unsupported,
        concat(name, ": a statically linked program cannot load a library"));
  SharedLibrary library;
  // Its symbols are asked for by name, and must not stand in for others'.
  library.handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  library.nameOfFile = name;
  if (library.handle)
    return library;
  const char *problem = dlerror();
  return Status(Code::DeviceError, problem ? problem : name);
}

StatusOr<SharedLibrary>
SharedLibrary::open(const char *what, const std::vector<std::string> &names) {
  std::string problems;
  for (const std::string &name : names) {
    // Relative to the current folder, which may be anybody's.
    if (name.find('/') != std::string::npos && name[0] != '/')
      continue;
    StatusOr<SharedLibrary> library = load(name);
    if (library.isOk())
      return library;
    problems +=
        concat(problems.empty() ? "" : "; ", library.status().message());
  }
  return Status(Code::Unsupported, concat(what, " is missing: ", problems));
}

void SharedLibrary::close() {
  if (handle)
    dlclose(handle);
  handle = nullptr;
}

void *SharedLibrary::find(const char *symbol) const {
  return dlsym(handle, symbol);
}

Status findCalls(const SharedLibrary &library, const WantedCall *calls,
                 size_t count) {
  for (const WantedCall *call = calls; call != calls + count; ++call) {
    void *found = library.find(call->symbol);
    if (!found)
      return {Code::Unsupported,
              concat(library.name(), " has no ", call->symbol,
                     ": it is too old or damaged")};
    std::memcpy(call->pointer, &found, sizeof found);
  }
  return {};
}

} // namespace nnc::runtime
