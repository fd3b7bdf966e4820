// Draws what a training run logged: a curve a quantity over the epochs, and the
// confusion matrix of the test split. Its own program, so that the driver does
// not carry a drawing library in memory while it trains.
#include "tools/Text.h"

#include <cairo.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

using namespace nnc::tools;
using nlohmann::json;

namespace {

struct Colour {
  double red, green, blue;
};

// Okabe and Ito's palette: told apart by colour-blind readers too.
constexpr Colour kTraining{0.0, 0.45, 0.70};
constexpr Colour kValidation{0.84, 0.37, 0.0};
constexpr Colour kTest{0.0, 0.62, 0.45};
constexpr Colour kInk{0.15, 0.15, 0.15};
constexpr Colour kGrid{0.88, 0.88, 0.88};

struct Series {
  std::string label;
  Colour colour;
  std::vector<std::pair<double, double>> points; // epoch, value
};

/// A white PNG canvas; sizes in pixels.
class Canvas {
public:
  Canvas(int width, int height)
      : surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height)),
        context(cairo_create(surface)) {
    cairo_set_source_rgb(context, 1, 1, 1);
    cairo_paint(context);
    cairo_select_font_face(context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
  }
  ~Canvas() {
    cairo_destroy(context);
    cairo_surface_destroy(surface);
  }
  Canvas(const Canvas &) = delete;
  Canvas &operator=(const Canvas &) = delete;

  void colour(Colour c) {
    cairo_set_source_rgb(context, c.red, c.green, c.blue);
  }
  void line(double x0, double y0, double x1, double y1, double width) {
    cairo_set_line_width(context, width);
    cairo_move_to(context, x0, y0);
    cairo_line_to(context, x1, y1);
    cairo_stroke(context);
  }
  void rectangle(double x, double y, double width, double height) {
    cairo_rectangle(context, x, y, width, height);
    cairo_fill(context);
  }
  void disc(double x, double y, double radius) {
    cairo_arc(context, x, y, radius, 0, 2 * M_PI);
    cairo_fill(context);
  }
  /// `align`: 0 starts at x, 0.5 is centred on it, 1 ends at it.
  void text(double x, double y, double size, double align,
            const std::string &words) {
    cairo_set_font_size(context, size);
    cairo_text_extents_t extents;
    cairo_text_extents(context, words.c_str(), &extents);
    cairo_move_to(context, x - align * extents.x_advance, y);
    cairo_show_text(context, words.c_str());
  }
  bool save(const std::string &path) {
    cairo_status_t status = cairo_surface_write_to_png(surface, path.c_str());
    if (status == CAIRO_STATUS_SUCCESS) {
      std::cout << path << '\n';
      return true;
    }
    std::cerr << path << ": error: " << cairo_status_to_string(status) << '\n';
    return false;
  }

private:
  cairo_surface_t *surface;
  cairo_t *context;
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// The step of a round scale with about `count` marks over `span`: 1, 2 or 5
/// times a power of ten.
double roundStep(double span, int count) {
  double raw = span / count;
  double power = std::pow(10, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * power)
      return factor * power;
  return 10 * power;
}

/// Data range to pixels, with the frame, grid and numbers around it.
struct Axes {
  double xLow, xHigh, yLow, yHigh;
  double left = 80, top = 50, width = 660, height = 360;

  double x(double value) const {
    return left + (value - xLow) / (xHigh - xLow) * width;
  }
  double y(double value) const {
    return top + height - (value - yLow) / (yHigh - yLow) * height;
  }

  void draw(Canvas &canvas) const {
    double yStep = roundStep(yHigh - yLow, 6);
    for (double v = std::ceil(yLow / yStep) * yStep; v <= yHigh + 1e-9;
         v += yStep) {
      canvas.colour(kGrid);
      canvas.line(left, y(v), left + width, y(v), 1);
      canvas.colour(kInk);
      canvas.text(left - 8, y(v) + 4, 12, 1,
                  number(std::abs(v) < 1e-12 ? 0 : v));
    }
    double xStep = std::max(1.0, roundStep(xHigh - xLow, 10));
    for (double v = std::ceil(xLow / xStep) * xStep; v <= xHigh + 1e-9;
         v += xStep)
      canvas.text(x(v), top + height + 20, 12, 0.5, number(v));
    canvas.line(left, top + height, left + width, top + height, 1.5);
    canvas.text(left + width / 2, top + height + 44, 13, 0.5, "epoch");
  }
};

Axes fitAxes(const std::vector<Series> &series) {
  Axes axes{INFINITY, -INFINITY, INFINITY, -INFINITY};
  for (const Series &one : series)
    for (auto [x, y] : one.points) {
      axes.xLow = std::min(axes.xLow, x), axes.xHigh = std::max(axes.xHigh, x);
      axes.yLow = std::min(axes.yLow, y), axes.yHigh = std::max(axes.yHigh, y);
    }
  if (axes.xLow == axes.xHigh)
    axes.xLow -= 1, axes.xHigh += 1;
  double margin = std::max((axes.yHigh - axes.yLow) * 0.06, 1e-6);
  axes.yLow -= margin, axes.yHigh += margin;
  return axes;
}

bool drawCurves(const std::string &path, const std::string &title,
                const std::vector<Series> &series) {
  Canvas canvas(780, 480);
  Axes axes = fitAxes(series);
  axes.draw(canvas);
  canvas.text(axes.left, 30, 17, 0, title);
  double legend = axes.left + axes.width;
  for (const Series &one : series) {
    canvas.colour(one.colour);
    for (size_t i = 1; i < one.points.size(); ++i)
      canvas.line(axes.x(one.points[i - 1].first),
                  axes.y(one.points[i - 1].second), axes.x(one.points[i].first),
                  axes.y(one.points[i].second), 2);
    for (auto [x, y] : one.points)
      canvas.disc(axes.x(x), axes.y(y), 3);
    canvas.text(legend, 30, 13, 1, one.label);
    legend -= 110;
  }
  return canvas.save(path);
}

bool drawConfusion(const std::string &path, const json &counts) {
  const size_t classes = counts.size();
  const double cell = classes <= 12 ? 48 : std::max(6.0, 576.0 / classes);
  const double left = 80, top = 70;
  Canvas canvas(int(left + cell * classes + 30),
                int(top + cell * classes + 60));
  canvas.colour(kInk);
  canvas.text(20, 30, 17, 0, "confusion matrix");
  canvas.text(left + cell * classes / 2, top + cell * classes + 44, 13, 0.5,
              "predicted class");
  canvas.text(20, top - 12, 13, 0, "true class");
  for (size_t row = 0; row < classes; ++row) {
    double sum = 0;
    for (const json &count : counts[row])
      sum += count.get<double>();
    for (size_t column = 0; column < classes; ++column) {
      double count = counts[row][column].get<double>();
      double share = sum > 0 ? count / sum : 0;
      double x = left + column * cell, y = top + row * cell;
      // The square root shows small confusions beside a strong diagonal.
      double tint = std::sqrt(share);
      canvas.colour({1 - tint, 1 - 0.55 * tint, 1 - 0.30 * tint});
      canvas.rectangle(x, y, cell - 1, cell - 1);
      if (classes > 12)
        continue;
      canvas.colour(share > 0.4 ? Colour{1, 1, 1} : kInk);
      canvas.text(x + cell / 2, y + cell / 2 + 4, 12, 0.5, number(count));
    }
    if (classes > 40)
      continue;
    canvas.colour(kInk);
    canvas.text(left - 10, top + row * cell + cell / 2 + 4, 12, 1,
                std::to_string(row));
    canvas.text(left + row * cell + cell / 2, top + cell * classes + 20, 12,
                0.5, std::to_string(row));
  }
  return canvas.save(path);
}

/// What a log holds, quantity by quantity.
struct Run {
  std::map<std::string, std::map<std::string, Series>> quantities;
  json confusion;
};

void addPoint(Run &run, const std::string &key, double epoch, double value) {
  struct Split {
    const char *prefix, *label;
    Colour colour;
  };
  static const Split splits[] = {{"validation_", "validation", kValidation},
                                 {"test_", "test", kTest},
                                 {"", "training", kTraining}};
  for (const Split &split : splits) {
    if (key.compare(0, std::strlen(split.prefix), split.prefix) != 0)
      continue;
    Series &series =
        run.quantities[key.substr(std::strlen(split.prefix))][split.label];
    series.label = split.label;
    series.colour = split.colour;
    series.points.emplace_back(epoch, value);
    return;
  }
}

bool readLog(const std::string &path, Run &run) {
  std::ifstream file(path);
  if (!file) {
    std::cerr << path << ": error: cannot be read: " << std::strerror(errno)
              << "; nnc train --log DIR writes it\n";
    return false;
  }
  std::string text;
  for (int line = 1; std::getline(file, text); ++line) {
    json record = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!record.is_object() || !record.value("epoch", json()).is_number()) {
      std::cerr << path << ':' << line
                << ": error: expected a JSON object with \"epoch\"\n";
      return false;
    }
    for (auto &[key, value] : record.items()) {
      if (key == "confusion" && value.is_array())
        run.confusion = value;
      bool isMeasure = value.is_number() && key != "epoch" && key != "step" &&
                       key != "seconds" && !isLearningRate(key);
      if (isMeasure && std::isfinite(value.get<double>()))
        addPoint(run, key, record["epoch"].get<double>(), value.get<double>());
    }
  }
  return true;
}

bool isCountMatrix(const json &matrix) {
  if (!matrix.is_array() || matrix.empty() || matrix.size() > 1000)
    return false;
  return std::all_of(matrix.begin(), matrix.end(), [&](const json &row) {
    return row.is_array() && row.size() == matrix.size() &&
           std::all_of(row.begin(), row.end(),
                       [](const json &c) { return c.is_number(); });
  });
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2 || std::string(argv[1]) == "--help") {
    (argc == 2 ? std::cout : std::cerr)
        << "usage: nnc plot DIR\n\n"
           "Draws DIR/log.jsonl, which `nnc train --log DIR` wrote: a PNG a "
           "quantity\n"
           "(loss.png, accuracy.png, ...) and confusion.png, beside it.\n";
    return argc == 2 ? 0 : 2;
  }
  std::string folder = argv[1];
  Run run;
  if (!readLog(folder + "/log.jsonl", run))
    return 1;
  bool ok = true;
  for (auto &[name, bySplit] : run.quantities) {
    if (!isFileName(name)) {
      std::cerr << "warning: '" << printable(name)
                << "' is not drawn: its name is none for a file\n";
      continue;
    }
    std::vector<Series> series;
    for (auto &[split, one] : bySplit)
      series.push_back(one);
    ok &= drawCurves(folder + "/" + name + ".png", name, series);
  }
  if (isCountMatrix(run.confusion))
    ok &= drawConfusion(folder + "/confusion.png", run.confusion);
  if (!std::cout.flush()) {
    std::cerr << "error: standard output could not be written\n";
    ok = false;
  }
  return ok ? 0 : 3;
}
