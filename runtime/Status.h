// What went wrong with the machine, a file or a call: a code and a message,
// carried without exceptions.
#ifndef NNC_RUNTIME_STATUS_H
#define NNC_RUNTIME_STATUS_H

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nnc::runtime {

/// Values are those of nnc_code_t in nnc.h.
enum class Code {
  Ok = 0,
  /// The call is wrong: a shape, a name, a null pointer.
  InvalidArgument = 1,
  /// A file, a tensor or an entry point of that name does not exist.
  NotFound = 2,
  /// A file was read and is not what it should be.
  InvalidFile = 3,
  /// A valid plan that this library or this machine cannot run.
  Unsupported = 4,
  OutOfMemory = 5,
  /// The operating system failed to read or write.
  IoError = 6,
  DeviceError = 7,
  /// Numbers that training came to are infinite or not numbers.
  NotFinite = 8,
};

class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Code code, std::string message)
      : failure(code), text(std::move(message)) {}

  /// Allocates nothing: the text fits a string's own storage.
  static Status outOfMemory() { return {Code::OutOfMemory, "out of memory"}; }

  bool isOk() const { return failure == Code::Ok; }
  Code code() const { return failure; }
  const std::string &message() const { return text; }

private:
  Code failure = Code::Ok;
  std::string text;
};

/// A value, or the status that says why there is none.
template <typename T> class [[nodiscard]] StatusOr {
public:
  StatusOr(Status status) : failure(std::move(status)) {}
  StatusOr(T &&value) : content(std::move(value)) {}

  bool isOk() const { return content.has_value(); }
  const Status &status() const { return failure; }
  T &operator*() { return *content; }
  const T &operator*() const { return *content; }
  T *operator->() { return &*content; }
  const T *operator->() const { return &*content; }

private:
  Status failure;
  std::optional<T> content;
};

/// Joins strings and numbers into one message. The runtime writes no streams:
/// they would triple its size.
template <typename... Parts> std::string concat(const Parts &...parts) {
  std::string result;
  auto append = [&result](const auto &part) {
    using Part = std::decay_t<decltype(part)>;
    if constexpr (std::is_arithmetic_v<Part> && !std::is_same_v<Part, char>)
      result += std::to_string(part);
    else
      result += part;
  };
  (append(parts), ...);
  return result;
}

/// `text` in single quotes, shortened, with control characters and what is not
/// UTF-8 escaped, so
/// that a hostile name cannot break a terminal or a log.
std::string quote(std::string_view text);

/// Runs `body`, which returns a Status or a StatusOr, and turns a failed
/// allocation into a status. Every entry into the library goes through here:
/// its callers may be compiled without exceptions.
template <typename Body> auto guardMemory(Body &&body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception &) {
    // Beside bad_alloc only length_error can arise, from a size that no memory
    // could hold either.
    return Status::outOfMemory();
  }
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_STATUS_H
