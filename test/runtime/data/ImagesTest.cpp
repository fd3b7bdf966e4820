// Files of pictures, right and wrong ones: CIFAR, PNG, JPEG, and folders.
#include "test/runtime/data/ReadFor.h"

#include "runtime/data/ImageFile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <png.h>
#include <turbojpeg.h>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

static const TensorInfo colours =
    input("image", ElementType::U8, {-1, 2, 3, 3});

//===----------------------------------------------------------------------===//
// CIFAR
//===----------------------------------------------------------------------===//

static const TensorInfo cifarImage =
    input("image", ElementType::U8, {-1, 32, 32, 3});

// A record whose planes are of one value each.
static std::string record(const std::string &labels, int red, int green,
                          int blue) {
  return labels + std::string(1024, char(red)) +
         std::string(1024, char(green)) + std::string(1024, char(blue));
}

TEST(Cifar, ReadsFilesByPatternInTheOrderOfTheirNames) {
  writeFile(temporaryPath("batch_2.bin"), record("\3", 7, 8, 9));
  writeFile(temporaryPath("batch_1.bin"),
            record(std::string(1, '\0'), 1, 2, 3) + record("\x9", 4, 5, 6));
  auto read =
      readFor({cifarImage, label}, "cifar10", {{"path", "batch_?.bin"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(std::memcmp((*read)[1].data.data(), "\0\x9\3", 3), 0);
  const uint8_t *pixels = (*read)[0].data.data();
  EXPECT_EQ(std::memcmp(pixels, "\1\2\3\1\2\3", 6), 0);
  EXPECT_EQ(std::memcmp(pixels + 2 * 3072, "\7\10\11", 3), 0);
  EXPECT_EQ((*read)[0].numSamples, 3);
}

TEST(Cifar, GivesPlanesWhereChannelsComeFirst) {
  writeFile(temporaryPath("one.bin"), record("\1", 1, 2, 3));
  auto read =
      readFor({input("image", ElementType::F32, {-1, 3, 32, 32}), label},
              "cifar10", {{"path", "one.bin"}, {"order", "chw"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  const std::vector<float> values = floats((*read)[0]);
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[1023], 1);
  EXPECT_EQ(values[1024], 2);
  EXPECT_EQ(values[3071], 3);
}

TEST(Cifar, HasFineAndCoarseLabels) {
  writeFile(temporaryPath("hundred.bin"), record("\5\x63", 1, 2, 3));
  const TensorInfo wide = input("label", ElementType::U8, {-1}, 100);
  for (auto [which, expected] :
       {std::pair("fine", 99), std::pair("coarse", 5)}) {
    auto read = readFor({cifarImage, wide}, "cifar100",
                        {{"path", "hundred.bin"}, {"label", which}});
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ((*read)[1].data.data()[0], expected);
  }
}

TEST(Cifar, TakesNamesFromBesideIt) {
  writeFile(temporaryPath("named.bin"), record("\1", 1, 2, 3));
  writeFile(temporaryPath("batches.meta.txt"),
            "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  auto read = readFor({cifarImage, label}, "cifar10", {{"path", "named.bin"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ((*read)[1].classes.size(), 10u);
  EXPECT_EQ((*read)[1].classes[9], "j");
  std::filesystem::remove(temporaryPath("batches.meta.txt"));
}

TEST(Cifar, RefusesWrongFiles) {
  auto refuse = [](const std::string &content, const char *reader,
                   const char *message) {
    writeFile(temporaryPath("wrong.bin"), content);
    expectFailure(readFor({cifarImage, label}, reader, {{"path", "wrong.bin"}}),
                  Code::InvalidFile, message);
  };
  const std::string good = record("\1", 1, 2, 3);
  refuse(good + "x", "cifar10", "3074 bytes, expected a multiple of 3073");
  refuse("", "cifar10", "0 bytes, expected a multiple of 3073");
  refuse(good, "cifar100", "3073 bytes, expected a multiple of 3074");
  refuse(record("\xa", 1, 2, 3), "cifar10",
         "record 0 has label 10, expected 0 to 9");
  writeFile(temporaryPath("good.bin"), good);
  expectFailure(readFor({input("image", ElementType::U8, {-1, 28, 28}), label},
                        "cifar10", {{"path", "good.bin"}}),
                Code::InvalidFile,
                "holds u8[1, 32, 32, 3], input 'image' is u8[batch, 28, 28]");
  expectFailure(readFor({cifarImage}, "cifar10", {{"path", "good.bin"}}),
                Code::InvalidArgument, "fills two inputs");
  expectFailure(readFor({cifarImage, label}, "cifar10", {{"path", "no_*.bin"}}),
                Code::NotFound, "no_*.bin: no such file");
  expectFailure(
      readFor({cifarImage, label}, "cifar10", {{"path", "*/good.bin"}}),
      Code::InvalidArgument, "only the name of a file may be a pattern");
  expectFailure(readFor({cifarImage, label}, "cifar10",
                        {{"path", "good.bin"}, {"order", "cwh"}}),
                Code::InvalidArgument, "expected hwc or chw");
}

//===----------------------------------------------------------------------===//
// PNG and JPEG
//===----------------------------------------------------------------------===//

static std::string png(int height, int width, png_uint_32 format,
                       const std::vector<uint8_t> &pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = png_uint_32(height);
  image.width = png_uint_32(width);
  image.format = format;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0,
                            nullptr);
  std::string content(size, '\0');
  png_image_write_to_memory(&image, content.data(), &size, 0, pixels.data(), 0,
                            nullptr);
  content.resize(size);
  return content;
}

static std::string jpeg(int height, int width,
                        const std::vector<uint8_t> &pixels) {
  tjhandle handle = tjInitCompress();
  unsigned char *bytes = nullptr;
  unsigned long size = 0;
  tjCompress2(handle, pixels.data(), width, 0, height, TJPF_RGB, &bytes, &size,
              TJSAMP_444, 100, 0);
  std::string content(reinterpret_cast<char *>(bytes), size);
  tjFree(bytes);
  tjDestroy(handle);
  return content;
}

static const std::vector<uint8_t> sixPixels = {
    255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 40, 50, 60, 70, 80, 90};

static std::vector<uint8_t> pixelsOf(const std::string &path, int64_t channels,
                                     Status *status = nullptr) {
  StatusOr<PictureSize> size = readPictureSize(path);
  std::vector<uint8_t> pixels;
  Status read =
      size.isOk()
          ? readPicture(path, {size->height, size->width, channels}, pixels)
          : size.status();
  if (status)
    *status = read;
  else
    EXPECT_TRUE(read.isOk()) << read.message();
  return pixels;
}

TEST(Pictures, ReadsPngOfEachKind) {
  const std::string path = temporaryPath("picture.png");
  writeFile(path, png(2, 3, PNG_FORMAT_RGB, sixPixels));
  EXPECT_EQ(pixelsOf(path, 3), sixPixels);
  // ITU-R BT.601: 0.299, 0.587 and 0.114 of 255.
  const std::vector<uint8_t> grey = pixelsOf(path, 1);
  EXPECT_EQ(grey[0], 76);
  EXPECT_EQ(grey[1], 150);
  EXPECT_EQ(grey[2], 29);
  writeFile(path, png(1, 2, PNG_FORMAT_GRAY, {7, 9}));
  EXPECT_EQ(pixelsOf(path, 1), (std::vector<uint8_t>{7, 9}));
  EXPECT_EQ(pixelsOf(path, 3), (std::vector<uint8_t>{7, 7, 7, 9, 9, 9}));
  // Half of it shows.
  writeFile(path, png(1, 1, PNG_FORMAT_RGBA, {200, 100, 0, 51}));
  EXPECT_EQ(pixelsOf(path, 3), (std::vector<uint8_t>{40, 20, 0}));
}

TEST(Pictures, ReadsJpeg) {
  const std::string path = temporaryPath("picture.jpg");
  writeFile(path, jpeg(8, 8, std::vector<uint8_t>(192, 100)));
  // At full quality a flat picture is off by rounding alone.
  for (uint8_t value : pixelsOf(path, 3))
    EXPECT_NEAR(value, 100, 1);
  for (uint8_t value : pixelsOf(path, 1))
    EXPECT_NEAR(value, 100, 1);
}

TEST(Pictures, RefusesWhatIsCutOff) {
  std::vector<uint8_t> noise(64 * 64 * 3);
  for (size_t i = 0; i < noise.size(); ++i)
    noise[i] = uint8_t(i * 2654435761u >> 13);
  for (const std::string &whole :
       {png(64, 64, PNG_FORMAT_RGB, noise), jpeg(64, 64, noise)}) {
    const std::string path = temporaryPath("cut");
    for (size_t size : {size_t(0), size_t(4), size_t(20), size_t(100),
                        whole.size() / 2, whole.size() - 100}) {
      writeFile(path, whole.substr(0, size));
      Status status;
      pixelsOf(path, 3, &status);
      EXPECT_EQ(status.code(), Code::InvalidFile) << size;
      EXPECT_NE(status.message().find(path), std::string::npos);
    }
  }
}

TEST(Pictures, RefusesAPictureThatIsTooLarge) {
  // The header alone: its width is in bytes 16 to 19, and its checksum, which
  // the size is read before, in 29 to 32.
  std::string content = png(1, 1, PNG_FORMAT_GRAY, {1});
  content.replace(16, 8, std::string("\0\0\xff\xff\0\0\xff\xff", 8));
  const uLong checksum =
      crc32(0, reinterpret_cast<const Bytef *>(content.data()) + 12, 17);
  for (size_t i = 0; i < 4; ++i)
    content[29 + i] = char(checksum >> (24 - 8 * i));
  writeFile(temporaryPath("huge.png"), content);
  StatusOr<PictureSize> size = readPictureSize(temporaryPath("huge.png"));
  ASSERT_FALSE(size.isOk());
  EXPECT_NE(size.status().message().find("expected at most"), std::string::npos)
      << size.status().message();
}

//===----------------------------------------------------------------------===//
// Folders
//===----------------------------------------------------------------------===//

namespace {
/// A folder that begins empty.
struct Folder {
  explicit Folder(const std::string &name) : path(temporaryPath(name)) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  void add(const std::string &name, const std::string &content) const {
    const std::filesystem::path file = path + "/" + name;
    std::filesystem::create_directories(file.parent_path());
    writeFile(file.string(), content);
  }
  std::string path;
};
} // namespace

static std::string flat(uint8_t value, int height = 2, int width = 3) {
  return png(height, width, PNG_FORMAT_GRAY,
             std::vector<uint8_t>(size_t(height * width), value));
}

static std::vector<uint8_t> sampleOf(const Column &column, int64_t index) {
  std::vector<uint8_t> values(size_t(column.sampleBytes()));
  Workspace work;
  EXPECT_TRUE(writeSample(column, index, nullptr, work, values.data()).isOk());
  return values;
}

TEST(Images, NumbersClassesByTheirNames) {
  Folder folder("pets");
  folder.add("dog/b.PNG", flat(3));
  folder.add("dog/a.png", flat(2));
  folder.add("cat/z.png", flat(1));
  folder.add("cat/notes.txt", "none");
  folder.add(".hidden/x.png", "none");
  auto read = readFor({colours, label}, "images", {{"path", "pets"}});
  ASSERT_TRUE(read.isOk()) << read.status().message();
  const Column &labels = (*read)[1];
  EXPECT_EQ(labels.numSamples, 3);
  EXPECT_EQ(std::memcmp(labels.data.data(), "\0\1\1", 3), 0);
  EXPECT_EQ(labels.classes, (std::vector<std::string>{"cat", "dog"}));
  for (int64_t i = 0; i < 3; ++i)
    EXPECT_EQ(sampleOf((*read)[0], i),
              std::vector<uint8_t>(18, uint8_t(i + 1)));
}

TEST(Images, TestsGoByTheClassesOfTraining) {
  Folder folder("wild");
  folder.add("dog/a.png", flat(1));
  EntryPoint entry;
  entry.inputs = {colours, label};
  Recipe recipe;
  recipe.data = {
      {"test", {"image", "label"}, "images", {{"path", "wild"}}, ""}};
  ReadOptions options;
  options.directories = {temporaryPath("")};
  DataFacts facts;
  facts.classes["label"] = {"cat", "dog"};
  auto read = readSplit(recipe, "test", entry, options, nullptr, &facts);
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ((*read)[1].data.data()[0], 1);
  folder.add("wolf/a.png", flat(1));
  expectFailure(readSplit(recipe, "test", entry, options, nullptr, &facts),
                Code::InvalidFile,
                "wild/wolf: the training data has no class 'wolf', it has "
                "'cat', 'dog'");
}

TEST(Images, RefusesFoldersThatAreNone) {
  auto refuse = [](const std::vector<TensorInfo> &inputs, const char *message) {
    expectFailure(readFor(inputs, "images", {{"path", "odd"}}),
                  Code::InvalidFile, message);
  };
  Folder folder("odd");
  refuse({colours, label}, "no folders in it");
  refuse({colours}, "odd: no pictures");
  folder.add("cat/notes.txt", "none");
  refuse({colours, label}, "odd/cat: no pictures");
  folder.add("cat/a.png", flat(1));
  folder.add("b.png", flat(1));
  refuse({colours, label}, "'b.png' lies beside the folders of the classes");
  std::filesystem::remove(folder.path + "/b.png");
  folder.add("cat/b.png", flat(1, 4, 3));
  refuse({colours, label},
         "odd/cat/b.png: a sample is 4x3x3, input 'image' takes 2x3x3; the "
         "step resize(2, 3) makes it so");
  folder.add("cat/b.png", flat(1).substr(0, 60));
  refuse({colours, label}, "odd/cat/b.png: not a sound PNG picture");
  folder.add("cat/b.png", "GIF89a");
  refuse({colours, label}, "odd/cat/b.png: neither a PNG nor a JPEG");
  std::filesystem::remove(folder.path + "/cat/b.png");
  folder.add("dog/a.png", flat(1));
  refuse({colours, input("label", ElementType::U8, {-1}, 1)},
         "odd: 2 classes, input 'label' takes at most 1");
}

TEST(Images, ResizesPicturesOfAnySize) {
  Folder folder("sizes");
  folder.add("a.png", flat(10, 4, 6));
  folder.add("b.png", flat(20, 1, 1));
  EntryPoint entry;
  entry.inputs = {colours};
  Recipe recipe;
  recipe.data = {{"train", {"image"}, "images", {{"path", "sizes"}}, ""}};
  recipe.sampleSteps = {
      {"image", "resize", {{"height", "2"}, {"width", "3"}}, ""}};
  ReadOptions options;
  options.directories = {temporaryPath("")};
  auto read = readSplit(recipe, "train", entry, options);
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(sampleOf((*read)[0], 0), std::vector<uint8_t>(18, 10));
  EXPECT_EQ(sampleOf((*read)[0], 1), std::vector<uint8_t>(18, 20));
}

TEST(Images, AreReadWhenTheyAreNeeded) {
  Folder folder("many");
  folder.add("a.png", flat(10));
  folder.add("b.png", flat(20));
  EntryPoint entry;
  entry.inputs = {colours};
  Recipe recipe;
  recipe.data = {{"train", {"image"}, "images", {{"path", "many"}}, ""}};
  ReadOptions options;
  options.directories = {temporaryPath("")};
  options.mostKeptBytes = 17;
  auto read = readSplit(recipe, "train", entry, options);
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(sampleOf((*read)[0], 0), std::vector<uint8_t>(18, 10));
  EXPECT_EQ(sampleOf((*read)[0], 1), std::vector<uint8_t>(18, 20));
  // What has become wrong since is a failure of the sample.
  for (const std::string &content :
       {flat(20).substr(0, 60), flat(20, 3, 2), std::string()}) {
    folder.add("b.png", content);
    std::vector<uint8_t> values(18);
    Workspace work;
    Status status = writeSample((*read)[0], 1, nullptr, work, values.data());
    EXPECT_EQ(status.code(), Code::InvalidFile);
    EXPECT_NE(status.message().find("many/b.png: "), std::string::npos);
  }
}

TEST(Images, OnePictureIsAnInputOfItsOwn) {
  writeFile(temporaryPath("one.png"), png(2, 3, PNG_FORMAT_RGB, sixPixels));
  auto read = readGiven("one.png", colours);
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(read->numSamples, 1);
  EXPECT_EQ(sampleOf(*read, 0), sixPixels);
}

TEST(Idx, ServesPicturesOfOneChannel) {
  writeFile(temporaryPath("grey"),
            std::string("\0\0\x8\3\0\0\0\1\0\0\0\1\0\0\0\2\5\6", 18));
  for (const Shape &shape :
       {Shape{-1, 1, 2}, Shape{-1, 1, 2, 1}, Shape{-1, 1, 1, 2}}) {
    auto read = readFor({input("image", ElementType::U8, shape)}, "idx",
                        {{"path", "grey"}});
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ((*read)[0].sampleShape, Shape(shape.begin() + 1, shape.end()));
  }
}
