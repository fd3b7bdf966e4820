// Reads files whole, within bounds, and hands them to the libraries' interfaces
// that report errors by return.
#include "runtime/data/ImageFile.h"

#include "runtime/File.h"

#include <algorithm>
#include <cstring>
#include <png.h>
#include <strings.h>
#include <turbojpeg.h>

namespace nnc::runtime {

static constexpr int64_t mostFileBytes = int64_t(1) << 28;
static constexpr int64_t mostPictureSide = 65536;
static constexpr int64_t mostPicturePixels = int64_t(1) << 25;
/// Most pictures say their size in as much as this.
static constexpr int64_t headerBytes = int64_t(1) << 16;

bool isPictureName(std::string_view name) {
  for (std::string_view ending : {".png", ".jpg", ".jpeg"})
    if (name.size() > ending.size() &&
        strncasecmp(name.data() + name.size() - ending.size(), ending.data(),
                    ending.size()) == 0)
      return true;
  return false;
}

static bool isPng(std::string_view begin) {
  return begin.substr(0, 8) == std::string_view("\x89PNG\r\n\x1a\n", 8);
}

static bool isJpeg(std::string_view begin) {
  return begin.substr(0, 3) == "\xff\xd8\xff";
}

bool isPicture(std::string_view begin) { return isPng(begin) || isJpeg(begin); }

static Status damaged(const std::string &path, const char *kind,
                      const std::string &why) {
  return {Code::InvalidFile,
          concat(path, ": not a sound ", kind, " picture: ", quote(why))};
}

/// At most `most` bytes of the file; `isWhole` says whether that is all.
static StatusOr<std::vector<uint8_t>> readBytes(const std::string &path,
                                                int64_t most, bool &isWhole) {
  int64_t sizeBytes = 0;
  StatusOr<OpenFile> file = openToRead(path, sizeBytes);
  if (!file.isOk())
    return file.status();
  if (sizeBytes > mostFileBytes)
    return Status(Code::InvalidFile, concat(path, ": a picture of ", sizeBytes,
                                            " bytes, expected at most 2^28"));
  isWhole = sizeBytes <= most;
  std::vector<uint8_t> bytes(size_t(std::min(sizeBytes, most)));
  Status status = readAt(*file, path, bytes.data(), int64_t(bytes.size()), 0);
  if (!status.isOk())
    return status;
  return bytes;
}

static Status checkSize(const std::string &path, int64_t height,
                        int64_t width) {
  if (height >= 1 && width >= 1 && height <= mostPictureSide &&
      width <= mostPictureSide && height * width <= mostPicturePixels)
    return {};
  return {Code::InvalidFile,
          concat(path, ": a picture of ", height, " rows and ", width,
                 " columns, expected at most 65536 of each and 2^25 pixels")};
}

//===----------------------------------------------------------------------===//
// PNG
//===----------------------------------------------------------------------===//

static constexpr size_t pngSignatureBytes = 8;

/// Whether pixels depend on the chunk: the critical ones, whose first letter is
/// a capital, and those about colour. Of others, such as compressed text,
/// libpng allocates what they claim to hold.
static bool isOfPixels(std::string_view type) {
  return !(type[0] & 0x20) || type == "tRNS" || type == "gAMA" ||
         type == "cHRM" || type == "sRGB";
}

/// What the pixels of a PNG depend on (PNG, section 5.3: length, type, data,
/// CRC). Of chunks that end beyond the file only data of pixels, which libpng
/// reads piece by piece.
static std::vector<uint8_t> chunksOfPixels(const std::vector<uint8_t> &bytes) {
  std::vector<uint8_t> result(bytes.begin(), bytes.begin() + pngSignatureBytes);
  size_t at = pngSignatureBytes;
  while (bytes.size() - at >= 12) {
    const uint8_t *chunk = bytes.data() + at;
    const size_t length = size_t(chunk[0]) << 24 | size_t(chunk[1]) << 16 |
                          size_t(chunk[2]) << 8 | size_t(chunk[3]);
    const std::string_view type(reinterpret_cast<const char *>(chunk) + 4, 4);
    const size_t left = bytes.size() - at, size = std::min(length + 12, left);
    if (isOfPixels(type) && (length + 12 <= left || type == "IDAT"))
      result.insert(result.end(), chunk, chunk + size);
    at += size;
  }
  return result;
}

namespace {
/// libpng's state of one picture, given back on every path.
struct PngImage {
  png_image image{};
  std::vector<uint8_t> chunks;
  PngImage() { image.version = PNG_IMAGE_VERSION; }
  ~PngImage() { png_image_free(&image); }
};
} // namespace

static Status beginPng(const std::string &path,
                       const std::vector<uint8_t> &bytes, PngImage &png) {
  png.chunks = chunksOfPixels(bytes);
  if (!png_image_begin_read_from_memory(&png.image, png.chunks.data(),
                                        png.chunks.size()))
    return damaged(path, "PNG", png.image.message);
  return checkSize(path, png.image.height, png.image.width);
}

// ITU-R BT.601, section 2.5.1, as JPEG's luma is.
static uint8_t lumaOf(const uint8_t *rgb) {
  return static_cast<uint8_t>(
      (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

static uint8_t onBlack(uint8_t value, uint8_t alpha) {
  return static_cast<uint8_t>((value * alpha + 127) / 255);
}

/// Pixels as the file has them, colour or grey, with alpha or without, to the
/// channels that are wanted.
static void convertPixels(const std::vector<uint8_t> &from, bool hasColour,
                          bool hasAlpha, int64_t channels,
                          std::vector<uint8_t> &to) {
  const size_t colours = hasColour ? 3 : 1, step = colours + hasAlpha;
  const size_t count = from.size() / step;
  to.resize(count * size_t(channels));
  for (size_t i = 0; i < count; ++i) {
    uint8_t pixel[3];
    for (size_t colour = 0; colour < 3; ++colour) {
      const uint8_t value = from[i * step + (hasColour ? colour : 0)];
      pixel[colour] =
          hasAlpha ? onBlack(value, from[i * step + colours]) : value;
    }
    if (channels == 1)
      to[i] = hasColour ? lumaOf(pixel) : pixel[0];
    else
      std::copy_n(pixel, 3, to.data() + 3 * i);
  }
}

static Status decodePng(const std::string &path,
                        const std::vector<uint8_t> &bytes,
                        const PictureSize &extent,
                        std::vector<uint8_t> &pixels) {
  PngImage png;
  png_image &image = png.image;
  if (Status status = beginPng(path, bytes, png); !status.isOk())
    return status;
  if (image.height != extent.height || image.width != extent.width)
    return {Code::InvalidFile, concat(path, ": has changed while it was used")};
  const bool hasColour = image.format & PNG_FORMAT_FLAG_COLOR;
  const bool hasAlpha = image.format & PNG_FORMAT_FLAG_ALPHA;
  image.format = (hasColour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY) |
                 (hasAlpha ? PNG_FORMAT_FLAG_ALPHA : 0u);
  // Else 16 bits would be taken for light, not for what screens are sent.
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  std::vector<uint8_t> decoded(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, decoded.data(), 0, nullptr))
    return damaged(path, "PNG", image.message);
  convertPixels(decoded, hasColour, hasAlpha, extent.channels, pixels);
  return {};
}

//===----------------------------------------------------------------------===//
// JPEG
//===----------------------------------------------------------------------===//

namespace {
/// A decompressor, given back on every path.
struct JpegHandle {
  tjhandle handle = tjInitDecompress();
  ~JpegHandle() {
    if (handle)
      tjDestroy(handle);
  }
};
} // namespace

static Status beginJpeg(const std::string &path, tjhandle handle,
                        const std::vector<uint8_t> &bytes,
                        PictureSize &extent) {
  if (!handle)
    return Status::outOfMemory();
  int height = 0, width = 0, sampling = 0, space = 0;
  if (tjDecompressHeader3(handle, bytes.data(), bytes.size(), &width, &height,
                          &sampling, &space) != 0)
    return damaged(path, "JPEG", tjGetErrorStr2(handle));
  if (space == TJCS_CMYK || space == TJCS_YCCK)
    return {
        Code::InvalidFile,
        concat(path, ": a JPEG picture for print, in CMYK; save it as RGB")};
  extent.height = height;
  extent.width = width;
  return checkSize(path, height, width);
}

static Status decodeJpeg(const std::string &path,
                         const std::vector<uint8_t> &bytes,
                         const PictureSize &extent,
                         std::vector<uint8_t> &pixels) {
  JpegHandle jpeg;
  PictureSize found;
  if (Status status = beginJpeg(path, jpeg.handle, bytes, found);
      !status.isOk())
    return status;
  if (found.height != extent.height || found.width != extent.width)
    return {Code::InvalidFile, concat(path, ": has changed while it was used")};
  pixels.resize(size_t(extent.numValues()));
  // A warning is of data that are missing or wrong. Without a limit, scans of
  // nothing would keep a core busy for hours.
  const int flags =
      TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
  if (tjDecompress2(jpeg.handle, bytes.data(), bytes.size(), pixels.data(),
                    int(extent.width), 0, int(extent.height),
                    extent.channels == 1 ? TJPF_GRAY : TJPF_RGB, flags) != 0)
    return damaged(path, "JPEG", tjGetErrorStr2(jpeg.handle));
  return {};
}

//===----------------------------------------------------------------------===//
// Either
//===----------------------------------------------------------------------===//

static std::string_view beginOf(const std::vector<uint8_t> &bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

static Status extentOf(const std::string &path,
                       const std::vector<uint8_t> &bytes, PictureSize &extent) {
  if (isPng(beginOf(bytes))) {
    PngImage png;
    Status status = beginPng(path, bytes, png);
    extent.height = png.image.height;
    extent.width = png.image.width;
    return status;
  }
  if (!isJpeg(beginOf(bytes)))
    return {Code::InvalidFile, concat(path, ": neither a PNG nor a JPEG")};
  JpegHandle jpeg;
  return beginJpeg(path, jpeg.handle, bytes, extent);
}

StatusOr<PictureSize> readPictureSize(const std::string &path) {
  PictureSize extent;
  bool isWhole = false;
  for (int64_t most : {headerBytes, mostFileBytes}) {
    auto bytes = readBytes(path, most, isWhole);
    if (!bytes.isOk())
      return bytes.status();
    Status status = extentOf(path, *bytes, extent);
    if (status.isOk())
      return extent;
    if (isWhole)
      return status;
  }
  return Status(Code::IoError, concat(path, ": grows while it is read"));
}

Status readPicture(const std::string &path, const PictureSize &extent,
                   std::vector<uint8_t> &pixels) {
  bool isWhole = false;
  auto bytes = readBytes(path, mostFileBytes, isWhole);
  if (!bytes.isOk())
    return bytes.status();
  if (isPng(beginOf(*bytes)))
    return decodePng(path, *bytes, extent, pixels);
  if (isJpeg(beginOf(*bytes)))
    return decodeJpeg(path, *bytes, extent, pixels);
  return {Code::InvalidFile, concat(path, ": neither a PNG nor a JPEG")};
}

} // namespace nnc::runtime
