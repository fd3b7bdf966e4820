// A curve over powers of ten.
#include "tools/plot/Rates.h"

#include "tools/LogLines.h"
#include "tools/plot/Canvas.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <vector>

namespace nnc::tools {

using nlohmann::json;

namespace {
/// A rate's logarithm, its loss and the smoothed one.
struct Point {
  double power, loss, smoothed;
};

/// From data to pixels.
struct Frame {
  double left = 80, top = 50, width = 660, height = 360;
  double xLow, xHigh, yLow, yHigh;

  double x(double power) const {
    return left + (power - xLow) / (xHigh - xLow) * width;
  }
  /// What is above the frame is drawn at its edge.
  double y(double loss) const {
    const double share = (loss - yLow) / (yHigh - yLow);
    return top + height - std::clamp(share, 0.0, 1.0) * height;
  }
};
} // namespace

static bool isNumber(const json &record, const char *key) {
  auto found = record.find(key);
  return found != record.end() && found->is_number();
}

/// Those lines that are what `nnc find-rate` writes.
static std::vector<Point> read(const std::string &path) {
  std::vector<Point> points;
  // Of a file that cannot be read, none.
  (void)readLogLines(path, [&](const std::string &line, int64_t) {
    json record = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!record.is_object() || !isNumber(record, "rate") ||
        !isNumber(record, "loss") || !isNumber(record, "smoothed"))
      return true;
    const Point point{std::log10(record["rate"].get<double>()),
                      record["loss"].get<double>(),
                      record["smoothed"].get<double>()};
    if (std::isfinite(point.power) && std::isfinite(point.loss) &&
        std::isfinite(point.smoothed))
      points.push_back(point);
    return true;
  });
  return points;
}

static Frame frameOf(const std::vector<Point> &points) {
  Frame frame;
  frame.xLow = points.front().power, frame.xHigh = points.back().power;
  frame.yLow = frame.yHigh = points.front().smoothed;
  for (const Point &point : points) {
    frame.xLow = std::min(frame.xLow, point.power);
    frame.xHigh = std::max(frame.xHigh, point.power);
    frame.yLow = std::min(frame.yLow, point.smoothed);
    frame.yHigh = std::max(frame.yHigh, point.smoothed);
  }
  const double margin = std::max((frame.yHigh - frame.yLow) * 0.06, 1e-6);
  frame.yLow -= margin, frame.yHigh += margin;
  frame.xHigh = std::max(frame.xHigh, frame.xLow + 1e-6);
  return frame;
}

static void drawAxes(Canvas &canvas, const Frame &frame) {
  canvas.colour(kInk);
  canvas.text(frame.left, 30, 17, 0, "loss over the learning rate");
  for (double power = std::ceil(frame.xLow); power <= frame.xHigh; ++power) {
    canvas.colour(kGrid);
    canvas.line(frame.x(power), frame.top, frame.x(power),
                frame.top + frame.height, 1);
    canvas.colour(kInk);
    canvas.text(frame.x(power), frame.top + frame.height + 20, 12, 0.5,
                "1e" + std::to_string(int(power)));
  }
  constexpr int marks = 5;
  for (int i = 0; i <= marks; ++i) {
    const double loss =
        frame.yLow + (frame.yHigh - frame.yLow) * i / double(marks);
    canvas.colour(kGrid);
    canvas.line(frame.left, frame.y(loss), frame.left + frame.width,
                frame.y(loss), 1);
    canvas.colour(kInk);
    canvas.text(frame.left - 8, frame.y(loss) + 4, 12, 1, shortNumber(loss));
  }
  canvas.text(frame.left + frame.width / 2, frame.top + frame.height + 44, 13,
              0.5, "learning rate");
}

int plotRates(const std::string &folder) {
  const std::vector<Point> points = read(folder + "/rates.jsonl");
  if (points.empty()) {
    std::cerr << "error: " << folder << "/rates.jsonl has no rates\n";
    return 1;
  }
  Canvas canvas(780, 480);
  const Frame frame = frameOf(points);
  drawAxes(canvas, frame);
  canvas.colour(kGrid);
  for (const Point &point : points)
    canvas.disc(frame.x(point.power), frame.y(point.loss), 3);
  canvas.colour(kBlue);
  for (size_t i = 1; i < points.size(); ++i)
    canvas.line(frame.x(points[i - 1].power), frame.y(points[i - 1].smoothed),
                frame.x(points[i].power), frame.y(points[i].smoothed), 2);
  return canvas.save(folder + "/rates.png") ? 0 : 3;
}

} // namespace nnc::tools
