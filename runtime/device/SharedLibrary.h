// Libraries that are found when they are first needed, and their functions.
#ifndef NNC_RUNTIME_DEVICE_SHAREDLIBRARY_H
#define NNC_RUNTIME_DEVICE_SHAREDLIBRARY_H

#include "runtime/Status.h"

#include <cstring>
#include <string>
#include <vector>

namespace nnc::runtime {

/// An open library. It stays open: drivers have threads of their own, and what
/// is opened once is wanted again.
class SharedLibrary {
public:
  /// The first of `names` that the loader finds. Unsupported, with what it was
  /// that the loader said of each, if there is none; `what` says what it is.
  static StatusOr<SharedLibrary> open(const char *what,
                                      const std::vector<std::string> &names);

  /// Null if there is no such function.
  void *find(const char *symbol) const;

  const std::string &name() const { return nameOfFile; }

private:
  void *handle = nullptr;
  std::string nameOfFile;
};

/// A function of a library that returns 0 or the number of an error, which
/// `describe` turns into a status with the function's name.
template <Status (*describe)(const char *name, int error),
          typename... Arguments>
class LibraryCall {
public:
  explicit constexpr LibraryCall(const char *name) : symbol(name) {}

  /// Unsupported if `library` does not have it.
  Status find(const SharedLibrary &library) {
    void *found = library.find(symbol);
    if (!found)
      return {Code::Unsupported, concat(library.name(), " has no ", symbol,
                                        ": it is too old or damaged")};
    std::memcpy(&function, &found, sizeof found);
    return {};
  }

  Status operator()(Arguments... arguments) const {
    int error = function(arguments...);
    return error ? describe(symbol, error) : Status();
  }

  /// For those whose failure nobody can do anything about.
  int (*get() const)(Arguments...) { return function; }

private:
  const char *symbol;
  int (*function)(Arguments...) = nullptr;
};

/// Finds all of `calls` in `library`; the first that is missing is an error.
template <typename... Calls>
Status findCalls(const SharedLibrary &library, Calls &...calls) {
  Status status;
  auto find = [&](auto &call) {
    if (status.isOk())
      status = call.find(library);
  };
  (find(calls), ...);
  return status;
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_SHAREDLIBRARY_H
