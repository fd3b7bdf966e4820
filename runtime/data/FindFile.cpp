// Looks for names and patterns in folders.
#include "runtime/data/FindFile.h"

#include "runtime/File.h"

#include <algorithm>
#include <filesystem>
#include <fnmatch.h>
#include <set>
#include <string_view>
#include <unistd.h>

namespace nnc::runtime {

static bool isAbsolute(const std::string &path) {
  return !path.empty() && path[0] == '/';
}

std::vector<std::string>
searchPrefixes(const std::string &path,
               const std::vector<std::string> &directories) {
  if (isAbsolute(path))
    return {""};
  std::vector<std::string> result;
  for (const std::string &directory : directories)
    result.push_back(directory.empty() || directory.back() == '/'
                         ? directory
                         : directory + '/');
  return result;
}

static Status notFound(const std::string &path,
                       const std::vector<std::string> &directories) {
  if (isAbsolute(path))
    return {Code::NotFound, path + ": no such file"};
  std::string searched;
  std::set<std::string> named;
  for (const std::string &directory : directories) {
    const std::string name = directory.empty() ? "." : directory;
    if (named.insert(name).second)
      searched += concat(searched.empty() ? "" : ", ", name);
  }
  return {Code::NotFound, concat(path, ": no such file in ", searched)};
}

// The name itself, and the other of its compressed and plain forms.
static std::vector<std::string> spellings(const std::string &path) {
  constexpr std::string_view suffix = ".gz";
  bool isCompressed =
      path.size() > suffix.size() &&
      path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0;
  return {path, isCompressed ? path.substr(0, path.size() - suffix.size())
                             : path + std::string(suffix)};
}

StatusOr<std::string> findFile(const std::string &path,
                               const std::vector<std::string> &directories) {
  for (const std::string &prefix : searchPrefixes(path, directories))
    for (const std::string &spelling : spellings(path)) {
      std::string candidate = prefix + spelling;
      if (access(candidate.c_str(), F_OK) == 0)
        return candidate;
    }
  return notFound(path, directories);
}

/// The files in `folder` whose names match, sorted; none where it cannot be
/// read.
static std::vector<std::string> match(const std::string &folder,
                                      const std::string &pattern) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  std::error_code error, unknown;
  fs::directory_iterator entry(folder.empty() ? "." : folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0 &&
        !entry->is_directory(unknown))
      files.push_back(folder + name);
  }
  std::sort(files.begin(), files.end());
  return files;
}

StatusOr<std::vector<std::string>>
findFiles(const std::string &pattern,
          const std::vector<std::string> &directories) {
  constexpr const char *wild = "*?";
  const size_t slash = pattern.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "" : pattern.substr(0, slash + 1);
  if (folder.find_first_of(wild) != std::string::npos)
    return Status(Code::InvalidArgument,
                  concat(pattern, ": only the name of a file may be a pattern, "
                                  "not those of folders"));
  if (pattern.find_first_of(wild) == std::string::npos) {
    StatusOr<std::string> file = findFile(pattern, directories);
    if (!file.isOk())
      return file.status();
    return std::vector<std::string>{*file};
  }
  for (const std::string &prefix : searchPrefixes(pattern, directories)) {
    std::vector<std::string> files =
        match(prefix + folder, pattern.substr(folder.size()));
    if (!files.empty())
      return files;
  }
  return notFound(pattern, directories);
}

StatusOr<FolderListing> listFolder(const std::string &path) {
  namespace fs = std::filesystem;
  FolderListing listing;
  std::error_code error, unknown;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.empty() || name[0] == '.')
      continue;
    (entry->is_directory(unknown) ? listing.folders : listing.files)
        .push_back(name);
  }
  if (error)
    return systemError(path, "list the folder", error.value());
  std::sort(listing.folders.begin(), listing.folders.end());
  std::sort(listing.files.begin(), listing.files.end());
  return listing;
}

} // namespace nnc::runtime
