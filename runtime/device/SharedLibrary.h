// Libraries that are found when they are first needed, and their functions.
#ifndef NNC_RUNTIME_DEVICE_SHAREDLIBRARY_H
#define NNC_RUNTIME_DEVICE_SHAREDLIBRARY_H

#include "runtime/Status.h"

#include <string>
#include <vector>

namespace nnc::runtime {

/// An open library; it stays open unless it is closed.
class SharedLibrary {
public:
  /// DeviceError with what the loader says if it cannot be loaded; Unsupported
  /// in a program that is linked statically.
  static StatusOr<SharedLibrary> load(const std::string &name);

  /// The first of `names` that the loader finds: bare names where it searches,
  /// which is never the current folder, and absolute paths. Unsupported, with
  /// what the loader said of each, if there is none; `what` says what it is.
  static StatusOr<SharedLibrary> open(const char *what,
                                      const std::vector<std::string> &names);

  bool isOpen() const { return handle; }

  /// Drivers are not: they have threads of their own.
  void close();

  /// Null if there is no such function.
  void *find(const char *symbol) const;

  const std::string &name() const { return nameOfFile; }

private:
  void *handle = nullptr;
  std::string nameOfFile;
};

/// A function by name, and the pointer that becomes its address.
struct WantedCall {
  const char *symbol;
  void *pointer;
};

/// Unsupported, naming the first that `library` does not have.
Status findCalls(const SharedLibrary &library, const WantedCall *calls,
                 size_t count);

/// A function of a library that returns 0 or the number of an error, which
/// `describe` turns into a status with the function's name.
template <Status (*describe)(const char *name, int error),
          typename... Arguments>
class LibraryCall {
public:
  explicit constexpr LibraryCall(const char *name) : symbol(name) {}

  WantedCall wanted() { return {symbol, &function}; }

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

template <typename... Calls>
Status findCalls(const SharedLibrary &library, Calls &...calls) {
  const WantedCall wanted[] = {calls.wanted()...};
  return findCalls(library, wanted, sizeof...(calls));
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_SHAREDLIBRARY_H
