// Where NVRTC lies, and its functions by their names.
#include "codegen/cuda/NvrtcLibrary.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <mutex>

using namespace nnc;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Where it is
//===----------------------------------------------------------------------===//

/// The newest first. An older one lacks nvrtcGetCUBIN for what nnc asks.
static constexpr const char *kFileNames[] = {"libnvrtc.so.13",
                                             "libnvrtc.so.12"};

static StringRef environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

static llvm::SmallVector<std::string> foldersToSearch() {
  llvm::SmallVector<std::string> folders;
  auto addToolkit = [&](StringRef root) {
    // A relative one would be the current folder's, which may be anybody's.
    if (!llvm::sys::path::is_absolute(root))
      return;
    // The toolkit's own place, and the one of its packages for Python.
    folders.push_back((root + "/lib64").str());
    folders.push_back((root + "/lib").str());
  };
  addToolkit(environment("CUDA_HOME"));
  addToolkit(environment("CUDA_PATH"));
  for (StringRef folder : llvm::split(environment("LD_LIBRARY_PATH"), ':'))
    if (llvm::sys::path::is_absolute(folder))
      folders.push_back(folder.str());
  addToolkit("/usr/local/cuda");
  return folders;
}

static std::string searchFolders() {
  for (const std::string &folder : foldersToSearch())
    for (const char *name : kFileNames)
      if (std::string path = folder + "/" + name; llvm::sys::fs::exists(path))
        return path;
  return "";
}

/// The loader tells where a library is only by loading it.
static std::string askLoader() {
  for (const char *name : kFileNames) {
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    link_map *map = nullptr;
    if (handle && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0)
      return map->l_name;
  }
  return "";
}

static llvm::Error isMissing(const llvm::Twine &what) {
  return llvm::createStringError(
      what + "; compiling for a GPU needs NVRTC of the CUDA toolkit 12 or 13, "
             "which needs no GPU itself: install NVIDIA's package "
             "cuda-nvrtc-13-0 or the Python package nvidia-cuda-nvrtc, and "
             "say where it is by CUDA_HOME=FOLDER or NNC_NVRTC=FILE");
}

llvm::Expected<std::unique_ptr<NvrtcLibrary>> NvrtcLibrary::find() {
  std::string path = environment("NNC_NVRTC").str();
  if (!path.empty() && !llvm::sys::fs::exists(path))
    return isMissing("NNC_NVRTC names " + path + ", which is not there");
  if (path.empty())
    path = searchFolders();
  if (path.empty())
    path = askLoader();
  if (path.empty())
    return isMissing("libnvrtc.so.13 was not found");
  return std::unique_ptr<NvrtcLibrary>(new NvrtcLibrary(std::move(path)));
}

/// As a path from the root, which the loader does not look for elsewhere.
static std::string absolute(StringRef path) {
  llvm::SmallString<128> full(path);
  llvm::sys::fs::make_absolute(full);
  return full.str().str();
}

static std::string identityOf(StringRef path) {
  llvm::SmallString<128> real;
  if (llvm::sys::fs::real_path(path, real))
    real = path;
  llvm::sys::fs::file_status status;
  if (llvm::sys::fs::status(real, status))
    return real.str().str();
  int64_t time = status.getLastModificationTime().time_since_epoch().count();
  return (llvm::sys::path::filename(real) + " " +
          llvm::Twine(status.getSize()) + " " + llvm::Twine(time))
      .str();
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

struct NvrtcLibrary::Loading {
  std::once_flag once;
  Api api = {};
  std::string error;
};

NvrtcLibrary::NvrtcLibrary(std::string path)
    : path(absolute(path)), fileIdentity(identityOf(this->path)),
      loading(std::make_unique<Loading>()) {}

NvrtcLibrary::~NvrtcLibrary() = default;

/// Fills `api`; the first name that the library lacks, or null.
static const char *resolve(void *handle, NvrtcLibrary::Api &api) {
  const std::pair<const char *, void *> functions[] = {
      {"nvrtcGetErrorString", &api.getErrorString},
      {"nvrtcVersion", &api.getVersion},
      {"nvrtcGetNumSupportedArchs", &api.getNumSupportedArchs},
      {"nvrtcGetSupportedArchs", &api.getSupportedArchs},
      {"nvrtcCreateProgram", &api.createProgram},
      {"nvrtcDestroyProgram", &api.destroyProgram},
      {"nvrtcCompileProgram", &api.compileProgram},
      {"nvrtcGetCUBINSize", &api.getCubinSize},
      {"nvrtcGetCUBIN", &api.getCubin},
      {"nvrtcGetPTXSize", &api.getPtxSize},
      {"nvrtcGetPTX", &api.getPtx},
      {"nvrtcGetProgramLogSize", &api.getProgramLogSize},
      {"nvrtcGetProgramLog", &api.getProgramLog},
  };
  for (auto [name, place] : functions) {
    void *function = dlsym(handle, name);
    if (!function)
      return name;
    *static_cast<void **>(place) = function;
  }
  return nullptr;
}

/// NVRTC opens its builtins by their bare name when it first compiles. Open
/// them from beside it first: that name then means these.
static void loadBuiltins(StringRef path, const NvrtcLibrary::Api &api) {
  std::string builtins = (llvm::sys::path::parent_path(path) +
                          "/libnvrtc-builtins.so." + api.version())
                             .str();
  // Where they are elsewhere, the loader may know them.
  dlopen(builtins.c_str(), RTLD_NOW | RTLD_LOCAL);
}

/// Empty, or why the library cannot be used. It stays loaded: its threads may
/// outlive any call.
static std::string loadFrom(const std::string &path, NvrtcLibrary::Api &api) {
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return std::string("NVRTC cannot be loaded: ") + dlerror();
  if (const char *missing = resolve(handle, api))
    return path + " is no NVRTC that nnc can use: it has no " + missing;
  loadBuiltins(path, api);
  return "";
}

llvm::Expected<const NvrtcLibrary::Api *> NvrtcLibrary::load() {
  std::call_once(loading->once,
                 [&] { loading->error = loadFrom(path, loading->api); });
  if (!loading->error.empty())
    return llvm::createStringError(loading->error);
  return &loading->api;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

std::string NvrtcLibrary::Api::version() const {
  int major = 0, minor = 0;
  getVersion(&major, &minor);
  return std::to_string(major) + "." + std::to_string(minor);
}

std::vector<int> NvrtcLibrary::Api::supportedArchitectures() const {
  int count = 0;
  if (getNumSupportedArchs(&count) != 0)
    return {};
  std::vector<int> architectures(count);
  if (getSupportedArchs(architectures.data()) != 0)
    return {};
  return architectures;
}

/// What a pair of NVRTC's functions says: how long it is, and what it is. Empty
/// if there is none.
template <typename Container>
static Container fetch(NvrtcLibrary::Api::Program program,
                       int (*getSize)(NvrtcLibrary::Api::Program, size_t *),
                       int (*get)(NvrtcLibrary::Api::Program, char *)) {
  size_t size = 0;
  if (getSize(program, &size) != 0 || size == 0)
    return {};
  Container contents(size, 0);
  if (get(program, reinterpret_cast<char *>(contents.data())) != 0)
    return {};
  return contents;
}

/// The same for text, of which NVRTC counts the final zero.
static std::string fetchText(NvrtcLibrary::Api::Program program,
                             int (*getSize)(NvrtcLibrary::Api::Program,
                                            size_t *),
                             int (*get)(NvrtcLibrary::Api::Program, char *)) {
  return fetch<std::string>(program, getSize, get).c_str();
}

bool NvrtcLibrary::Api::compile(const std::string &text,
                                const std::string &name,
                                llvm::ArrayRef<std::string> options,
                                NvrtcOutput &output,
                                NvrtcFailure &failure) const {
  Program program = nullptr;
  int error =
      createProgram(&program, text.c_str(), name.c_str(), 0, nullptr, nullptr);
  if (error != 0) {
    failure = {std::string("nvrtcCreateProgram: ") + getErrorString(error), ""};
    return false;
  }
  auto words = llvm::map_to_vector(
      options, [](const std::string &option) { return option.c_str(); });
  error = compileProgram(program, words.size(), words.data());
  std::string log = fetchText(program, getProgramLogSize, getProgramLog);
  if (error != 0)
    failure = {std::string("nvrtcCompileProgram: ") + getErrorString(error),
               std::move(log)};
  else
    output = {fetch<std::vector<uint8_t>>(program, getCubinSize, getCubin),
              fetchText(program, getPtxSize, getPtx), std::move(log)};
  destroyProgram(&program);
  return error == 0;
}
