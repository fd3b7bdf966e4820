// Exit statuses, messages with places, and the compiler as a program beside.
#include "tools/Program.h"

#include "tools/SourcePlace.h"

#include "runtime/File.h"

#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace nnc::tools {

using runtime::Code;
using runtime::Status;

Exit exitFor(Code code) {
  switch (code) {
  case Code::OutOfMemory:
  case Code::IoError:
  case Code::DeviceError:
    return MachineFailed;
  default:
    return InputWrong;
  }
}

int fail(const Status &status) {
  std::cerr << "error: " << status.message() << '\n';
  return exitFor(status.code());
}

int failAt(const std::string &place, const Status &status,
           const std::string &model) {
  std::cerr << place << (place.empty() ? "" : ": ")
            << "error: " << status.message() << '\n';
  std::optional<SourcePlace> found = parsePlace(place);
  if (!found || found->file != model)
    return exitFor(status.code());
  const std::vector<std::string> lines = readProgram(model);
  if (size_t(found->line) > lines.size())
    return exitFor(status.code());
  const std::string &text = lines[found->line - 1];
  if (found->column <= long(text.size()) + 1)
    std::cerr << text << '\n' << std::string(found->column - 1, ' ') << "^\n";
  return exitFor(status.code());
}

bool parseNumber(const std::string &text, int64_t &number) {
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string stemOf(const std::string &path) {
  std::string name = path.substr(path.rfind('/') + 1);
  size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

static std::string besideThisProgram(const std::string &program) {
  char self[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length <= 0)
    return program;
  return folderOf(std::string(self, length)) + "/" + program;
}

static std::vector<char *> pointers(std::vector<std::string> &words) {
  std::vector<char *> result;
  for (std::string &word : words)
    result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

static int reportUnstartable(const std::string &path, int error) {
  std::cerr << "error: cannot run " << path << ": " << std::strerror(error)
            << "; it is built and installed beside nnc\n";
  return MachineFailed;
}

int becomeCompiler(const std::vector<std::string> &arguments) {
  std::vector<std::string> words{besideThisProgram("nnc-compiler")};
  words.insert(words.end(), arguments.begin(), arguments.end());
  execv(words[0].c_str(), pointers(words).data());
  return reportUnstartable(words[0], errno);
}

int runBeside(const std::string &program,
              const std::vector<std::string> &arguments, int output) {
  std::vector<std::string> words{besideThisProgram(program)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (output >= 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t child;
  int error = posix_spawn(&child, words[0].c_str(), &actions, nullptr,
                          pointers(words).data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return reportUnstartable(words[0], error);
  int state = 0;
  while (waitpid(child, &state, 0) < 0 && errno == EINTR)
    ;
  if (WIFEXITED(state))
    return WEXITSTATUS(state);
  std::cerr << "error: " << program << " ended by signal " << WTERMSIG(state)
            << " (" << strsignal(WTERMSIG(state))
            << "); please report the model\n";
  return MachineFailed;
}

int drawPictures(const std::string &folder, bool isQuiet) {
  runtime::OpenFile nowhere(isQuiet ? open("/dev/null", O_WRONLY | O_CLOEXEC)
                                    : -1);
  return runBeside("nnc-plot", {folder}, nowhere.get());
}

static bool isPlanFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  char head[8] = {};
  file.read(head, sizeof head);
  // A FlatBuffers identifier stands after the offset of the root.
  return file.gcount() == 8 && std::memcmp(head + 4, "NNCP", 4) == 0;
}

static std::vector<std::string> compilerWords(const CompileRequest &request) {
  std::vector<std::string> words{
      "compile", request.model, "--target", request.target,
      "--quiet", "-o",          "-"};
  if (request.maxBatch > 0)
    words.insert(words.end(),
                 {"--max-batch", std::to_string(request.maxBatch)});
  // In f64 a step takes twice the memory, and is run once; op by op it takes
  // more, too.
  std::optional<int64_t> budget = request.memoryBudgetBytes;
  if (!budget && (request.forGradientCheck || request.eachOp))
    budget = 0;
  if (budget)
    words.insert(words.end(), {"--memory-budget", std::to_string(*budget)});
  for (const std::string &setting : request.settings)
    words.insert(words.end(), {"--set", setting});
  for (const std::string &plugin : request.plugins)
    words.insert(words.end(), {"--load-pass-plugin", plugin});
  for (const std::string &passes : request.passesAt)
    words.insert(words.end(), {"--pass-at", passes});
  for (const std::string &pattern : request.freeze)
    words.insert(words.end(), {"--freeze", pattern});
  if (request.gradients)
    words.push_back("--gradients");
  if (request.forGradientCheck)
    words.push_back("--gradient-check");
  if (request.forExplaining)
    words.push_back("--explain");
  if (request.forExplaining && !request.explainLayer.empty())
    words.insert(words.end(), {"--explain-layer", request.explainLayer});
  if (request.sequences)
    words.insert(words.end(), {"--no-training", "--generate",
                               std::to_string(request.sequences)});
  if (!request.generateInput.empty())
    words.insert(words.end(), {"--generate-input", request.generateInput});
  if (!request.generateOutput.empty())
    words.insert(words.end(), {"--generate-output", request.generateOutput});
  if (request.eachOp)
    words.push_back("--each-op");
  if (request.reference)
    words.push_back("--reference");
  if (request.allowTf32)
    words.push_back("--allow-tf32");
  return words;
}

static PlanOrExit
finish(runtime::StatusOr<std::shared_ptr<const runtime::Plan>> plan) {
  if (!plan.isOk())
    return {nullptr, fail(plan.status())};
  return {*plan, Done};
}

PlanOrExit openModel(const CompileRequest &request) {
  const bool isPlan = isPlanFile(request.model);
  const char *late = !request.freeze.empty()     ? "--freeze"
                     : request.memoryBudgetBytes ? "--memory-budget"
                                                 : nullptr;
  if (isPlan && late)
    return {
        nullptr,
        failAt(request.model,
               {Code::InvalidArgument,
                runtime::concat("a plan is compiled already; ", late,
                                " is for nnc compile, or takes the model")})};
  if (isPlan)
    return finish(runtime::Plan::open(request.model));
  int memory = memfd_create("nnc-plan", MFD_CLOEXEC);
  if (memory < 0)
    return {nullptr, fail({Code::IoError, std::string("no memory file: ") +
                                              std::strerror(errno)})};
  int exit = runBeside("nnc-compiler", compilerWords(request), memory);
  if (exit != Done) {
    close(memory);
    return {nullptr, exit};
  }
  struct stat info;
  fstat(memory, &info);
  void *bytes = mmap(nullptr, info.st_size, PROT_READ, MAP_PRIVATE, memory, 0);
  close(memory);
  if (bytes == MAP_FAILED)
    return {nullptr, fail({Code::IoError,
                           std::string("the compiled plan cannot be mapped: ") +
                               std::strerror(errno)})};
  PlanOrExit result =
      finish(runtime::Plan::fromMemory(bytes, info.st_size, request.model));
  munmap(bytes, info.st_size);
  return result;
}

} // namespace nnc::tools
