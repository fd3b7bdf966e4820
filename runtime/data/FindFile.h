// From the name of a file in a data block to where it is.
#ifndef NNC_RUNTIME_DATA_FINDFILE_H
#define NNC_RUNTIME_DATA_FINDFILE_H

#include "runtime/Status.h"

#include <string>
#include <vector>

namespace nnc::runtime {

/// What stands before `path` where it is looked for in `directories`: nothing
/// alone where it begins at the root.
std::vector<std::string>
searchPrefixes(const std::string &path,
               const std::vector<std::string> &directories);

/// The file or folder of that name, in the first of the folders that has it; of
/// a file also with ".gz" added or taken away. NotFound if none has.
StatusOr<std::string> findFile(const std::string &path,
                               const std::vector<std::string> &directories);

/// The files that match a pattern, in the order of their names: "*" stands for
/// any characters of a name, "?" for one. A name without these is looked for as
/// findFile does.
StatusOr<std::vector<std::string>>
findFiles(const std::string &pattern,
          const std::vector<std::string> &directories);

/// What is in a folder, by name and sorted.
struct FolderListing {
  std::vector<std::string> folders, files;
};

/// Names that begin with a dot are hidden. IoError if the system refuses.
StatusOr<FolderListing> listFolder(const std::string &path);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_FINDFILE_H
