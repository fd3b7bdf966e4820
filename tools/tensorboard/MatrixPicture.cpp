// Squares and digits, encoded by libpng.
#include "tools/tensorboard/MatrixPicture.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include <png.h>

namespace nnc::tools {

namespace {

constexpr int cellSize = 32;
constexpr int mostClasses = 100;

/// Digits of 3 x 5 points, a row in three bits, the top row first.
constexpr uint16_t digits[10] = {075557, 026227, 071747, 071717, 055711,
                                 074717, 074757, 071111, 075757, 075717};

class Pixels {
public:
  explicit Pixels(int side) : side(side), bytes(size_t(side) * side * 3, 255) {}

  void set(int x, int y, int red, int green, int blue) {
    uint8_t *pixel = &bytes[(size_t(y) * side + x) * 3];
    pixel[0] = uint8_t(red), pixel[1] = uint8_t(green),
    pixel[2] = uint8_t(blue);
  }

  /// White to blue, and a line of white around it.
  void fillCell(int row, int column, double share) {
    for (int y = 0; y < cellSize - 1; ++y)
      for (int x = 0; x < cellSize - 1; ++x)
        set(column * cellSize + x, row * cellSize + y, int(245 - 215 * share),
            int(247 - 155 * share), int(250 - 90 * share));
  }

  void writeNumber(int row, int column, const std::string &text, bool isLight) {
    const int width = int(text.size()) * 4 - 1;
    int x = column * cellSize + (cellSize - width) / 2;
    const int y = row * cellSize + (cellSize - 5) / 2;
    for (char digit : text) {
      for (int bit = 0; bit < 15; ++bit)
        if (digits[digit - '0'] >> (14 - bit) & 1) {
          const int shade = isLight ? 255 : 40;
          set(x + bit % 3, y + bit / 3, shade, shade, shade);
        }
      x += 4;
    }
  }

  std::string encode() const {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = image.height = png_uint_32(side);
    image.format = PNG_FORMAT_RGB;
    png_alloc_size_t size = 0;
    if (!png_image_write_to_memory(&image, nullptr, &size, 0, bytes.data(), 0,
                                   nullptr))
      return "";
    std::string png(size, '\0');
    if (!png_image_write_to_memory(&image, png.data(), &size, 0, bytes.data(),
                                   0, nullptr))
      return "";
    png.resize(size);
    return png;
  }

private:
  int side;
  std::vector<uint8_t> bytes;
};

} // namespace

PngPicture drawMatrix(const std::vector<std::vector<double>> &counts) {
  const int size = int(std::min<size_t>(counts.size(), mostClasses + 1));
  if (size == 0 || size > mostClasses)
    return {};
  Pixels pixels(size * cellSize);
  for (int row = 0; row < size; ++row) {
    const std::vector<double> &cells = counts[row];
    const double sum = std::accumulate(cells.begin(), cells.end(), 0.0);
    for (int column = 0; column < size; ++column) {
      const double share = sum > 0 ? cells[column] / sum : 0;
      pixels.fillCell(row, column, share);
      char text[32];
      std::snprintf(text, sizeof text, "%.0f", std::max(0.0, cells[column]));
      constexpr double mostShown = 9999999;
      if (cells[column] > 0 && cells[column] <= mostShown)
        pixels.writeNumber(row, column, text, share > 0.5);
    }
  }
  return {size * cellSize, size * cellSize, pixels.encode()};
}

} // namespace nnc::tools
