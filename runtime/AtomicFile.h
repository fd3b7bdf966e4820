// A file that replaces another at once or not at all: what every writer of a
// file that somebody may still need goes through.
#ifndef NNC_RUNTIME_ATOMICFILE_H
#define NNC_RUNTIME_ATOMICFILE_H

#include "runtime/File.h"
#include "runtime/Status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace nnc::runtime {

/// Written beside as "PATH.part", flushed, renamed, and the folder flushed: the
/// file `path` is complete or what it was before, even if the process or the
/// machine stops.
///
/// - A symbolic link stays: the file that it leads to is replaced, in its own
///   folder, or made where there is none.
/// - Anything else that is no regular file (a folder, device, pipe or socket)
///   is refused, and left as it is.
/// - The new file has the old one's permissions. Other hard links to the old
///   one keep the old contents.
/// - Several writers of one path do not wait for each other: what is seen is
///   always a whole file of one of them, at last that of the last commit. While
///   "PATH.part" is another writer's or a stranger's, the next takes
///   "PATH.part2", and so on.
/// - What a killed writer left is used again, so that nothing piles up. A file
///   system without locks cannot tell such a file from one that is being
///   written, and keeps it.
class AtomicFile {
public:
  /// Nothing is changed but for the new file beside. NotFound if there is no
  /// such folder, IoError if `path` is no regular file or the system refuses.
  static StatusOr<AtomicFile> create(const std::string &path);

  AtomicFile(AtomicFile &&) = default;
  /// Removes what is not committed.
  ~AtomicFile();

  Status write(const void *data, int64_t sizeBytes);
  /// Replaces bytes that are written, from the file's begin on: a header that
  /// the end of the file decides.
  Status rewriteBegin(const void *data, int64_t sizeBytes);

  /// Has the file take the place of the old one; the last call. Where only the
  /// folder could not be flushed, the status says so, and the new file is
  /// there.
  Status commit();

private:
  explicit AtomicFile(std::string target) : target(std::move(target)) {}
  Status openPartial();
  Status takePartial(const std::string &name);

  /// What is replaced: `path`, or what its link leads to.
  std::string target;
  /// Empty: nothing to remove.
  std::string partial;
  /// Open, and so locked against other writers, until it has its name.
  OpenFile file;
};

/// Replaces the file `path` by `content`.
Status replaceFile(const std::string &path, std::string_view content);

/// Whether `path` could be replaced now: to learn before hours of work, not
/// after.
Status checkReplaceable(const std::string &path);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_ATOMICFILE_H
