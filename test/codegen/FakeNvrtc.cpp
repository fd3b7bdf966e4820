// An NVRTC that compiles nothing: for what surrounds it, on a machine without
// one. NNC_NVRTC names it. A kernel whose name is in the variable
//   FAKE_NVRTC_FAIL   does not compile
//   FAKE_NVRTC_SPILL  is reported to spill
// and each call of the compiler adds a line to the file $FAKE_NVRTC_CALLS.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Program {
  std::string text, name, cubin, ptx, log;
};

const int kArchitectures[] = {75, 80, 90, 120};

/// Of nvrtc.h.
enum Result { Success = 0, InvalidProgram = 4, InvalidOption = 5, Failed = 6 };

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// The names of the kernels, each before the last parenthesis that the line of
/// its head opens.
std::vector<std::string> kernelsIn(const std::string &text) {
  std::vector<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    size_t end = line.rfind('(');
    if (line.find("extern \"C\" __global__") != 0 || end == std::string::npos)
      continue;
    size_t begin = line.find_last_of(" *", end) + 1;
    names.push_back(line.substr(begin, end - begin));
  }
  return names;
}

std::string reportOn(const std::string &kernel, const std::string &arch) {
  bool spills = kernel == environment("FAKE_NVRTC_SPILL");
  return "ptxas info    : Compiling entry function '" + kernel + "' for '" +
         arch + "'\nptxas info    : Function properties for " + kernel +
         "\nptxas         .     " +
         (spills ? "24 bytes stack frame, 16 bytes spill stores, 20"
                 : "0 bytes stack frame, 0 bytes spill stores, 0") +
         " bytes spill loads\nptxas info    : Used 26 registers, used 1 "
         "barriers, 32 bytes smem\n";
}

int copyOut(const std::string &from, char *to) {
  std::memcpy(to, from.c_str(), from.size() + 1);
  return Success;
}

} // namespace

extern "C" {

const char *nvrtcGetErrorString(int result) {
  return result == Failed ? "NVRTC_ERROR_COMPILATION"
                          : "NVRTC_ERROR_INVALID_OPTION";
}

int nvrtcVersion(int *major, int *minor) {
  *major = 13, *minor = 0;
  return Success;
}

int nvrtcGetNumSupportedArchs(int *count) {
  *count = std::size(kArchitectures);
  return Success;
}

int nvrtcGetSupportedArchs(int *architectures) {
  std::memcpy(architectures, kArchitectures, sizeof kArchitectures);
  return Success;
}

int nvrtcCreateProgram(Program **program, const char *text, const char *name,
                       int, const char *const *, const char *const *) {
  *program = new Program{text, name, "", "", ""};
  return Success;
}

int nvrtcDestroyProgram(Program **program) {
  delete *program;
  *program = nullptr;
  return Success;
}

int nvrtcCompileProgram(Program *program, int numOptions,
                        const char *const *options) {
  const std::string prefix = "--gpu-architecture=";
  std::string arch;
  for (int i = 0; i < numOptions; ++i)
    if (std::strncmp(options[i], prefix.c_str(), prefix.size()) == 0)
      arch = options[i] + prefix.size();
  if (arch.empty())
    return InvalidOption;
  if (std::string calls = environment("FAKE_NVRTC_CALLS"); !calls.empty())
    std::ofstream(calls, std::ios::app) << program->name + " " + arch + "\n";
  for (const std::string &kernel : kernelsIn(program->text)) {
    if (kernel == environment("FAKE_NVRTC_FAIL")) {
      program->log = program->name + "(7): error: no such luck\n";
      return Failed;
    }
    program->ptx += "// " + kernel + " for " + arch + "\n";
    if (arch[0] == 's') {
      program->cubin += kernel + " for " + arch + "\n";
      program->log += reportOn(kernel, arch);
    }
  }
  return Success;
}

int nvrtcGetCUBINSize(Program *program, size_t *size) {
  *size = program->cubin.size();
  return Success;
}

int nvrtcGetCUBIN(Program *program, char *cubin) {
  std::memcpy(cubin, program->cubin.data(), program->cubin.size());
  return Success;
}

int nvrtcGetPTXSize(Program *program, size_t *size) {
  *size = program->ptx.size() + 1;
  return Success;
}

int nvrtcGetPTX(Program *program, char *ptx) {
  return copyOut(program->ptx, ptx);
}

int nvrtcGetProgramLogSize(Program *program, size_t *size) {
  *size = program->log.size() + 1;
  return Success;
}

int nvrtcGetProgramLog(Program *program, char *log) {
  return copyOut(program->log, log);
}

} // extern "C"
