// Writes to a file beside the other, brings it to the disk, and renames it.
#include "runtime/AtomicFile.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nnc::runtime {

static std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "."
         : slash == 0               ? "/"
                                    : path.substr(0, slash);
}

// Unlike realpath, also where the last link leads to no file yet.
static StatusOr<std::string> followLinks(std::string path) {
  // The kernel's limit.
  constexpr int mostLinks = 40;
  for (int i = 0; i < mostLinks; ++i) {
    char link[PATH_MAX];
    ssize_t length = readlink(path.c_str(), link, sizeof link);
    if (length < 0)
      return path;
    if (length == sizeof link)
      return systemError(path, "follow", ENAMETOOLONG);
    std::string target(link, length);
    path = target[0] == '/' ? target : concat(folderOf(path), "/", target);
  }
  return systemError(path, "follow", ELOOP);
}

StatusOr<AtomicFile> AtomicFile::create(const std::string &path) {
  // Asked of `path` itself, since the system refuses to follow a stranger's
  // link in a folder that all may write to.
  struct stat facts;
  bool exists = stat(path.c_str(), &facts) == 0;
  if (!exists && errno != ENOENT)
    return systemError(path, "replace", errno);
  if (exists && !S_ISREG(facts.st_mode))
    return Status(Code::IoError, path + ": not a regular file");
  StatusOr<std::string> target = followLinks(path);
  if (!target.isOk())
    return target.status();
  AtomicFile file(std::move(*target));
  if (Status status = file.openPartial(); !status.isOk())
    return status;
  if (ftruncate(file.file.get(), 0) != 0 ||
      (exists && fchmod(file.file.get(), facts.st_mode & 07777) != 0))
    return systemError(file.partial, "write", errno);
  return file;
}

AtomicFile::~AtomicFile() {
  // Moved from where there is no descriptor.
  if (file.get() >= 0 && !partial.empty())
    unlink(partial.c_str());
}

Status AtomicFile::openPartial() {
  constexpr int mostWriters = 64;
  for (int writer = 1; writer <= mostWriters; ++writer) {
    Status status = takePartial(
        concat(target, ".part", writer == 1 ? "" : std::to_string(writer)));
    if (!status.isOk() || file.get() >= 0)
      return status;
  }
  return {Code::IoError,
          concat(target, ".part: this name, and those with 2 to ", mostWriters,
                 " after it, are taken")};
}

/// Opens the file `name` and locks it, or leaves `file` as it is where the name
/// is taken: by another writer, or by something that no writer of ours made.
Status AtomicFile::takePartial(const std::string &name) {
  constexpr int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
  OpenFile opened(open(name.c_str(), flags | O_CREAT | O_EXCL, 0666));
  bool isNew = opened.get() >= 0;
  if (!isNew && errno == ENOENT)
    return {Code::NotFound,
            concat(target, ": there is no folder ", folderOf(target))};
  if (!isNew && errno != EEXIST)
    return systemError(name, "create", errno);
  // Non-blocking, or opening a pipe would wait for its reader.
  if (!isNew)
    opened = OpenFile(open(name.c_str(), flags | O_NONBLOCK));
  if (opened.get() < 0)
    return {};
  int error = 0;
  while (flock(opened.get(), LOCK_EX | LOCK_NB) != 0 &&
         (error = errno) == EINTR)
    error = 0;
  // A file system without locks is no reason not to write a new file.
  if (error && (error == EWOULDBLOCK || !isNew))
    return {};
  struct stat locked, named;
  if (fstat(opened.get(), &locked) != 0)
    return systemError(name, "create", errno);
  if (!S_ISREG(locked.st_mode) || locked.st_nlink != 1 ||
      (!isNew && locked.st_uid != geteuid()))
    return {};
  // Where they differ, the writer before has renamed the file meanwhile: what
  // is locked now is its result, which is not to be written to.
  if (lstat(name.c_str(), &named) != 0 || named.st_ino != locked.st_ino ||
      named.st_dev != locked.st_dev)
    return {};
  partial = name;
  file = std::move(opened);
  return {};
}

Status AtomicFile::write(const void *data, int64_t sizeBytes) {
  auto *cursor = static_cast<const char *>(data);
  while (sizeBytes > 0) {
    ssize_t written = ::write(file.get(), cursor, sizeBytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return systemError(partial, "write", errno);
    cursor += written;
    sizeBytes -= written;
  }
  return {};
}

Status AtomicFile::rewriteBegin(const void *data, int64_t sizeBytes) {
  const off_t end = lseek(file.get(), 0, SEEK_CUR);
  if (end < sizeBytes || lseek(file.get(), 0, SEEK_SET) < 0)
    return systemError(partial, "write", end < 0 ? errno : EINVAL);
  if (Status status = write(data, sizeBytes); !status.isOk())
    return status;
  return lseek(file.get(), end, SEEK_SET) == end
             ? Status()
             : systemError(partial, "write", errno);
}

Status AtomicFile::commit() {
  if (fsync(file.get()) != 0)
    return systemError(partial, "flush", errno);
  if (std::rename(partial.c_str(), target.c_str()) != 0)
    return systemError(target, "replace", errno);
  partial.clear();
  // The rename is on disk only when the folder is.
  std::string folder = folderOf(target);
  OpenFile opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || fsync(opened.get()) != 0)
    return systemError(folder, "flush", errno);
  return {};
}

Status replaceFile(const std::string &path, std::string_view content) {
  return guardMemory([&]() -> Status {
    StatusOr<AtomicFile> file = AtomicFile::create(path);
    if (!file.isOk())
      return file.status();
    Status status = file->write(content.data(), content.size());
    return status.isOk() ? file->commit() : status;
  });
}

Status checkReplaceable(const std::string &path) {
  return guardMemory([&] { return AtomicFile::create(path).status(); });
}

} // namespace nnc::runtime
