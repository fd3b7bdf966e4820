// A file is replaced whole or not at all, and nothing else is replaced by one.
#include "test/runtime/TestPlan.h"

#include "runtime/AtomicFile.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace nnc::runtime;
using namespace nnc::runtime::test;
namespace fs = std::filesystem;

static std::string contentOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

/// A folder of its own, so that a test can say what is in it.
static std::string folder(const std::string &name) {
  std::string path = temporaryPath(name);
  fs::create_directory(path);
  return path;
}

static size_t numEntries(const std::string &path) {
  return std::distance(fs::directory_iterator(path), fs::directory_iterator());
}

TEST(AtomicFile, ReplacesAtCommit) {
  std::string path = folder("commit") + "/file";
  writeFile(path, "old");
  auto file = AtomicFile::create(path);
  ASSERT_TRUE(file.isOk()) << file.status().message();
  ASSERT_TRUE(file->write("new", 3).isOk());
  EXPECT_EQ(contentOf(path), "old");
  ASSERT_TRUE(file->commit().isOk());
  EXPECT_EQ(contentOf(path), "new");
  EXPECT_EQ(numEntries(temporaryPath("commit")), 1u);
}

TEST(AtomicFile, RemovesWhatIsNotCommitted) {
  std::string path = folder("dropped") + "/file";
  ASSERT_TRUE(AtomicFile::create(path)->write("new", 3).isOk());
  EXPECT_EQ(numEntries(temporaryPath("dropped")), 0u);
}

TEST(AtomicFile, KeepsPermissions) {
  std::string path = temporaryPath("private");
  writeFile(path, "old");
  chmod(path.c_str(), 0600);
  ASSERT_TRUE(replaceFile(path, "new").isOk());
  struct stat facts;
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600u);
}

// The link stays, and the folder that the file is in gets the partial one.
TEST(AtomicFile, FollowsLinks) {
  std::string links = folder("links"), files = folder("linked");
  writeFile(files + "/file", "old");
  fs::create_symlink("../linked/file", links + "/second");
  fs::create_symlink("second", links + "/first");
  auto file = AtomicFile::create(links + "/first");
  ASSERT_TRUE(file.isOk()) << file.status().message();
  EXPECT_TRUE(fs::exists(files + "/file.part"));
  ASSERT_TRUE(file->write("new", 3).isOk());
  ASSERT_TRUE(file->commit().isOk());
  EXPECT_TRUE(fs::is_symlink(links + "/first"));
  EXPECT_TRUE(fs::is_symlink(links + "/second"));
  EXPECT_FALSE(fs::is_symlink(files + "/file"));
  EXPECT_EQ(contentOf(files + "/file"), "new");
}

TEST(AtomicFile, MakesWhatALinkLeadsTo) {
  std::string path = folder("dangling") + "/link";
  fs::create_symlink("later", path);
  ASSERT_TRUE(replaceFile(path, "new").isOk());
  EXPECT_TRUE(fs::is_symlink(path));
  EXPECT_EQ(contentOf(temporaryPath("dangling") + "/later"), "new");
}

TEST(AtomicFile, RefusesACircleOfLinks) {
  std::string path = temporaryPath("circle");
  fs::create_symlink("circle", path);
  EXPECT_EQ(replaceFile(path, "new").message(),
            path + ": cannot replace: Too many levels of symbolic links");
  EXPECT_TRUE(fs::is_symlink(path));
}

TEST(AtomicFile, LeavesSpecialFilesAlone) {
  std::string special = folder("special");
  ASSERT_EQ(mkfifo((special + "/pipe").c_str(), 0600), 0);
  fs::create_directory(special + "/folder");
  fs::create_symlink("/dev/null", special + "/link");
  sockaddr_un address = {AF_UNIX, {}};
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  // Relative: a socket's name holds a hundred bytes.
  fs::path before = fs::current_path();
  fs::current_path(special);
  std::snprintf(address.sun_path, sizeof address.sun_path, "socket");
  ASSERT_EQ(
      bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address),
      0);
  fs::current_path(before);
  close(listener);
  for (std::string path :
       {special + "/pipe", special + "/folder", special + "/link",
        special + "/socket", std::string("/dev/null")}) {
    fs::file_type type = fs::status(path).type();
    for (Status status : {replaceFile(path, "new"), checkReplaceable(path)}) {
      EXPECT_EQ(status.code(), Code::IoError);
      EXPECT_EQ(status.message(), path + ": not a regular file");
    }
    EXPECT_EQ(fs::status(path).type(), type) << path;
  }
  EXPECT_EQ(numEntries(special), 4u);
}

// Whoever may read a file may lock it.
TEST(AtomicFile, WaitsForNobody) {
  std::string path = folder("locked") + "/file";
  writeFile(path + ".part", "held");
  int held = open((path + ".part").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(flock(held, LOCK_SH), 0);
  ASSERT_TRUE(replaceFile(path, "new").isOk());
  EXPECT_EQ(contentOf(path), "new");
  EXPECT_EQ(contentOf(path + ".part"), "held");
  EXPECT_EQ(numEntries(temporaryPath("locked")), 2u);
  close(held);
}

TEST(AtomicFile, TwoWritersAreApart) {
  std::string path = folder("writers") + "/file";
  auto first = AtomicFile::create(path), second = AtomicFile::create(path);
  ASSERT_TRUE(first.isOk() && second.isOk());
  ASSERT_TRUE(first->write("first", 5).isOk());
  ASSERT_TRUE(second->write("second", 6).isOk());
  ASSERT_TRUE(second->commit().isOk());
  EXPECT_EQ(contentOf(path), "second");
  ASSERT_TRUE(first->commit().isOk());
  EXPECT_EQ(contentOf(path), "first");
  EXPECT_EQ(numEntries(temporaryPath("writers")), 1u);
}

// Under the name of the partial file: what a killed writer left is used again,
// what nobody here has made is passed by.
TEST(AtomicFile, PassesByWhatIsNotItsOwn) {
  std::string path = folder("planted") + "/file";
  writeFile(temporaryPath("victim"), "mine");
  fs::create_symlink(temporaryPath("victim"), path + ".part");
  fs::create_hard_link(temporaryPath("victim"), path + ".part2");
  fs::create_directory(path + ".part3");
  ASSERT_EQ(mkfifo((path + ".part4").c_str(), 0600), 0);
  writeFile(path + ".part5", std::string(1000, 'x'));
  ASSERT_TRUE(replaceFile(path, "new").isOk());
  EXPECT_EQ(contentOf(path), "new");
  EXPECT_EQ(contentOf(temporaryPath("victim")), "mine");
  EXPECT_FALSE(fs::exists(path + ".part5"));
  EXPECT_EQ(numEntries(temporaryPath("planted")), 5u);
}

TEST(AtomicFile, NamesWhatIsTaken) {
  std::string path = folder("taken") + "/file";
  writeFile(path, "old");
  for (int i = 1; i <= 64; ++i)
    fs::create_directory(path + ".part" + (i == 1 ? "" : std::to_string(i)));
  Status status = replaceFile(path, "new");
  EXPECT_EQ(status.code(), Code::IoError);
  EXPECT_EQ(status.message(), path + ".part: this name, and those with 2 to 64 "
                                     "after it, are taken");
  EXPECT_EQ(contentOf(path), "old");
}

TEST(AtomicFile, KnowsBeforehand) {
  std::string path = folder("later") + "/file";
  EXPECT_TRUE(checkReplaceable(path).isOk());
  EXPECT_EQ(numEntries(temporaryPath("later")), 0u);
  EXPECT_EQ(checkReplaceable("/nonexistent/x").code(), Code::NotFound);
  EXPECT_EQ(checkReplaceable("/proc/x").code(), Code::NotFound);
}
