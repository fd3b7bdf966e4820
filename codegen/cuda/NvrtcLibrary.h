// NVIDIA's run-time compiler, found by dlopen when it is first needed: building
// nnc needs no CUDA, and a machine that compiles for a GPU needs no driver.
#ifndef NNC_CODEGEN_CUDA_NVRTCLIBRARY_H
#define NNC_CODEGEN_CUDA_NVRTCLIBRARY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nnc {

class NvrtcLibrary {
public:
  /// Finds the library's file: $NNC_NVRTC if that is set; else libnvrtc.so.13
  /// or .12 under $CUDA_HOME, $CUDA_PATH, in $LD_LIBRARY_PATH, under
  /// /usr/local/cuda, or where the loader knows it. It is loaded only where the
  /// loader alone knows it. The error says what is missing and how to get it.
  static llvm::Expected<std::unique_ptr<NvrtcLibrary>> find();

  ~NvrtcLibrary();

  /// Tells one build of NVRTC from another without loading it: the file's
  /// name, size and time. (Its own version has no patch level.)
  llvm::StringRef identity() const { return fileIdentity; }

  struct Api;
  /// Loads the library, once; any thread may ask. An error names the file.
  llvm::Expected<const Api *> load();

private:
  explicit NvrtcLibrary(std::string path);

  struct Loading;
  std::string path;
  std::string fileIdentity;
  std::unique_ptr<Loading> loading;
};

/// What one text was compiled to.
struct NvrtcOutput {
  /// Empty if the architecture is a virtual one.
  std::vector<uint8_t> cubin;
  std::string ptx;
  /// What the compiler said, with each kernel's use of registers if it was
  /// asked for that.
  std::string log;
};

/// Why a text was not compiled: the call's error, and the compiler's log.
struct NvrtcFailure {
  std::string error;
  std::string log;
};

/// An open library's functions; any thread may call them.
struct NvrtcLibrary::Api {
  /// "13.0".
  std::string version() const;
  /// As numbers: 90 for sm_90.
  std::vector<int> supportedArchitectures() const;
  /// Compiles `text`, which its messages call `name`. True if it could; else
  /// `failure` says why.
  bool compile(const std::string &text, const std::string &name,
               llvm::ArrayRef<std::string> options, NvrtcOutput &output,
               NvrtcFailure &failure) const;

  // Of nvrtc.h, whose results are 0 for success.
  using Program = void *;
  const char *(*getErrorString)(int);
  int (*getVersion)(int *major, int *minor);
  int (*getNumSupportedArchs)(int *count);
  int (*getSupportedArchs)(int *architectures);
  int (*createProgram)(Program *, const char *text, const char *name,
                       int numHeaders, const char *const *headers,
                       const char *const *includeNames);
  int (*destroyProgram)(Program *);
  int (*compileProgram)(Program, int numOptions, const char *const *options);
  int (*getCubinSize)(Program, size_t *);
  int (*getCubin)(Program, char *);
  int (*getPtxSize)(Program, size_t *);
  int (*getPtx)(Program, char *);
  int (*getProgramLogSize)(Program, size_t *);
  int (*getProgramLog)(Program, char *);
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_NVRTCLIBRARY_H
